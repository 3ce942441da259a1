package alluvium.prompts;

import alluvium.prompts.Task.Turn;
import alluvium.tables.DataException;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * The typed reading of one raw row. Where a column has the wrong type, the error names column, rule and value.
 *
 * @param columns column name to value
 * @param place prefix of the names in errors, as in "reward_model."
 */
record RawRow(Map<String, Object> columns, String place) {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  static RawRow of(Map<String, Object> columns) {
    return new RawRow(columns, "");
  }

  /** A column that must hold a text with more than blanks. */
  String text(String column) {
    Object value = present(column);
    if (!(value instanceof String text)) {
      throw wrong(column, "a text", value);
    }
    if (text.isBlank()) {
      throw new DataException("%s%s is empty", place, column);
    }
    return text;
  }

  /** A text, a number or a boolean, as text; whole numbers without a point. Blank counts as absent. */
  Optional<String> scalar(String column) {
    return value(column).map(value -> scalar(column, value)).filter(text -> !text.isBlank());
  }

  /** A column that must hold a text, a number or a boolean. */
  String scalarOf(String column) {
    present(column);
    return scalar(column).orElseThrow(() -> new DataException("%s%s is empty", place, column));
  }

  private String scalar(String column, Object value) {
    if (value instanceof List || value instanceof Map) {
      throw wrong(column, "a text or a number", value);
    }
    return render(value);
  }

  /** A column that must hold a list of {role, content}; the last content must have more than blanks. */
  List<Turn> turns(String column) {
    Object value = present(column);
    if (!(value instanceof List<?> list)) {
      throw wrong(column, "a list of {role, content}", value);
    }
    List<Turn> turns = new ArrayList<>();
    for (Object element : list) {
      RawRow turn = nested(column + "[" + turns.size() + "]", element);
      Object content = turn.present("content");
      if (!(content instanceof String text)) {
        throw turn.wrong("content", "a text", content);
      }
      turns.add(new Turn(turn.text("role"), text));
    }
    return turns;
  }

  /** A column that must hold named values. */
  RawRow nested(String column) {
    return nested(column, present(column));
  }

  private RawRow nested(String column, Object value) {
    if (!(value instanceof Map<?, ?> map)) {
      throw wrong(column, "named values", value);
    }
    Map<String, Object> named = new TreeMap<>();
    map.forEach((key, element) -> named.put(String.valueOf(key), element));
    return new RawRow(named, place + column + ".");
  }

  Optional<Object> value(String column) {
    return Optional.ofNullable(columns.get(column));
  }

  /** Every column but these as text, lists and named values as JSON; absent values are left out. */
  Map<String, String> rest(Set<String> read) {
    Map<String, String> rest = new TreeMap<>();
    columns.forEach((column, value) -> {
      if (!read.contains(column)) {
        Optional.ofNullable(value).ifPresent(v -> rest.put(column, render(v)));
      }
    });
    return rest;
  }

  /** The value as text. */
  static String render(Object value) {
    if (value instanceof String text) {
      return text;
    }
    if (value instanceof BigDecimal decimal && Math.abs((long) decimal.scale()) <= Character.MAX_VALUE) {
      return plain(decimal);
    }
    if (value instanceof Double || value instanceof Float) {
      double number = ((Number) value).doubleValue();
      return Double.isFinite(number) ? plain(new BigDecimal(value.toString())) : value.toString();
    }
    if (value instanceof List || value instanceof Map) {
      try {
        return JSON.writeValueAsString(value);
      } catch (JsonProcessingException e) {
        throw new DataException(e, "a nested value cannot be written as JSON: %.200s", e.getOriginalMessage());
      }
    }
    return String.valueOf(value);
  }

  private static String plain(BigDecimal number) {
    return number.signum() == 0 ? "0" : number.stripTrailingZeros().toPlainString();
  }

  DataException wrong(String column, String rule, Object value) {
    String kind = value instanceof List ? "a list" : value instanceof Map ? "named values"
        : value instanceof String ? "a text" : value instanceof Number ? "a number" : value.getClass().getSimpleName();
    return new DataException("%s%s must be %s, got %s: %.80s", place, column, rule, kind, value);
  }

  private Object present(String column) {
    return value(column).orElseThrow(() -> new DataException("%s%s is missing", place, column));
  }
}
