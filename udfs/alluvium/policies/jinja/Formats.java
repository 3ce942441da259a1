package alluvium.policies.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Python's two ways to fill in a text: percent signs, and braces without format specifications. */
final class Formats {
  private static final Pattern PERCENT =
      Pattern.compile("%(?:\\((?<name>[^)]*+)\\))?(?<flags>[-+ 0#]*+)(?<width>\\d{0,4})(?:\\.(?<precision>\\d{1,3}))?"
          + "(?<type>[sdiurfFxXoc%])");

  private Formats() { }

  /** The operator %: one value, a tuple of values, or a mapping for named places. */
  static String percent(String format, Object values, Budget budget) {
    List<?> given = values instanceof Tuple tuple ? tuple : List.of(values);
    Text out = new Text(budget);
    Matcher place = PERCENT.matcher(format);
    int from = 0;
    int next = 0;
    int at = format.indexOf('%');
    while (at >= 0) {
      out.append(format.substring(from, at));
      if (!place.region(at, format.length()).lookingAt()) {
        throw new Fault("the format has an unknown place at character %s", at);
      }
      if (place.group("type").equals("%")) {
        out.append("%");
      } else if (place.start("name") >= 0) {
        out.append(filled(place, named(values, place.group("name")), budget));
      } else if (next == given.size()) {
        throw new Fault("the format has more places than the %s values given", given.size());
      } else {
        out.append(filled(place, given.get(next++), budget));
      }
      from = place.end();
      at = format.indexOf('%', from);
    }
    if (next < given.size() && !(values instanceof Map)) {
      throw new Fault("the format has %s places for %s values", next, given.size());
    }
    return out.append(format.substring(from)).toString();
  }

  private static Object named(Object values, String name) {
    if (values instanceof Map<?, ?> map && map.containsKey(name)) {
      return map.get(name);
    }
    throw new Fault("the format names '%s', which is not given", name);
  }

  private static String filled(Matcher place, Object value, Budget budget) {
    String flags = place.group("flags");
    int precision = place.start("precision") < 0 ? -1 : Integer.parseInt(place.group("precision"));
    char type = place.group("type").charAt(0);
    String body = switch (type) {
      case 's' -> cut(Values.text(value, budget), precision);
      case 'r' -> cut(Values.repr(value, budget), precision);
      case 'c' -> character(value);
      case 'f', 'F' -> fixed(Numbers.real(number(value)), precision < 0 ? 6 : precision);
      case 'x' -> Long.toString(Values.integer(value), 16);
      case 'X' -> Long.toString(Values.integer(value), 16).toUpperCase(Locale.ROOT);
      case 'o' -> Long.toString(Values.integer(value), 8);
      default -> Long.toString(number(value) instanceof Double real ? real.longValue() : Values.integer(value));
    };
    boolean number = "src".indexOf(type) < 0;
    String sign = number && body.startsWith("-") ? "-" : number && flags.contains("+") ? "+"
        : number && flags.contains(" ") ? " " : "";
    String digits = body.startsWith("-") && number ? body.substring(1) : body;
    int width = place.group("width").isEmpty() ? 0 : Integer.parseInt(place.group("width"));
    int missing = Math.max(0, width - sign.length() - Strings.length(digits));
    if (flags.contains("-")) {
      return sign + digits + " ".repeat(missing);
    }
    return number && flags.contains("0") ? sign + "0".repeat(missing) + digits : " ".repeat(missing) + sign + digits;
  }

  private static String character(Object value) {
    if (value instanceof String text && Strings.length(text) == 1) {
      return text;
    }
    long point = Values.integer(value);
    if (point < 0 || point > Character.MAX_CODE_POINT) {
      throw new Fault("%s is not the number of a character", point);
    }
    return Character.toString((int) point);
  }

  private static Object number(Object value) {
    if (Values.isNumber(value)) {
      return value;
    }
    throw new Fault("the format needs a number, got %s", Values.type(value));
  }

  private static String cut(String text, int length) {
    return length < 0 || Strings.length(text) <= length ? text : Strings.slice(text, 0, length, 1);
  }

  static String fixed(double value, int digits) {
    return Double.isNaN(value) || Double.isInfinite(value) ? Numbers.repr(value)
        : (value < 0 && new BigDecimal(value).setScale(digits, RoundingMode.HALF_EVEN).signum() == 0 ? "-" : "")
            + new BigDecimal(value).setScale(digits, RoundingMode.HALF_EVEN).toPlainString();
  }

  /** The method format: {} in order, {0} by position, {name} by name. */
  static String braces(String format, Arguments arguments) {
    Text out = new Text(arguments.budget());
    int next = 0;
    int i = 0;
    while (i < format.length()) {
      char c = format.charAt(i);
      boolean doubled = i + 1 < format.length() && format.charAt(i + 1) == c;
      if (c != '{' && c != '}') {
        int end = i;
        while (end < format.length() && format.charAt(end) != '{' && format.charAt(end) != '}') {
          end++;
        }
        out.append(format.substring(i, end));
        i = end;
      } else if (doubled) {
        out.append(String.valueOf(c));
        i += 2;
      } else {
        int end = format.indexOf('}', i);
        if (c == '}' || end < 0) {
          throw new Fault("the format has a single %s", c);
        }
        String name = format.substring(i + 1, end);
        out.append(Values.text(named(name.isEmpty() ? Integer.toString(next++) : name, arguments), arguments.budget()));
        i = end + 1;
      }
    }
    return out.toString();
  }

  private static Object named(String name, Arguments arguments) {
    if (name.matches("\\d{1,4}") && Integer.parseInt(name) < arguments.positional().size()) {
      return arguments.positional().get(Integer.parseInt(name));
    }
    if (arguments.named().containsKey(name)) {
      return arguments.named().get(name);
    }
    throw new Fault("the format names '%s', which is not given; specifications after a colon are not known", name);
  }
}
