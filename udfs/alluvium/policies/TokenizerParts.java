package alluvium.policies;

import alluvium.tables.DataException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a tokenizer.json may ask of the native library, which ends the whole process where it meets a value that it did
 * not expect. Only parts that are known to answer or to refuse whatever text they get may pass, with the values they
 * are known for.
 */
final class TokenizerParts {
  private static final String SEQUENCE = "Sequence";

  private static final Map<String, Set<String>> KNOWN = Map.of(
      "normalizer", Set.of("BertNormalizer", "ByteLevel", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Nmt", "Prepend",
          "Replace", "Sequence", "Strip", "StripAccents"),
      "pre_tokenizer", Set.of("BertPreTokenizer", "ByteLevel", "CharDelimiterSplit", "Digits", "Metaspace",
          "Punctuation", "Sequence", "Split", "UnicodeScripts", "Whitespace", "WhitespaceSplit"),
      "decoder", Set.of("BPEDecoder", "ByteFallback", "ByteLevel", "Fuse", "Metaspace", "Replace", "Sequence", "Strip",
          "WordPiece"),
      "model", Set.of("BPE", "Unigram", "WordLevel", "WordPiece"));
  /** Where a part keeps the parts that it consists of. */
  private static final Map<String, String> WITHIN = Map.of("normalizer", "normalizers", "pre_tokenizer",
      "pretokenizers", "decoder", "decoders");
  /** What changes ids after the model, or their number: never asked for. */
  private static final List<String> UNUSED = List.of("truncation", "padding", "post_processor");
  private static final int MOST_PARTS = 64;
  private static final int DEEPEST = 64;
  /** How many times as long a text may become by replacements. */
  private static final int MOST_GROWTH = 16;
  private static final int LONGEST_PREFIX = 64;
  /** Characters that one outside ASCII may become. */
  private static final Map<String, Integer> WIDENING = Map.of("NFC", 3, "NFD", 4, "NFKC", 18, "NFKD", 18,
      "BertNormalizer", 4, "ByteLevel", 4, "Lowercase", 3);

  /**
   * What passed.
   *
   * @param json without the parts that are never asked for
   * @param growth characters that a character may become by replacements
   * @param widening characters that one outside ASCII may become besides
   */
  record Checked(ObjectNode json, double growth, int widening) {

    /** At most so many characters come out of the normalizer. */
    double normalized(String text) {
      long ascii = text.chars().filter(c -> c < 128).count();
      return growth * (ascii + (double) widening * (text.length() - ascii));
    }
  }

  private final String place;
  private int parts;
  private double growth = 1;
  private int widening = 1;

  private TokenizerParts(String place) {
    this.place = place;
  }

  /** The tokenizer without what is never asked for; throws if a part of the rest may not pass. */
  static Checked checked(ObjectNode tokenizer, String place) {
    plain(tokenizer, 0, place);
    for (String part : List.of("pre_tokenizer", "decoder")) {
      new TokenizerParts(place + ": " + part).check(part, tokenizer.path(part));
    }
    TokenizerParts normalizer = new TokenizerParts(place + ": normalizer");
    normalizer.check("normalizer", tokenizer.path("normalizer"));
    model(tokenizer.path("model"), place + ": model");
    ObjectNode without = tokenizer.objectNode();
    without.setAll(tokenizer);
    UNUSED.forEach(without::putNull);
    return new Checked(without, normalizer.growth, normalizer.widening);
  }

  /** The library gives up a decoder of more levels, or with a number that no double holds, by ending the process. */
  private static void plain(JsonNode node, int depth, String place) {
    if (depth > DEEPEST) {
      throw refused(place, "is nested deeper than " + DEEPEST + " levels");
    }
    if (node.isNumber() && !Double.isFinite(node.doubleValue())) {
      throw refused(place, "has a number beyond the range of doubles");
    }
    node.forEach(inner -> plain(inner, depth + 1, place));
  }

  private void check(String kind, JsonNode part) {
    if (part.isMissingNode() || part.isNull()) {
      return;
    }
    String type = type(part, kind, place);
    parts++;
    require(parts <= MOST_PARTS, "has more than " + MOST_PARTS + " parts");
    if (type.equals(SEQUENCE)) {
      part.path(WITHIN.get(kind)).forEach(inner -> check(kind, inner));
    }
    pattern(part.path("pattern").path("Regex"));
    if (type.equals("Replace")) {
      int content = part.path("content").asText().length();
      int replaced = part.path("pattern").path("String").asText("").length();
      growth *= replaced == 0 ? 1 + content : Math.max(1, (double) content / replaced);
      require(growth <= MOST_GROWTH, "makes a text more than " + MOST_GROWTH + " times as long");
    }
    require(part.path("prepend").asText("").length() <= LONGEST_PREFIX, "prepends more than " + LONGEST_PREFIX
        + " characters");
    widening = Math.max(widening, WIDENING.getOrDefault(type, 1));
    boolean cutsTheEnd = kind.equals("decoder") && part.has("stop") && part.path("stop").asInt(1) != 0;
    require(!cutsTheEnd, "strips characters from the end of tokens (stop must be 0)");
  }

  private void pattern(JsonNode regex) {
    if (!regex.isMissingNode()) {
      Optional<String> reason = SplitPattern.refusal(regex.asText());
      reason.ifPresent(r -> require(false, "has the pattern " + StrictJson.brief(regex.asText()) + ", which " + r));
    }
  }

  private void require(boolean holds, String what) {
    if (!holds) {
      throw refused(place, what);
    }
  }

  private static String type(JsonNode part, String kind, String place) {
    String type = part.path("type").asText();
    if (!KNOWN.get(kind).contains(type)) {
      throw refused(place, "has the type " + StrictJson.brief(part.path("type").toString()) + "; known: "
          + String.join(", ", new TreeSet<>(KNOWN.get(kind))));
    }
    return type;
  }

  private static void model(JsonNode model, String place) {
    if (!model.path("type").isMissingNode()) {      // the oldest files have none
      type(model, "model", place);
    }
    boolean words = model.path("type").asText().equals("WordPiece");
    if (!words && !model.path("continuing_subword_prefix").asText("").isEmpty()
        && !model.path("continuing_subword_prefix").isNull()) {
      throw refused(place, "has a continuing_subword_prefix, got "
          + StrictJson.brief(model.path("continuing_subword_prefix").toString()));
    }
  }

  private static DataException refused(String place, String what) {
    return new DataException("%s %s. The native library could end the process over it; export the tokenizer without "
        + "that part.", place, what);
  }
}
