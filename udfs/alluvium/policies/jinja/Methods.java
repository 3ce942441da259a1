package alluvium.policies.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntPredicate;

/** Attributes and methods of values; those that would change a list or a mapping are undefined, as in the sandbox. */
final class Methods {
  private static final Function MISSING = arguments -> new Undefined("the method");

  private Methods() { }

  /** The attribute or the method, bound to its object; empty when there is none of the name. */
  static Optional<Object> of(Object value, String name) {
    if (value instanceof Attributes attributes) {
      return Optional.of(attributes.attribute(name));
    }
    if (value instanceof String text) {
      return string(text, name).map(f -> f);
    }
    if (value instanceof Map<?, ?> map) {
      return mapping(map, name);
    }
    return value instanceof List<?> list && !(value instanceof View) ? sequence(list, name) : Optional.empty();
  }

  private static Optional<Object> mapping(Map<?, ?> map, String name) {
    return switch (name) {
      case "items" -> method(a -> items(map, a.budget()));
      case "keys" -> method(a -> new View("dict_keys", new ArrayList<>(map.keySet())));
      case "values" -> method(a -> new View("dict_values", new ArrayList<>(map.values())));
      case "copy" -> method(a -> map);
      case "get" -> method(a -> {
        Arguments.Bound bound = a.bind("get", "key", "default");
        Object key = Values.key(bound.value("key"));
        return map.containsKey(key) ? map.get(key) : bound.value("default", None.NONE);
      });
      case "clear", "pop", "popitem", "setdefault", "update", "fromkeys" -> unsafe(name);
      default -> Optional.empty();
    };
  }

  static View items(Map<?, ?> map, Budget budget) {
    budget.spend(map.size());
    List<Object> items = new ArrayList<>(map.size());
    map.forEach((k, v) -> items.add(new Tuple(List.of(k, v))));
    return new View("dict_items", items);
  }

  private static Optional<Object> sequence(List<?> list, String name) {
    return switch (name) {
      case "count" -> method(a -> {
        Object wanted = a.bind("count", "value").value("value");
        return list.stream().filter(v -> Values.equal(v, wanted, a.budget())).count();
      });
      case "index" -> method(a -> {
        Object wanted = a.bind("index", "value").value("value");
        for (int i = 0; i < list.size(); i++) {
          if (Values.equal(list.get(i), wanted, a.budget())) {
            return (long) i;
          }
        }
        throw new Fault("the value is not in the list");
      });
      case "copy" -> list instanceof Tuple ? Optional.empty() : method(a -> list);
      case "append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort" ->
          list instanceof Tuple ? Optional.empty() : unsafe(name);
      default -> Optional.empty();
    };
  }

  private static Optional<Object> unsafe(String name) {
    return Optional.of(new Undefined("the method '" + name + "', which changes its object,"));
  }

  private static Optional<Object> method(Function function) {
    return Optional.of(function);
  }

  private static Optional<Function> string(String text, String name) {
    Function method = switch (name) {
      case "strip" -> a -> strip(text, a, Side.BOTH);
      case "lstrip" -> a -> strip(text, a, Side.LEFT);
      case "rstrip" -> a -> strip(text, a, Side.RIGHT);
      case "upper" -> a -> Strings.upper(text);
      case "lower", "casefold" -> a -> Strings.lower(text);
      case "title" -> a -> Strings.title(text);
      case "capitalize" -> a -> Strings.capitalize(text);
      case "swapcase" -> a -> swapped(text);
      case "split" -> a -> split(text, a, Side.LEFT);
      case "rsplit" -> a -> split(text, a, Side.RIGHT);
      case "splitlines" -> a -> a.bind("splitlines", "keepends").truth("keepends")
          ? Strings.linesWithEnds(text, a.budget()) : Strings.lines(text, a.budget());
      case "partition" -> a -> partition(text, a, Side.LEFT);
      case "rpartition" -> a -> partition(text, a, Side.RIGHT);
      case "startswith" -> a -> affixed(text, a, Side.LEFT);
      case "endswith" -> a -> affixed(text, a, Side.RIGHT);
      case "removeprefix" -> a -> {
        String prefix = a.bind("removeprefix", "prefix").text("prefix");
        return text.startsWith(prefix) ? text.substring(prefix.length()) : text;
      };
      case "removesuffix" -> a -> {
        String suffix = a.bind("removesuffix", "suffix").text("suffix");
        return text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
      };
      case "replace" -> a -> {
        Arguments.Bound bound = a.bind("replace", "old", "new", "count");
        return Strings.replace(text, bound.text("old"), bound.text("new"), bound.number("count", -1), a.budget());
      };
      case "join" -> a -> Filters.join(a.bind("join", "iterable").value("iterable"), text, a.budget());
      case "count" -> a -> {
        Search search = Search.of(text, a);
        return count(search.window(), search.part());
      };
      case "find" -> a -> Search.of(text, a).first();
      case "rfind" -> a -> Search.of(text, a).last();
      case "index" -> a -> present(Search.of(text, a).first());
      case "rindex" -> a -> present(Search.of(text, a).last());
      case "format" -> a -> Formats.braces(text, a);
      case "zfill" -> a -> zeros(text, a);
      case "ljust" -> a -> padded(text, a, Side.RIGHT);
      case "rjust" -> a -> padded(text, a, Side.LEFT);
      case "center" -> a -> padded(text, a, Side.BOTH);
      case "isdigit", "isdecimal", "isnumeric" -> a -> all(text, Character::isDigit);
      case "isalpha" -> a -> all(text, Character::isLetter);
      case "isalnum" -> a -> all(text, Character::isLetterOrDigit);
      case "isspace" -> a -> all(text, Strings::isSpace);
      case "isupper" -> a -> isUpper(text);
      case "islower" -> a -> isLower(text);
      default -> MISSING;
    };
    return method == MISSING ? Optional.empty() : Optional.of(a -> {
      a.budget().text(text.length());
      return method.call(a);
    });
  }

  private enum Side { LEFT, RIGHT, BOTH }

  private static Object strip(String text, Arguments arguments, Side side) {
    Object set = arguments.bind("strip", "chars").value("chars", None.NONE);
    if (!(set instanceof String) && !(set instanceof None)) {
      throw new Fault("strip takes a string or none, got %s", Values.type(set));
    }
    if (set instanceof String chars) {
      arguments.budget().spend((long) text.length() * chars.length() / 8);
    }
    String left = side == Side.RIGHT ? text
        : set instanceof String chars ? Strings.lstrip(text, chars) : Strings.lstrip(text);
    return side == Side.LEFT ? left
        : set instanceof String chars ? Strings.rstrip(left, chars) : Strings.rstrip(left);
  }

  private static Object split(String text, Arguments arguments, Side from) {
    Arguments.Bound bound = arguments.bind("split", "sep", "maxsplit");
    long most = bound.number("maxsplit", -1);
    if (bound.value("sep", None.NONE) instanceof None) {
      return from == Side.LEFT ? Strings.splitBlank(text, most, arguments.budget())
          : Strings.splitBlankLast(text, most, arguments.budget());
    }
    String separator = bound.text("sep");
    if (separator.isEmpty()) {
      throw new Fault("split needs a separator that is not empty");
    }
    return from == Side.LEFT ? Strings.split(text, separator, most, arguments.budget())
        : Strings.splitLast(text, separator, most, arguments.budget());
  }

  private static Object partition(String text, Arguments arguments, Side side) {
    String separator = arguments.bind("partition", "sep").text("sep");
    if (separator.isEmpty()) {
      throw new Fault("partition needs a separator that is not empty");
    }
    int at = side == Side.LEFT ? Strings.find(text, separator, 0)
        : Strings.findLast(text, separator, text.length());
    if (at < 0) {
      return new Tuple(side == Side.LEFT ? List.of(text, "", "") : List.of("", "", text));
    }
    return new Tuple(List.of(text.substring(0, at), separator, text.substring(at + separator.length())));
  }

  private static Object affixed(String text, Arguments arguments, Side side) {
    Arguments.Bound bound = arguments.bind(side == Side.LEFT ? "startswith" : "endswith", "affix", "start", "end");
    Object affix = bound.value("affix");
    Object start = bound.value("start", None.NONE);
    Object end = bound.value("end", None.NONE);
    String window = start instanceof None && end instanceof None ? text
        : (String) Values.slice(text, start, end, None.NONE, arguments.budget());
    List<?> options = affix instanceof Tuple tuple ? tuple : List.of(affix);
    for (Object option : options) {
      if (!(option instanceof String part)) {
        throw new Fault("startswith and endswith take a string or a tuple of strings, got %s", Values.type(option));
      }
      if (side == Side.LEFT ? window.startsWith(part) : window.endsWith(part)) {
        return true;
      }
    }
    return false;
  }

  /** text[start:end], the part looked for, and how many code points of the text come before the window. */
  private record Search(String window, String part, long before) {
    static Search of(String text, Arguments arguments) {
      Arguments.Bound bound = arguments.bind("find", "sub", "start", "end");
      Object start = bound.value("start", None.NONE);
      Object end = bound.value("end", None.NONE);
      long first = start instanceof None ? 0 : Values.integer(start);
      String window = (String) Values.slice(text, start, end, None.NONE, arguments.budget());
      return new Search(window, bound.text("sub"), first < 0 ? Math.max(0, first + Strings.length(text)) : first);
    }

    long first() {
      return found(Strings.find(window, part, 0));
    }

    long last() {
      return found(Strings.findLast(window, part, window.length()));
    }

    private long found(int at) {
      return at < 0 ? -1 : before + window.codePointCount(0, at);
    }
  }

  private static long present(long at) {
    if (at < 0) {
      throw new Fault("index: the part does not occur in the text");
    }
    return at;
  }

  private static long count(String text, String part) {
    if (part.isEmpty()) {
      return Strings.length(text) + 1L;
    }
    long count = 0;
    for (int at = Strings.find(text, part, 0); at >= 0; at = Strings.find(text, part, at + part.length())) {
      count++;
    }
    return count;
  }

  private static Object zeros(String text, Arguments arguments) {
    long width = arguments.bind("zfill", "width").number("width", 0);
    arguments.budget().text(Math.max(0, width));
    boolean signed = text.startsWith("-") || text.startsWith("+");
    int missing = (int) Math.max(0, width - Strings.length(text));
    return signed ? text.charAt(0) + "0".repeat(missing) + text.substring(1) : "0".repeat(missing) + text;
  }

  private static Object padded(String text, Arguments arguments, Side side) {
    Arguments.Bound bound = arguments.bind("padding", "width", "fillchar");
    long width = bound.number("width", 0);
    String fill = bound.has("fillchar") ? bound.text("fillchar") : " ";
    if (Strings.length(fill) != 1) {
      throw new Fault("padding needs one character, got '%s'", fill);
    }
    arguments.budget().text(Math.max(0, width) * fill.length());
    int missing = (int) Math.max(0, width - Strings.length(text));
    int left = side == Side.LEFT ? missing : side == Side.RIGHT ? 0 : missing / 2 + (missing & (int) width & 1);
    return fill.repeat(left) + text + fill.repeat(missing - left);
  }

  private static String swapped(String text) {
    StringBuilder result = new StringBuilder();
    text.codePoints().forEach(c -> {
      String character = Character.toString(c);
      result.append(Character.isUpperCase(c) ? Strings.lower(character) : Strings.upper(character));
    });
    return result.toString();
  }

  private static boolean all(String text, IntPredicate rule) {
    return !text.isEmpty() && text.codePoints().allMatch(rule);
  }

  static boolean isUpper(String text) {
    return text.codePoints().anyMatch(Character::isUpperCase)
        && text.codePoints().noneMatch(c -> Character.isLowerCase(c) || Character.isTitleCase(c));
  }

  static boolean isLower(String text) {
    return text.codePoints().anyMatch(Character::isLowerCase)
        && text.codePoints().noneMatch(c -> Character.isUpperCase(c) || Character.isTitleCase(c));
  }
}
