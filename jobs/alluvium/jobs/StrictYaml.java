package alluvium.jobs;

import alluvium.jobs.Node.Kind;
import alluvium.jobs.Node.Mapping;
import alluvium.jobs.Node.Scalar;
import alluvium.jobs.Node.Sequence;
import alluvium.tables.RecipeException;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * YAML without what makes it dangerous or ambiguous: one document, every key once, no anchors, aliases or tags, at most
 * {@value #LARGEST} bytes and {@value #DEEPEST} levels. Anything else is a {@link RecipeException} with the line.
 */
final class StrictYaml {
  static final int LARGEST = 256 * 1024;
  static final int DEEPEST = 24;
  private static final int LONGEST_MESSAGE = 200;
  private static final Pattern SHIPPED = Pattern.compile("conf(/[A-Za-z0-9_-]+)+\\.yaml");

  private static final YAMLFactory FACTORY = YAMLFactory.builder()
      .enable(YAMLParser.Feature.PARSE_BOOLEAN_LIKE_WORDS_AS_STRINGS)
      .enable(YAMLParser.Feature.EMPTY_STRING_AS_NULL).build();     // a value left out; quotes still make a text

  private final YAMLParser parser;
  private final String place;

  private StrictYaml(YAMLParser parser, String place) {
    this.parser = parser;
    this.place = place;
  }

  /**
   * The text of a file, which must be UTF-8. A name in conf/ that is no file means the one that the product ships, so
   * conf/grpo.yaml opens wherever the product's jar is.
   */
  static String text(Path file) {
    byte[] bytes;
    try (InputStream in = Files.isRegularFile(file) ? Files.newInputStream(file) : shipped(file)) {
      bytes = in.readNBytes(LARGEST + 1);
    } catch (IOException e) {
      throw new RecipeException("%s: cannot be read: %s. Check who may read it.", file, e.getMessage());
    }
    tooLarge(bytes.length, file.toString());
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new RecipeException("%s: is not UTF-8 text. Save it as UTF-8.", file);
    }
  }

  private static InputStream shipped(Path file) throws IOException {
    String name = file.normalize().toString();
    Optional<URL> resource = Optional.of(name).filter(n -> SHIPPED.matcher(n).matches() && !Files.exists(file))
        .map(n -> StrictYaml.class.getResource("/" + n));
    return resource.orElseThrow(() -> new RecipeException(
        "%s: there is no such file. Name a file of conf/ or write one.", file)).openStream();
  }

  /** The nodes of a text; place is what errors call it. */
  static Node parse(String text, String place) {
    tooLarge(text.length(), place);
    try (YAMLParser parser = FACTORY.createParser(text)) {
      return new StrictYaml(parser, place).document();
    } catch (JsonProcessingException e) {
      throw new RecipeException("%s: line %s is not YAML: %s", place, e.getLocation() == null ? "?"
          : e.getLocation().getLineNr(), firstLine(e.getOriginalMessage()));
    } catch (IOException e) {
      throw new RecipeException("%s: is not YAML: %s", place, firstLine(String.valueOf(e.getMessage())));
    } catch (RecipeException e) {
      throw e;
    } catch (RuntimeException e) {      // the YAML library has some of its own for odd characters and escapes
      throw new RecipeException("%s: is not YAML: %s", place, firstLine(String.valueOf(e.getMessage())));
    }
  }

  private static void tooLarge(int length, String place) {
    RecipeException.require(length <= LARGEST, "%s: is larger than %s bytes. Leave out what is no recipe.", place,
        LARGEST);
  }

  private static String firstLine(String message) {
    return Spelling.printable(message.lines().findFirst().orElse(""), LONGEST_MESSAGE) + ".";
  }

  private Node document() throws IOException {
    JsonToken first = parser.nextToken();
    if (first == null) {
      throw new RecipeException("%s: is empty. Write one component per line.", place);
    }
    Node root = node(first, 0);
    if (parser.nextToken() != null) {
      throw refused("starts a second document", "Keep one");
    }
    return root;
  }

  private Node node(JsonToken token, int depth) throws IOException {
    if (token == null) {
      throw refused("ends in the middle of a value", "Close what is open");
    }
    plain();
    if (depth > DEEPEST) {
      throw refused("is nested deeper than " + DEEPEST + " levels", "Keep to classes and their components");
    }
    if (token == JsonToken.START_OBJECT) {
      return mapping(depth);
    }
    if (token == JsonToken.START_ARRAY) {
      List<Node> items = new ArrayList<>();
      for (JsonToken next = parser.nextToken(); next != JsonToken.END_ARRAY; next = parser.nextToken()) {
        items.add(node(next, depth + 1));
      }
      return new Sequence(items);
    }
    return new Scalar(parser.getText(), kind(token));
  }

  private Mapping mapping(int depth) throws IOException {
    Map<String, Node> entries = new LinkedHashMap<>();
    for (JsonToken next = parser.nextToken(); next != JsonToken.END_OBJECT; next = parser.nextToken()) {
      plain();
      String key = parser.getCurrentName();
      if (entries.containsKey(key)) {
        throw refused("has the key " + Spelling.printable(key) + " a second time", "Keep one");
      }
      entries.put(key, node(parser.nextToken(), depth + 1));
    }
    return new Mapping(entries);
  }

  private static Kind kind(JsonToken token) {
    return switch (token) {
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> Kind.NUMBER;
      case VALUE_TRUE, VALUE_FALSE -> Kind.TRUTH;
      case VALUE_NULL -> Kind.NOTHING;
      default -> Kind.TEXT;
    };
  }

  private void plain() throws IOException {
    if (parser.isCurrentAlias() || parser.getCurrentAnchor() != null) {
      throw refused("has an anchor or an alias", "Write the value out");
    }
    if (parser.getTypeId() != null) {
      throw refused("has a tag", "Write the value without it");
    }
  }

  private RecipeException refused(String what, String wayOut) {
    return new RecipeException("%s: line %s %s. %s.", place, parser.getTokenLocation().getLineNr(), what, wayOut);
  }
}
