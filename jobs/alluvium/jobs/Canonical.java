package alluvium.jobs;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The one spelling of a record: YAML that binds to an equal record again, a line per component, in the order of the
 * components, maps in the order of their keys, numbers as Java spells them, text in quotes and ASCII.
 */
final class Canonical {
  private Canonical() {}

  /** The spelling of a record that a whole file describes. */
  static String text(Record root) {
    StringBuilder text = new StringBuilder();
    for (RecordComponent component : root.getClass().getRecordComponents()) {
      text.append(component.getName()).append(": ").append(value(read(component, root))).append('\n');
    }
    return text.toString();
  }

  /** SHA-256 of the spelling, 64 hexadecimal digits. */
  static String digest(Record root) {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(sha.digest(text(root).getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }

  /** A number in a spelling that YAML reads as a number: exponents carry their sign. */
  static String number(Object value) {
    return value.toString().replaceFirst("E(?=[0-9])", "E+");
  }

  private static String value(Object value) {
    if (value instanceof Record record) {
      return '{' + record.getClass().getSimpleName() + ": " + components(record) + '}';
    }
    if (value instanceof List<?> list) {
      return list.stream().map(Canonical::value).collect(Collectors.joining(", ", "[", "]"));
    }
    if (value instanceof Map<?, ?> map) {
      Map<String, String> entries = new TreeMap<>();
      map.forEach((key, item) -> entries.put((String) key, value(item)));
      return entries.entrySet().stream().map(e -> quoted(e.getKey()) + ": " + e.getValue())
          .collect(Collectors.joining(", ", "{", "}"));
    }
    return value instanceof String text ? quoted(text) : number(value);
  }

  private static String components(Record record) {
    return Arrays.stream(record.getClass().getRecordComponents())
        .map(c -> c.getName() + ": " + value(read(c, record))).collect(Collectors.joining(", ", "{", "}"));
  }

  private static Object read(RecordComponent component, Record record) {
    try {
      return component.getAccessor().invoke(record);
    } catch (IllegalAccessException | InvocationTargetException e) {
      throw new IllegalStateException("cannot read " + component + " of " + record.getClass().getName(), e);
    }
  }

  private static String quoted(String text) {
    StringBuilder result = new StringBuilder("\"");
    text.codePoints().forEach(c -> {
      if (c == '"' || c == '\\') {
        result.append('\\').append((char) c);
      } else if (c >= ' ' && c <= '~') {
        result.append((char) c);
      } else {
        result.append(c <= 0xffff ? String.format("\\u%04x", c) : String.format("\\U%08x", c));
      }
    });
    return result.append('"').toString();
  }
}
