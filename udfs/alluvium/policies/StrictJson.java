package alluvium.policies;

import alluvium.tables.DataException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A JSON object from an untrusted file: each key once, nothing after the closing brace, every value checked for type
 * and range when it is read. A JSON null counts as absent.
 *
 * @param node the object
 * @param place its file, and the path within it, as errors name them
 */
record StrictJson(ObjectNode node, String place) {
  /** Names are neither interned nor hashed into shared tables, so that no choice of names can slow those down. */
  static final JsonFactory FACTORY = JsonFactory.builder()
      .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
      .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
      .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
      .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
      .build();
  /** Numbers keep the digits they were written with. */
  static final ObjectMapper MAPPER = JsonMapper.builder(FACTORY)
      .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
      .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
      .nodeFactory(JsonNodeFactory.withExactBigDecimals(true))
      .build();

  static StrictJson parse(String text, String place) {
    try {
      if (MAPPER.readTree(text) instanceof ObjectNode object) {
        return new StrictJson(object, place);
      }
    } catch (JsonProcessingException e) {
      throw new DataException(e, "%s: not valid JSON: %s", place, brief(e.getOriginalMessage()));
    }
    throw new DataException("%s: must be a JSON object.", place);
  }

  /** A value from a file as errors quote it: at most 120 characters, none that moves or hides others. */
  static String brief(String value) {
    String shown = value.length() <= 120 ? value : value.substring(0, 120) + "...";
    return shown.replaceAll("[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]", "?");
  }

  /** Indented, a line feed at the end, the same on every system. */
  static String pretty(ObjectNode node) {
    DefaultIndenter indenter = new DefaultIndenter("  ", "\n");
    try {
      return MAPPER.writer(new DefaultPrettyPrinter().withObjectIndenter(indenter)
          .withArrayIndenter(indenter)).writeValueAsString(node) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  boolean has(String key) {
    return node.hasNonNull(key);
  }

  /** The object under the key. */
  Optional<StrictJson> object(String key) {
    if (!has(key)) {
      return Optional.empty();
    }
    if (node.get(key) instanceof ObjectNode object) {
      return Optional.of(new StrictJson(object, place + ": " + key));
    }
    throw wrong(key, "an object");
  }

  int integer(String key, int min, int max) {
    if (!has(key)) {
      throw wrong(key, "an integer from " + min + " to " + max);
    }
    return integer(key, node.get(key), min, max);
  }

  int integer(String key, int min, int max, int absent) {
    return has(key) ? integer(key, min, max) : absent;
  }

  private int integer(String key, JsonNode value, int min, int max) {
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < min || value.intValue() > max) {
      throw wrong(key, "an integer from " + min + " to " + max);
    }
    return value.intValue();
  }

  /** An integer or a list of integers, at most 1000; empty if absent. */
  List<Integer> integers(String key, int min, int max) {
    List<Integer> integers = new ArrayList<>();
    if (has(key) && node.get(key).isArray() && node.get(key).size() <= 1000) {
      node.get(key).forEach(value -> integers.add(integer(key, value, min, max)));
    } else if (has(key)) {
      integers.add(integer(key, min, max));
    }
    return integers;
  }

  /** Finite and greater than zero. */
  double positive(String key) {
    double value = has(key) && node.get(key).isNumber() ? node.get(key).doubleValue() : Double.NaN;
    if (!(value > 0) || Double.isInfinite(value)) {
      throw wrong(key, "a finite number > 0");
    }
    return value;
  }

  double positive(String key, double absent) {
    return has(key) ? positive(key) : absent;
  }

  boolean flag(String key) {
    if (has(key) && !node.get(key).isBoolean()) {
      throw wrong(key, "true or false");
    }
    return has(key) && node.get(key).booleanValue();
  }

  Optional<String> text(String key) {
    if (has(key) && !node.get(key).isTextual()) {
      throw wrong(key, "a string");
    }
    return has(key) ? Optional.of(node.get(key).textValue()) : Optional.empty();
  }

  List<String> texts(String key) {
    List<String> texts = new ArrayList<>();
    if (has(key)) {
      for (JsonNode value : node.get(key)) {
        if (value.isTextual()) {
          texts.add(value.textValue());
        }
      }
      if (!node.get(key).isArray() || texts.size() != node.get(key).size()) {
        throw wrong(key, "a list of strings");
      }
    }
    return texts;
  }

  /** The error for a value that breaks a rule: place, key, rule and value. */
  DataException wrong(String key, String rule) {
    return new DataException("%s: %s must be %s, got %s.", place, key, rule,
        node.has(key) ? brief(node.get(key).toString()) : "nothing");
  }
}
