package alluvium.policies.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * JSON as Python's json.dumps writes it.
 *
 * @param indent what one level adds, or empty for all on one line
 * @param itemSeparator between items
 * @param keySeparator between a key and its value
 * @param ascii how to write characters beyond ASCII
 * @param order of keys
 */
record Json(Optional<String> indent, String itemSeparator, String keySeparator, Ascii ascii, Order order) {
  enum Ascii { ESCAPED, AS_IS }

  enum Order { SORTED, AS_IS }

  String write(Object value, Budget budget) {
    Text out = new Text(budget);
    write(value, out, 0, budget);
    return out.toString();
  }

  private void write(Object value, Text out, int depth, Budget budget) {
    Budget.nesting(depth);
    if (value instanceof String text) {
      string(text, out);
    } else if (value instanceof Map<?, ?> map) {
      mapping(map, out, depth, budget);
    } else if (value instanceof List<?> list && !(value instanceof View) && !(value instanceof Range)) {
      sequence(list, out, depth, budget);
    } else if (Values.isNumber(value) || value instanceof None) {
      out.append(scalar(value));
    } else if (value instanceof Undefined undefined) {
      throw undefined.fault();
    } else {
      throw new Fault("%s has no form in JSON", Values.type(value));
    }
  }

  private static String scalar(Object value) {
    if (value instanceof Double number) {
      return Double.isNaN(number) ? "NaN" : Double.isInfinite(number) ? (number > 0 ? "Infinity" : "-Infinity")
          : Numbers.repr(number);
    }
    return value instanceof None ? "null" : value.toString();
  }

  private void sequence(List<?> list, Text out, int depth, Budget budget) {
    if (list.isEmpty()) {
      out.append("[]");
      return;
    }
    out.append("[");
    String separator = "";
    for (Object item : list) {
      out.append(separator);
      line(out, depth + 1);
      write(item, out, depth + 1, budget);
      separator = itemSeparator;
    }
    line(out, depth);
    out.append("]");
  }

  private void mapping(Map<?, ?> map, Text out, int depth, Budget budget) {
    if (map.isEmpty()) {
      out.append("{}");
      return;
    }
    List<Object> keys = new ArrayList<>(map.keySet());
    if (order == Order.SORTED) {
      keys.sort((a, b) -> Values.compare(a, b, budget));
    }
    out.append("{");
    String separator = "";
    for (Object key : keys) {
      out.append(separator);
      line(out, depth + 1);
      string(key instanceof String text ? text : scalar(key), out);
      out.append(keySeparator);
      write(map.get(key), out, depth + 1, budget);
      separator = itemSeparator;
    }
    line(out, depth);
    out.append("}");
  }

  private void line(Text out, int depth) {
    if (indent.isPresent()) {
      out.append("\n").append(indent.get().repeat(depth));
    }
  }

  private void string(String text, Text out) {
    StringBuilder result = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      int simple = "\"\\\n\r\t\b\f".indexOf(c);
      if (simple >= 0) {
        result.append('\\').append("\"\\nrtbf".charAt(simple));
      } else if (c < 32 || c > 126 && ascii == Ascii.ESCAPED && c != 127) {
        result.append(String.format("\\u%04x", (int) c));
      } else {
        result.append(c);
      }
    }
    out.append(result.append('"').toString());
  }
}
