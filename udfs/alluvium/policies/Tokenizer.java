package alluvium.policies;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import alluvium.tables.DataException;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * The tokenizer of a Hugging Face folder: text to ids and back, and conversations to text. For any number of threads;
 * holds native memory until closed.
 *
 * <p>Encoding adds nothing, cuts nothing and pads nothing, whatever the files ask for; special tokens spelled out in
 * the text become their ids. Decoding cleans nothing up. A template's {@code strftime_now} tells the day
 * {@link #TODAY}, not that of the run: the same prompts are the same tokens tomorrow.
 */
public final class Tokenizer implements AutoCloseable {
  public static final String TOKENIZER = "tokenizer.json";
  public static final String CONFIG = "tokenizer_config.json";
  public static final String TEMPLATE = "chat_template.jinja";
  /** What templates take for today: the day that published templates fall back on (ours to use it always). */
  public static final Instant TODAY = Instant.parse("2024-07-26T00:00:00Z");

  /** Bytes of a file; published vocabularies of 256 thousand tokens have half of it. */
  private static final long LARGEST = 64L << 20;
  /** As many as the rows of an embedding. */
  private static final int MOST_IDS = 1 << 24;
  private static final List<String> SPECIAL = List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token",
      "cls_token", "mask_token");

  static {
    Offline.settle();
  }

  private final HuggingFaceTokenizer tokenizer;
  private final TokenizerParts.Checked parts;
  private final Map<String, Integer> ids;
  private final int size;
  private final Map<String, Object> variables;
  private final Optional<String> template;
  private final Map<String, ChatTemplate> parsed = new ConcurrentHashMap<>();

  private Tokenizer(HuggingFaceTokenizer tokenizer, TokenizerParts.Checked parts, Map<String, Integer> ids,
      Map<String, Object> variables, Optional<String> template) {
    this.tokenizer = tokenizer;
    this.parts = parts;
    this.ids = ids;
    this.size = 1 + ids.values().stream().mapToInt(id -> id).max().orElse(-1);
    this.variables = variables;
    this.template = template;
  }

  /** Reads tokenizer.json and, where they are, tokenizer_config.json and chat_template.jinja of the folder. */
  public static Tokenizer load(Path folder) {
    Map<String, byte[]> files = new HashMap<>();
    for (String name : List.of(TOKENIZER, CONFIG, TEMPLATE)) {
      Path file = folder.resolve(name);
      if (Files.isRegularFile(file)) {
        files.put(name, bytes(file));
      }
    }
    return of(files, folder.toString());
  }

  /** The same from the files' contents by name. */
  public static Tokenizer of(Map<String, byte[]> files) {
    return of(files, "the files given");
  }

  private static Tokenizer of(Map<String, byte[]> files, String place) {
    if (!files.containsKey(TOKENIZER)) {
      throw new DataException("%s: there is no %s. Export the tokenizer in that form.", place, TOKENIZER);
    }
    ObjectNode json = object(files.get(TOKENIZER), place, TOKENIZER);
    JsonNode config = files.containsKey(CONFIG) ? object(files.get(CONFIG), place, CONFIG)
        : StrictJson.MAPPER.createObjectNode();
    Optional<String> template = files.containsKey(TEMPLATE)
        ? Optional.of(new String(files.get(TEMPLATE), StandardCharsets.UTF_8)) : template(config);
    Map<String, Integer> ids = ids(json, place);
    TokenizerParts.Checked parts = TokenizerParts.checked(json, place + ": " + TOKENIZER);
    return new Tokenizer(open(parts.json(), place), parts, ids, variables(config), template);
  }

  private static byte[] bytes(Path file) {
    try {
      if (Files.size(file) > LARGEST) {
        throw new DataException("%s has %s bytes, more than %s", file, Files.size(file), LARGEST);
      }
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new DataException(e, "%s cannot be read: %s", file, e.getMessage());
    }
  }

  private static ObjectNode object(byte[] bytes, String place, String name) {
    if (bytes.length > LARGEST) {
      throw new DataException("%s: %s has %s bytes, more than %s", place, name, bytes.length, LARGEST);
    }
    try {
      if (StrictJson.MAPPER.readTree(bytes) instanceof ObjectNode node) {
        return node;
      }
      throw new DataException("%s: %s is not a JSON object. Copy the file again.", place, name);
    } catch (JsonProcessingException e) {
      throw new DataException(e, "%s: %s is not JSON: line %s: %s. Copy the file again.", place, name,
          Optional.ofNullable(e.getLocation()).map(at -> String.valueOf(at.getLineNr())).orElse("?"),
          StrictJson.brief(e.getOriginalMessage()));
    } catch (IOException e) {
      throw new DataException(e, "%s: %s is not JSON: %s. Copy the file again.", place, name, e.getMessage());
    }
  }

  private static HuggingFaceTokenizer open(ObjectNode json, String place) {
    Map<String, String> options = Map.of("addSpecialTokens", "false", "truncation", "do_not_truncate",
        "padding", "do_not_pad");
    try {
      return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(StrictJson.MAPPER.writeValueAsBytes(json)),
          options);
    } catch (IOException | RuntimeException e) {
      throw new DataException(e, "%s: %s is not a tokenizer: %s", place, TOKENIZER,
          StrictJson.brief(String.valueOf(e.getMessage())));
    }
  }

  private static Map<String, Integer> ids(JsonNode json, String place) {
    Map<String, Integer> ids = new HashMap<>();
    JsonNode vocabulary = json.path("model").path("vocab");
    for (Iterator<Map.Entry<String, JsonNode>> tokens = vocabulary.fields(); tokens.hasNext();) {
      Map.Entry<String, JsonNode> token = tokens.next();
      ids.put(token.getKey(), id(token.getValue(), token.getKey(), place));
    }
    for (int i = 0; vocabulary.isArray() && i < vocabulary.size(); i++) {
      ids.put(vocabulary.get(i).path(0).asText(), i);
    }
    for (JsonNode token : json.path("added_tokens")) {
      ids.put(token.path("content").asText(), id(token.path("id"), token.path("content").asText(), place));
    }
    if (ids.isEmpty()) {
      throw new DataException("%s: %s has no vocabulary under model.vocab", place, TOKENIZER);
    }
    return ids;
  }

  private static int id(JsonNode node, String token, String place) {
    if (!node.isInt() || node.intValue() < 0 || node.intValue() > MOST_IDS) {
      throw new DataException("%s: token '%s' of %s has the id %s, which is not a number from 0 to %s", place,
          StrictJson.brief(token), TOKENIZER, StrictJson.brief(node.toString()), MOST_IDS);
    }
    return node.intValue();
  }

  /** The template that the configuration names default, or its only one. */
  private static Optional<String> template(JsonNode config) {
    JsonNode template = config.path("chat_template");
    if (template.isTextual()) {
      return Optional.of(template.textValue());
    }
    for (JsonNode named : template) {
      if (named.path("name").asText().equals("default") && named.path("template").isTextual()) {
        return Optional.of(named.path("template").textValue());
      }
    }
    return Optional.empty();
  }

  /** What a template sees beside the messages; no tools and no documents, as None. */
  private static Map<String, Object> variables(JsonNode config) {
    Map<String, Object> variables = new LinkedHashMap<>();
    variables.put("tools", Optional.empty());
    variables.put("documents", Optional.empty());
    for (String name : SPECIAL) {
      content(config.path(name)).ifPresent(token -> variables.put(name, token));
    }
    List<Object> more = new ArrayList<>();
    config.path("additional_special_tokens").forEach(token -> content(token).ifPresent(more::add));
    if (!more.isEmpty()) {
      variables.put("additional_special_tokens", more);
    }
    return variables;
  }

  private static Optional<String> content(JsonNode token) {
    JsonNode content = token.isObject() ? token.path("content") : token;
    return content.isTextual() ? Optional.of(content.textValue()) : Optional.empty();
  }

  /** Ids of the whole text and of nothing else; a text of more than half a million characters is refused. */
  public int[] encode(String text) {
    double characters = parts.normalized(text);
    if (characters > SplitPattern.LONGEST_TEXT) {
      throw new DataException("a text of %s characters may have %.0f when it is normalized, more than %s. Leave it "
          + "out, "
          + "or cut it.", text.length(), characters, SplitPattern.LONGEST_TEXT);
    }
    try {
      long[] encoded = tokenizer.encode(WellFormed.text(text), false, false).getIds();
      return Arrays.stream(encoded).mapToInt(Math::toIntExact).toArray();
    } catch (IllegalStateException closed) {
      throw closed;
    } catch (RuntimeException e) {
      throw new DataException(e, "the tokenizer cannot encode a text of %s characters: %s", text.length(),
          e.getMessage());
    }
  }

  /** Text of the ids without special tokens; ids beyond the vocabulary have none. */
  public String decode(int[] ids) {
    return text(ids, () -> tokenizer.decode(known(ids), true));
  }

  /** Text of the ids, special tokens spelled out; ids beyond the vocabulary have none. */
  public String decodeAll(int[] ids) {
    return text(ids, () -> tokenizer.decode(known(ids), false));
  }

  private static String text(int[] ids, Supplier<String> decoded) {
    try {
      return decoded.get();
    } catch (IllegalStateException | DataException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new DataException(e, "the tokenizer cannot decode %s ids: %s", ids.length, e.getMessage());
    }
  }

  private long[] known(int[] tokens) {
    for (int token : tokens) {
      if (token < 0) {
        throw new DataException("token %s cannot be decoded: ids are >= 0", token);
      }
    }
    return Arrays.stream(tokens).filter(token -> token < size).asLongStream().toArray();
  }

  /** One more than the largest id. */
  public int size() {
    return size;
  }

  /** The id of the token as the files spell it. */
  public Optional<Integer> id(String token) {
    return Optional.ofNullable(ids.get(token));
  }

  public boolean hasTemplate() {
    return template.isPresent();
  }

  /** The conversation as it is, for training on it. */
  public String render(List<Message> messages) {
    return render(messages, Map.of("add_generation_prompt", false));
  }

  /** The conversation and the beginning of the assistant's next turn, for generating it. */
  public String renderForReply(List<Message> messages) {
    return render(messages, Map.of("add_generation_prompt", true));
  }

  private String render(List<Message> messages, Map<String, Object> more) {
    String source = template.orElseThrow(() -> new DataException(
        "the tokenizer has no chat template: put %s beside %s, or give prompts as text", TEMPLATE, TOKENIZER));
    Map<String, Object> all = new LinkedHashMap<>(variables);
    all.putAll(more);
    List<Map<String, String>> turns = new ArrayList<>();
    messages.forEach(m -> {
      Map<String, String> turn = new LinkedHashMap<>();
      turn.put("role", m.role());
      turn.put("content", m.content());
      turns.add(turn);
    });
    all.put("messages", turns);
    return parsed.computeIfAbsent(source, s -> new ChatTemplate(s, Clock.fixed(TODAY, ZoneOffset.UTC))).render(all);
  }

  /** Frees the native memory; further use is an IllegalStateException. */
  @Override
  public void close() {
    tokenizer.close();
  }
}
