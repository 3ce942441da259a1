package alluvium.policies.jinja;

import java.time.Clock;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.TextStyle;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;

/** The functions that every template knows by name. */
final class Globals {
  private static final String DIGITS = "\\d++(?:_\\d++)*+";
  private static final Pattern REAL = Pattern.compile(
      "[+-]?(?:" + DIGITS + "\\.?(?:" + DIGITS + ")?|\\." + DIGITS + ")(?:[eE][+-]?" + DIGITS + ")?");
  private static final Pattern WHOLE = Pattern.compile("[+-]?[0-9a-zA-Z]+(?:_[0-9a-zA-Z]+)*+");

  private Globals() { }

  static void define(Scope scope, Clock clock) {
    function(scope, "range", Globals::range);
    function(scope, "namespace", arguments -> {
      Namespace namespace = new Namespace();
      mapping(arguments).forEach((k, v) -> namespace.set(Values.text(k, arguments.budget()), v));
      return namespace;
    });
    function(scope, "dict", Globals::mapping);
    function(scope, "joiner", Globals::joiner);
    function(scope, "raise_exception", arguments -> {
      throw new Fault("%s", Values.text(arguments.bind("raise_exception", "message").value("message"),
          arguments.budget()));
    });
    function(scope, "strftime_now", arguments ->
        date(arguments.bind("strftime_now", "format").text("format"), ZonedDateTime.now(clock)));
  }

  private static void function(Scope scope, String name, Function function) {
    scope.set(name, function);
  }

  private static Object range(Arguments arguments) {
    List<Object> bounds = arguments.positional();
    if (bounds.isEmpty() || bounds.size() > 3 || !arguments.named().isEmpty()) {
      throw new Fault("range takes stop, or start and stop, or start, stop and step");
    }
    long first = Values.integer(bounds.get(0));
    return bounds.size() == 1 ? new Range(0, first, 1)
        : new Range(first, Values.integer(bounds.get(1)), bounds.size() == 2 ? 1 : Values.integer(bounds.get(2)));
  }

  private static Map<Object, Object> mapping(Arguments arguments) {
    Map<Object, Object> map = new LinkedHashMap<>();
    if (arguments.positional().size() > 1) {
      throw new Fault("at most one mapping is taken, got %s", arguments.positional().size());
    }
    for (Object given : arguments.positional()) {
      if (given instanceof Map<?, ?> other) {
        arguments.budget().spend(other.size());
        map.putAll(other);
      } else {
        for (Object pair : Values.list(given, arguments.budget())) {
          List<Object> both = Values.list(pair, arguments.budget());
          if (both.size() != 2) {
            throw new Fault("a mapping is made of pairs, got %s items", both.size());
          }
          map.put(Values.key(both.get(0)), both.get(1));
        }
      }
    }
    map.putAll(arguments.named());
    return map;
  }

  /** A function that returns nothing the first time and the separator ever after. */
  private static Object joiner(Arguments arguments) {
    Object separator = arguments.bind("joiner", "sep").value("sep", ", ");
    AtomicBoolean used = new AtomicBoolean();
    return (Function) call -> used.getAndSet(true) ? separator : "";
  }

  /** The integer that the text spells in the base, if it does. */
  static Optional<Object> parsed(String text, int base) {
    String digits = Strings.rstrip(Strings.lstrip(text));
    if (!WHOLE.matcher(digits).matches() || base != 0 && (base < 2 || base > 36)) {
      return Optional.empty();
    }
    String sign = digits.startsWith("-") ? "-" : "";
    String bare = digits.replaceFirst("^[+-]", "").replace("_", "").toLowerCase(Locale.ROOT);
    int radix = base;
    for (Map.Entry<String, Integer> prefix : Map.of("0x", 16, "0o", 8, "0b", 2).entrySet()) {
      if (bare.startsWith(prefix.getKey()) && (base == 0 || base == prefix.getValue())) {
        radix = prefix.getValue();
        bare = bare.substring(2);
        break;
      }
    }
    try {
      return Optional.of(Long.parseLong(sign + bare, radix == 0 ? 10 : radix));
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  /** The number that the text spells, if it does. */
  static Optional<Double> parsedReal(String text) {
    String digits = Strings.rstrip(Strings.lstrip(text));
    return switch (digits.toLowerCase(Locale.ROOT).replaceFirst("^[+]", "")) {
      case "inf", "infinity" -> Optional.of(Double.POSITIVE_INFINITY);
      case "-inf", "-infinity" -> Optional.of(Double.NEGATIVE_INFINITY);
      case "nan", "-nan" -> Optional.of(Double.NaN);
      default -> digits.length() <= 400 && REAL.matcher(digits).matches()
          ? Optional.of(Double.parseDouble(digits.replace("_", ""))) : Optional.empty();
    };
  }

  /** The time as C's strftime writes it in English; a - after the percent sign leaves out leading zeros. */
  static String date(String format, ZonedDateTime time) {
    StringBuilder out = new StringBuilder();
    int i = 0;
    while (i < format.length()) {
      char c = format.charAt(i++);
      if (c != '%' || i == format.length()) {
        out.append(c);
        continue;
      }
      boolean bare = format.charAt(i) == '-' && i + 1 < format.length();
      i += bare ? 1 : 0;
      String part = part(format.charAt(i++), time);
      out.append(bare && part.length() > 1 ? part.replaceFirst("^[0 ]+(?=.)", "") : part);
    }
    return out.toString();
  }

  private static String part(char code, ZonedDateTime time) {
    return switch (code) {
      case 'a' -> time.getDayOfWeek().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
      case 'A' -> time.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
      case 'b', 'h' -> time.getMonth().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
      case 'B' -> time.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
      case 'c' -> date("%a %b %e %H:%M:%S %Y", time);
      case 'd' -> of("dd", time);
      case 'D', 'x' -> date("%m/%d/%y", time);
      case 'e' -> String.format("%2d", time.getDayOfMonth());
      case 'f' -> of("SSSSSS", time);
      case 'F' -> date("%Y-%m-%d", time);
      case 'H' -> of("HH", time);
      case 'I' -> of("hh", time);
      case 'j' -> of("DDD", time);
      case 'm' -> of("MM", time);
      case 'M' -> of("mm", time);
      case 'n' -> "\n";
      case 'p' -> time.getHour() < 12 ? "AM" : "PM";
      case 'R' -> date("%H:%M", time);
      case 'S' -> of("ss", time);
      case 't' -> "\t";
      case 'T', 'X' -> date("%H:%M:%S", time);
      case 'u' -> Integer.toString(time.getDayOfWeek().getValue());
      case 'w' -> Integer.toString(time.getDayOfWeek().getValue() % 7);
      case 'y' -> of("yy", time);
      case 'Y' -> Integer.toString(time.getYear());
      case 'z', 'Z' -> "";
      case '%' -> "%";
      default -> throw new Fault("strftime_now does not know %%%s", code);
    };
  }

  private static String of(String pattern, ZonedDateTime time) {
    return DateTimeFormatter.ofPattern(pattern, Locale.ROOT).format(time);
  }
}
