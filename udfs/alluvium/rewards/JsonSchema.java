package alluvium.rewards;

import static alluvium.tables.RecipeException.require;

import alluvium.tables.RecipeException;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.TextNode;
import java.math.BigDecimal;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;

/**
 * A JSON schema (draft 2020-12) of these keywords: type, properties, required, additionalProperties, items, enum,
 * const, minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength, maxLength, pattern, minItems, maxItems,
 * uniqueItems, anyOf, allOf, oneOf, not. The annotations $schema, $comment, title, description, default and examples
 * change nothing; any other keyword is refused. A keyword says nothing of values of another type. Numbers compare by
 * value (1 is 1.0), lengths count code points, patterns are those of java.util.regex and match anywhere.
 *
 * @param root an object or a boolean that {@link #parse} has checked
 */
record JsonSchema(JsonNode root) {
  private static final int MAX_DEPTH = 64;
  private static final JsonMapper MAPPER = JsonMapper.builder()
      .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS, DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
      .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
      .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
      .build();
  private static final Set<String> TYPES =
      Set.of("object", "array", "string", "number", "integer", "boolean", "null");
  private static final Set<String> ANNOTATIONS =
      Set.of("$schema", "$comment", "title", "description", "default", "examples");

  /** What the keyword's own value must look like; throws where it does not. */
  private interface Form {
    void check(String here, JsonNode value, int depth);
  }

  /** What the keyword asks of a value; the parts that it has no use for are left to the others. */
  private interface Rule {
    Optional<String> violation(String path, JsonNode schema, JsonNode rule, JsonNode value, AtomicLong steps);
  }

  /** A rule that is a test and a message. */
  private interface Test {
    boolean holds(JsonNode rule, JsonNode value);
  }

  private record Keyword(Form form, Rule rule) {}

  private static final Map<String, Keyword> KEYWORDS = Map.ofEntries(
      simple("type", JsonSchema::type, "is not of type %s", JsonSchema::typed),
      simple("enum", JsonSchema::values, "is none of %s", JsonSchema::contains),
      simple("const", (here, value, depth) -> { }, "is not %s", (r, v) -> canonical(r).equals(canonical(v))),
      simple("minimum", JsonSchema::number, "is less than %s", (r, v) -> !v.isNumber() || compare(v, r) >= 0),
      simple("maximum", JsonSchema::number, "is more than %s", (r, v) -> !v.isNumber() || compare(v, r) <= 0),
      simple("exclusiveMinimum", JsonSchema::number, "is not more than %s",
          (r, v) -> !v.isNumber() || compare(v, r) > 0),
      simple("exclusiveMaximum", JsonSchema::number, "is not less than %s",
          (r, v) -> !v.isNumber() || compare(v, r) < 0),
      simple("minLength", JsonSchema::count, "is shorter than %s",
          (r, v) -> !v.isTextual() || length(v) >= r.intValue()),
      simple("maxLength", JsonSchema::count, "is longer than %s",
          (r, v) -> !v.isTextual() || length(v) <= r.intValue()),
      simple("minItems", JsonSchema::count, "has fewer items than %s",
          (r, v) -> !v.isArray() || v.size() >= r.intValue()),
      simple("maxItems", JsonSchema::count, "has more items than %s",
          (r, v) -> !v.isArray() || v.size() <= r.intValue()),
      simple("uniqueItems", JsonSchema::flag, "has equal items",
          (r, v) -> !v.isArray() || !r.booleanValue() || distinct(v)),
      Map.entry("pattern", new Keyword(JsonSchema::pattern, JsonSchema::unmatched)),
      Map.entry("required", new Keyword(JsonSchema::names, JsonSchema::missing)),
      Map.entry("properties", new Keyword(JsonSchema::members, JsonSchema::properties)),
      Map.entry("additionalProperties", new Keyword((h, v, d) -> check(h, v, d + 1), JsonSchema::additional)),
      Map.entry("items", new Keyword((h, v, d) -> check(h, v, d + 1), JsonSchema::items)),
      Map.entry("allOf", new Keyword(JsonSchema::schemas, JsonSchema::allOf)),
      Map.entry("anyOf", new Keyword(JsonSchema::schemas, (path, schema, rule, value, steps) ->
          unless(valid(rule, path, value, steps) > 0, path, "obeys no schema of anyOf"))),
      Map.entry("oneOf", new Keyword(JsonSchema::schemas, (path, schema, rule, value, steps) ->
          unless(valid(rule, path, value, steps) == 1, path, "obeys none or several schemas of oneOf"))),
      Map.entry("not", new Keyword((h, v, d) -> check(h, v, d + 1), (path, schema, rule, value, steps) ->
          unless(violation(path, rule, value, steps).isPresent(), path, "obeys the schema of not"))));

  private static Map.Entry<String, Keyword> simple(String name, Form form, String message, Test test) {
    return Map.entry(name, new Keyword(form, (path, schema, rule, value, steps) ->
        test.holds(rule, value) ? Optional.empty() : Optional.of(path + " " + String.format(message, rule))));
  }

  /** The one JSON value of the text. */
  static JsonNode read(String text) throws JsonProcessingException {
    try {
      JsonNode value = MAPPER.readTree(text);
      if (value.isMissingNode()) {
        throw new JsonMappingException(() -> { }, "no value");
      }
      return value;
    } catch (NumberFormatException e) {
      throw new JsonMappingException(() -> { }, "a number is out of range", e);
    }
  }

  /** The schema of the text; refuses what is no schema and keywords it does not know, naming the place. */
  static JsonSchema parse(String place, String text) {
    try {
      JsonNode root = read(text);
      check(place, root, 0);
      return new JsonSchema(root);
    } catch (JsonProcessingException e) {
      throw new RecipeException("%s is not JSON: %s", place, e.getOriginalMessage());
    }
  }

  private static void check(String place, JsonNode schema, int depth) {
    require(depth <= MAX_DEPTH, "%s is nested deeper than %s schemas", place, MAX_DEPTH);
    require(schema.isObject() || schema.isBoolean(), "%s must be an object or a boolean, got %.80s", place, schema);
    schema.fields().forEachRemaining(keyword -> {
      String here = place + "." + keyword.getKey();
      require(ANNOTATIONS.contains(keyword.getKey()) || KEYWORDS.containsKey(keyword.getKey()),
          "%s is a keyword that is not checked here. Leave it out", here);
      if (KEYWORDS.containsKey(keyword.getKey())) {
        KEYWORDS.get(keyword.getKey()).form().check(here, keyword.getValue(), depth);
      }
    });
  }

  private static void type(String here, JsonNode value, int depth) {
    Iterable<JsonNode> names = value.isArray() ? value : List.of(value);
    require(names.iterator().hasNext(), "%s must name a type", here);
    names.forEach(name -> require(TYPES.contains(name.asText()), "%s must be of %s, got %.80s", here,
        TYPES.stream().sorted().toList(), name));
  }

  private static void schemas(String here, JsonNode value, int depth) {
    require(value.isArray() && !value.isEmpty(), "%s must be a list of schemas, got %.80s", here, value);
    value.forEach(schema -> check(here, schema, depth + 1));
  }

  private static void members(String here, JsonNode value, int depth) {
    require(value.isObject(), "%s must be an object of schemas, got %.80s", here, value);
    value.fields().forEachRemaining(p -> check(here + "." + p.getKey(), p.getValue(), depth + 1));
  }

  private static void names(String here, JsonNode value, int depth) {
    require(value.isArray(), "%s must be a list of names, got %.80s", here, value);
    value.forEach(name -> require(name.isTextual(), "%s must be a list of names, got %.80s", here, value));
  }

  private static void pattern(String here, JsonNode value, int depth) {
    require(value.isTextual(), "%s must be a text, got %.80s", here, value);
    RegexAnswer.compile(here, value.textValue());
  }

  private static void values(String here, JsonNode value, int depth) {
    require(value.isArray() && !value.isEmpty(), "%s must be a list of values, got %.80s", here, value);
  }

  private static void number(String here, JsonNode value, int depth) {
    require(value.isNumber(), "%s must be a number, got %.80s", here, value);
  }

  private static void count(String here, JsonNode value, int depth) {
    require(value.isInt() && value.intValue() >= 0, "%s must be a count, got %.80s", here, value);
  }

  private static void flag(String here, JsonNode value, int depth) {
    require(value.isBoolean(), "%s must be true or false, got %.80s", here, value);
  }

  /** What the value breaks first, with the path to it; empty where it breaks nothing. */
  Optional<String> violation(JsonNode value) {
    return inRange(value) ? violation("$", root, value, MeteredText.budget())
        : Optional.of("a number is out of the range of a double");
  }

  private static boolean inRange(JsonNode value) {
    Deque<JsonNode> left = new ArrayDeque<>(List.of(value));
    while (!left.isEmpty()) {
      JsonNode next = left.remove();
      if (next.isNumber() && Double.isInfinite(next.doubleValue())) {
        return false;
      }
      next.forEach(left::add);
    }
    return true;
  }

  private static Optional<String> violation(String path, JsonNode schema, JsonNode value, AtomicLong steps) {
    if (schema.isBoolean()) {
      return schema.booleanValue() ? Optional.empty() : Optional.of(path + ": not allowed");
    }
    Iterator<Map.Entry<String, JsonNode>> keywords = schema.fields();
    while (keywords.hasNext()) {
      Map.Entry<String, JsonNode> keyword = keywords.next();
      Optional<String> violation = ANNOTATIONS.contains(keyword.getKey()) ? Optional.empty()
          : KEYWORDS.get(keyword.getKey()).rule().violation(path, schema, keyword.getValue(), value, steps);
      if (violation.isPresent()) {
        return violation;
      }
    }
    return Optional.empty();
  }

  private static Optional<String> unmatched(String path, JsonNode schema, JsonNode rule, JsonNode value,
      AtomicLong steps) {
    return unless(!value.isTextual() || Pattern.compile(rule.textValue())
        .matcher(new MeteredText(value.textValue(), steps)).find(), path, "does not match " + rule);
  }

  private static Optional<String> unless(boolean holds, String path, String message) {
    return holds ? Optional.empty() : Optional.of(path + " " + message);
  }

  private static boolean typed(JsonNode rule, JsonNode value) {
    Set<String> types = new HashSet<>();
    (rule.isArray() ? rule : List.of(rule)).forEach(name -> types.add(name.textValue()));
    String type = value.getNodeType().name().toLowerCase(Locale.ROOT);
    return types.contains(type) || types.contains("integer") && value.isNumber() && whole(value);
  }

  private static boolean whole(JsonNode number) {
    BigDecimal decimal = number.decimalValue();
    return decimal.signum() == 0 || decimal.stripTrailingZeros().scale() <= 0;
  }

  private static int compare(JsonNode value, JsonNode bound) {
    return value.decimalValue().compareTo(bound.decimalValue());
  }

  private static int length(JsonNode text) {
    return text.textValue().codePointCount(0, text.textValue().length());
  }

  private static boolean contains(JsonNode values, JsonNode value) {
    String canonical = canonical(value);
    for (JsonNode candidate : values) {
      if (canonical(candidate).equals(canonical)) {
        return true;
      }
    }
    return false;
  }

  private static boolean distinct(JsonNode array) {
    Set<String> seen = new HashSet<>();
    for (JsonNode item : array) {
      if (!seen.add(canonical(item))) {
        return false;
      }
    }
    return true;
  }

  private static Optional<String> missing(String path, JsonNode schema, JsonNode names, JsonNode value,
      AtomicLong steps) {
    for (JsonNode name : names) {
      if (value.isObject() && !value.has(name.textValue())) {
        return Optional.of(path + " lacks " + name);
      }
    }
    return Optional.empty();
  }

  private static Optional<String> properties(String path, JsonNode schema, JsonNode schemas, JsonNode value,
      AtomicLong steps) {
    Iterator<Map.Entry<String, JsonNode>> properties = schemas.fields();
    while (properties.hasNext()) {
      Map.Entry<String, JsonNode> property = properties.next();
      if (value.isObject() && value.has(property.getKey())) {
        Optional<String> violation = violation(path + "." + property.getKey(), property.getValue(),
            value.get(property.getKey()), steps);
        if (violation.isPresent()) {
          return violation;
        }
      }
    }
    return Optional.empty();
  }

  private static Optional<String> additional(String path, JsonNode schema, JsonNode rule, JsonNode value,
      AtomicLong steps) {
    Iterator<Map.Entry<String, JsonNode>> members = value.fields();
    while (members.hasNext()) {
      Map.Entry<String, JsonNode> member = members.next();
      if (!schema.path("properties").has(member.getKey())) {
        Optional<String> violation = violation(path + "." + member.getKey(), rule, member.getValue(), steps);
        if (violation.isPresent()) {
          return violation;
        }
      }
    }
    return Optional.empty();
  }

  private static Optional<String> items(String path, JsonNode schema, JsonNode rule, JsonNode value,
      AtomicLong steps) {
    for (int i = 0; value.isArray() && i < value.size(); i++) {
      Optional<String> violation = violation(path + "[" + i + "]", rule, value.get(i), steps);
      if (violation.isPresent()) {
        return violation;
      }
    }
    return Optional.empty();
  }

  private static Optional<String> allOf(String path, JsonNode parent, JsonNode schemas, JsonNode value,
      AtomicLong steps) {
    for (JsonNode schema : schemas) {
      Optional<String> violation = violation(path, schema, value, steps);
      if (violation.isPresent()) {
        return violation;
      }
    }
    return Optional.empty();
  }

  private static int valid(JsonNode schemas, String path, JsonNode value, AtomicLong steps) {
    int valid = 0;
    for (JsonNode schema : schemas) {
      valid += violation(path, schema, value, steps).isEmpty() ? 1 : 0;
    }
    return valid;
  }

  /** One text for each value: equal exactly where the values are. */
  private static String canonical(JsonNode value) {
    if (value.isNumber()) {
      BigDecimal number = value.decimalValue();
      return number.signum() == 0 ? "0" : number.stripTrailingZeros().toString();
    }
    if (value.isArray()) {
      List<String> items = new ArrayList<>();
      value.forEach(item -> items.add(canonical(item)));
      return items.toString();
    }
    if (value.isObject()) {
      Map<String, String> members = new TreeMap<>();
      value.fields().forEachRemaining(m -> members.put(quoted(m.getKey()), canonical(m.getValue())));
      return members.toString();
    }
    return value.toString();
  }

  private static String quoted(String text) {
    return TextNode.valueOf(text).toString();
  }
}
