package alluvium.policies.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/** The filters that may stand after a |, by name. Nothing is escaped: templates render text, not pages. */
final class Filters {
  private static final Pattern WORD_BEGINS = Pattern.compile("(?<=[-\\s({\\[<])(?![-\\s({\\[<])");
  private static final Pattern WORD = Pattern.compile("\\w++", Pattern.UNICODE_CHARACTER_CLASS);
  private static final Map<String, Filter> ALL = Map.ofEntries(
      Map.entry("abs", (v, a) -> Values.isNumber(v) && Numbers.compare(v, 0L) < 0 ? Numbers.negate(v)
          : Numbers.plus(v)),
      Map.entry("capitalize", texts(Strings::capitalize)),
      Map.entry("center", Filters::center),
      Map.entry("count", (v, a) -> Values.length(v)),
      Map.entry("d", Filters::otherwise),
      Map.entry("default", Filters::otherwise),
      Map.entry("dictsort", Filters::dictsort),
      Map.entry("e", texts(Filters::escaped)),
      Map.entry("escape", texts(Filters::escaped)),
      Map.entry("first", (v, a) -> first(Values.iterate(v, a.budget()))),
      Map.entry("float", Filters::real),
      Map.entry("format", (v, a) -> Formats.percent(Values.text(v, a.budget()),
          a.named().isEmpty() ? new Tuple(a.positional()) : Map.copyOf(a.named()), a.budget())),
      Map.entry("indent", Filters::indent),
      Map.entry("int", Filters::integer),
      Map.entry("items", Filters::items),
      Map.entry("join", Filters::join),
      Map.entry("last", Filters::last),
      Map.entry("length", (v, a) -> Values.length(v)),
      Map.entry("list", (v, a) -> Values.list(v, a.budget())),
      Map.entry("lower", texts(Strings::lower)),
      Map.entry("map", Filters::map),
      Map.entry("max", (v, a) -> extreme(v, a, 1)),
      Map.entry("min", (v, a) -> extreme(v, a, -1)),
      Map.entry("reject", (v, a) -> chosen(v, a, 0, Choice.OF_OTHERS)),
      Map.entry("rejectattr", (v, a) -> chosen(v, a, 1, Choice.OF_OTHERS)),
      Map.entry("replace", Filters::replace),
      Map.entry("reverse", Filters::reverse),
      Map.entry("round", Filters::round),
      Map.entry("safe", texts(s -> s)),
      Map.entry("select", (v, a) -> chosen(v, a, 0, Choice.OF_THOSE)),
      Map.entry("selectattr", (v, a) -> chosen(v, a, 1, Choice.OF_THOSE)),
      Map.entry("sort", Filters::sort),
      Map.entry("string", texts(s -> s)),
      Map.entry("sum", Filters::sum),
      Map.entry("title", texts(Filters::title)),
      Map.entry("tojson", Filters::json),
      Map.entry("trim", Filters::trim),
      Map.entry("truncate", Filters::truncate),
      Map.entry("unique", Filters::unique),
      Map.entry("upper", texts(Strings::upper)),
      Map.entry("wordcount", (v, a) -> WORD.matcher(Values.text(v, a.budget())).results().count()));

  /** Whether the items that pass a test are kept, or the others. */
  private enum Choice { OF_THOSE, OF_OTHERS }

  private Filters() { }

  static Filter named(String name) {
    return Optional.ofNullable(ALL.get(name)).orElseThrow(() -> new Fault("there is no filter named '%s'", name));
  }

  /**
   * A filter as written, without its input.
   *
   * @param name of the filter
   * @param given its arguments
   * @param line 1-based
   */
  record Step(String name, Expression.Given given, int line) { }

  /**
   * Filters one after the other, as after a set or filter block.
   *
   * @param steps may be empty
   */
  record Chain(List<Step> steps) {
    Object apply(Object input, Scope scope) {
      Object value = input;
      for (Step step : steps) {
        value = new Expression.Filtered(new Expression.Literal(value), step.name(), step.given(), step.line())
            .evaluate(scope);
      }
      return value;
    }
  }

  private static Filter texts(UnaryOperator<String> operation) {
    return (value, arguments) -> {
      arguments.bind("the filter");
      return operation.apply(Values.text(value, arguments.budget()));
    };
  }

  private static Object first(Iterator<Object> items) {
    return items.hasNext() ? items.next() : new Undefined("the first item of nothing");
  }

  private static Object last(Object value, Arguments arguments) {
    if (value instanceof Generator) {
      throw new Fault("last needs a list: put | list before it");
    }
    List<Object> items = Values.list(value, arguments.budget());
    return items.isEmpty() ? new Undefined("the last item of nothing") : items.get(items.size() - 1);
  }

  private static Object otherwise(Object value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("default", "default_value", "boolean");
    boolean absent = value instanceof Undefined || bound.truth("boolean") && !Values.truth(value);
    return absent ? bound.value("default_value", "") : value;
  }

  private static Object trim(Object value, Arguments arguments) {
    return ((Function) Values.attribute(Values.text(value, arguments.budget()), "strip")).call(arguments);
  }

  private static Object replace(Object value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("replace", "old", "new", "count");
    Budget budget = arguments.budget();
    long count = bound.value("count", None.NONE) instanceof None ? -1 : bound.number("count", -1);
    return Strings.replace(Values.text(value, budget), Values.text(bound.value("old"), budget),
        Values.text(bound.value("new"), budget), count, budget);
  }

  private static String title(String text) {
    StringBuilder result = new StringBuilder();
    for (String word : WORD_BEGINS.split(text)) {
      if (!word.isEmpty()) {
        int first = Character.charCount(word.codePointAt(0));
        result.append(Strings.upper(word.substring(0, first))).append(Strings.lower(word.substring(first)));
      }
    }
    return result.toString();
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace(">", "&gt;").replace("<", "&lt;").replace("'", "&#39;")
        .replace("\"", "&#34;");
  }

  private static Object center(Object value, Arguments arguments) {
    long width = arguments.bind("center", "width").number("width", 80);
    Object method = Values.attribute(Values.text(value, arguments.budget()), "center");
    return ((Function) method).call(new Arguments(List.of(width), Map.of(), arguments.budget()));
  }

  private static Object truncate(Object value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("truncate", "length", "killwords", "end", "leeway");
    String text = Values.text(value, arguments.budget());
    String end = bound.has("end") ? bound.text("end") : "...";
    long length = bound.number("length", 255);
    if (length < Strings.length(end)) {
      throw new Fault("truncate needs a length of at least that of '%s'", end);
    }
    if (Strings.length(text) <= length + bound.number("leeway", 5)) {
      return text;
    }
    String kept = Strings.slice(text, 0, Math.min(Strings.length(text), length - Strings.length(end)), 1);
    return (bound.truth("killwords") ? kept
        : (String) Strings.splitLast(kept, " ", 1, arguments.budget()).get(0)) + end;
  }

  private static Object indent(Object value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("indent", "width", "first", "blank");
    Budget budget = arguments.budget();
    Object width = bound.value("width", 4L);
    long columns = width instanceof String ? 0 : Math.max(0, Values.integer(width));
    budget.text(columns);
    String indention = width instanceof String text ? text : " ".repeat((int) columns);
    Text out = new Text(budget).append(bound.truth("first") ? indention : "");
    List<Object> lines = Strings.lines(Values.text(value, budget) + "\n", budget);
    for (int i = 0; i < lines.size(); i++) {
      String line = (String) lines.get(i);
      boolean indented = i > 0 && (bound.truth("blank") || !line.isEmpty());
      out.append(i > 0 ? "\n" : "").append(indented ? indention : "").append(line);
    }
    return out.toString();
  }

  private static Object integer(Object value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("int", "default", "base");
    Object otherwise = bound.value("default", 0L);
    if (value instanceof String text) {
      Optional<Object> whole = Globals.parsed(text, (int) bound.number("base", 10));
      return whole.orElseGet(() -> Globals.parsedReal(text).flatMap(Filters::truncated).orElse(otherwise));
    }
    return value instanceof Long || value instanceof Boolean ? Values.integer(value)
        : value instanceof Double number ? truncated(number).orElse(otherwise) : otherwise;
  }

  private static Optional<Object> truncated(double number) {
    return Math.abs(number) < 0x1p63 ? Optional.of((long) number) : Optional.empty();
  }

  private static Object real(Object value, Arguments arguments) {
    Object otherwise = arguments.bind("float", "default").value("default", 0.0);
    if (value instanceof String text) {
      return Globals.parsedReal(text).map(v -> (Object) v).orElse(otherwise);
    }
    return Values.isNumber(value) ? Numbers.real(value) : otherwise;
  }

  private static Object round(Object value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("round", "precision", "method");
    long precision = bound.number("precision", 0);
    if (!Values.isNumber(value) || Math.abs(precision) > 300) {
      throw new Fault("round needs a number and a precision of at most 300, got %s", Values.type(value));
    }
    String method = bound.has("method") ? bound.text("method") : "common";
    if (method.equals("common") && !(value instanceof Double)) {
      return precision >= 0 ? Values.integer(value) : BigDecimal.valueOf(Values.integer(value))
          .setScale((int) precision, RoundingMode.HALF_EVEN).longValue();
    }
    double number = Numbers.real(value);
    if (Double.isNaN(number) || Double.isInfinite(number)) {
      return number;
    }
    double scale = Math.pow(10, precision);
    return switch (method) {
      case "common" -> new BigDecimal(number).setScale((int) precision, RoundingMode.HALF_EVEN).doubleValue();
      case "ceil" -> Math.ceil(number * scale) / scale;
      case "floor" -> Math.floor(number * scale) / scale;
      default -> throw new Fault("round knows the methods common, ceil and floor, got '%s'", method);
    };
  }

  private static Object items(Object value, Arguments arguments) {
    if (value instanceof Undefined) {
      return new Generator(List.of());
    }
    if (value instanceof Map<?, ?> map) {
      return new Generator(List.copyOf(Methods.items(map, arguments.budget())));
    }
    throw new Fault("items needs a mapping, got %s", Values.type(value));
  }

  private static Object dictsort(Object value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("dictsort", "case_sensitive", "by", "reverse");
    if (!(value instanceof Map<?, ?> map)) {
      throw new Fault("dictsort needs a mapping, got %s", Values.type(value));
    }
    String by = bound.has("by") ? bound.text("by") : "key";
    if (!by.equals("key") && !by.equals("value")) {
      throw new Fault("dictsort sorts by key or value, got '%s'", by);
    }
    List<Object> items = new ArrayList<>(Methods.items(map, arguments.budget()));
    UnaryOperator<Object> folding = folding(bound);
    int place = by.equals("key") ? 0 : 1;
    Comparator<Object> order = (x, y) -> Values.compare(folding.apply(((Tuple) x).get(place)),
        folding.apply(((Tuple) y).get(place)), arguments.budget());
    items.sort(bound.truth("reverse") ? Collections.reverseOrder(order) : order);
    return items;
  }

  /** What is compared of a value: of a string its small letters, unless case_sensitive is given. */
  private static UnaryOperator<Object> folding(Arguments.Bound bound) {
    return bound.truth("case_sensitive") ? value -> value
        : value -> value instanceof String text ? Strings.lower(text) : value;
  }

  private static Object join(Object value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("join", "d", "attribute");
    List<Object> parts = new ArrayList<>();
    for (Object item : Values.list(value, arguments.budget())) {
      parts.add(Values.text(along(item, bound.value("attribute", None.NONE), arguments.budget()), arguments.budget()));
    }
    return join(parts, Values.text(bound.value("d", ""), arguments.budget()), arguments.budget());
  }

  /** Strings with the separator between them. */
  static Object join(Object value, String separator, Budget budget) {
    Text out = new Text(budget);
    String between = "";
    for (Object part : Values.list(value, budget)) {
      if (!(part instanceof String text)) {
        throw new Fault("join needs strings, got %s", Values.type(part));
      }
      out.append(between).append(text);
      between = separator;
    }
    return out.toString();
  }

  /** What the path of attributes, such as function.name or items.0, leads to. */
  private static Object along(Object item, Object path, Budget budget) {
    if (path instanceof None) {
      return item;
    }
    if (!(path instanceof String names)) {
      return Values.item(item, path);
    }
    Object value = item;
    for (Object name : Strings.split(names, ".", -1, budget)) {
      String key = (String) name;
      boolean position = !key.isEmpty() && key.length() < 10 && key.chars().allMatch(c -> c >= '0' && c <= '9');
      value = Values.item(value, position ? (Object) Long.parseLong(key) : key);
    }
    return value;
  }

  private static Object map(Object value, Arguments arguments) {
    List<Object> results = new ArrayList<>();
    if (arguments.positional().isEmpty()) {
      Arguments.Bound bound = arguments.bind("map", "", "attribute", "default");
      for (Object item : Values.list(value, arguments.budget())) {
        Object result = along(item, bound.value("attribute"), arguments.budget());
        results.add(result instanceof Undefined && bound.has("default") ? bound.value("default") : result);
      }
    } else {
      Filter filter = named(Values.text(arguments.positional().get(0), arguments.budget()));
      for (Object item : Values.list(value, arguments.budget())) {
        results.add(filter.apply(item, arguments.rest(1)));
      }
    }
    return new Generator(results);
  }

  private static Object chosen(Object value, Arguments arguments, int skipped, Choice choice) {
    List<Object> given = arguments.positional();
    if (given.size() < skipped) {
      throw new Fault("selectattr and rejectattr need the name of an attribute");
    }
    Object path = skipped == 0 ? None.NONE : given.get(0);
    Check check = given.size() == skipped ? (v, a) -> Values.truth(v)
        : Checks.named(Values.text(given.get(skipped), arguments.budget()));
    List<Object> results = new ArrayList<>();
    for (Object item : Values.list(value, arguments.budget())) {
      if (check.holds(along(item, path, arguments.budget()), arguments.rest(skipped + 1))
          == (choice == Choice.OF_THOSE)) {
        results.add(item);
      }
    }
    return new Generator(results);
  }

  private static Object reverse(Object value, Arguments arguments) {
    if (value instanceof String text) {
      return new StringBuilder(text).reverse().toString();
    }
    List<Object> items = Values.list(value, arguments.budget());
    Collections.reverse(items);
    return new Generator(items);
  }

  private static Object sort(Object value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("sort", "reverse", "case_sensitive", "attribute");
    UnaryOperator<Object> folding = folding(bound);
    Object attribute = bound.value("attribute", None.NONE);
    List<Object> paths = attribute instanceof String names ? Strings.split(names, ",", -1, arguments.budget())
        : List.of(attribute);
    Comparator<Object> order = (x, y) -> {
      for (Object path : paths) {
        int compared = Values.compare(folding.apply(along(x, path, arguments.budget())),
            folding.apply(along(y, path, arguments.budget())), arguments.budget());
        if (compared != 0) {
          return compared;
        }
      }
      return 0;
    };
    List<Object> items = Values.list(value, arguments.budget());
    items.sort(bound.truth("reverse") ? Collections.reverseOrder(order) : order);
    return items;
  }

  private static Object unique(Object value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("unique", "case_sensitive", "attribute");
    Set<Object> seen = new HashSet<>();
    List<Object> results = new ArrayList<>();
    for (Object item : Values.list(value, arguments.budget())) {
      Object path = bound.value("attribute", None.NONE);
      Object key = folding(bound).apply(along(item, path, arguments.budget()));
      if (seen.add(Values.key(key instanceof Boolean ? (Object) Values.integer(key) : key))) {
        results.add(item);
      }
    }
    return new Generator(results);
  }

  private static Object extreme(Object value, Arguments arguments, int sign) {
    Arguments.Bound bound = arguments.bind("min and max", "case_sensitive", "attribute");
    UnaryOperator<Object> folding = folding(bound);
    Object path = bound.value("attribute", None.NONE);
    Object best = new Undefined("the extreme of nothing");
    for (Object item : Values.list(value, arguments.budget())) {
      if (best instanceof Undefined || sign * Values.compare(folding.apply(along(item, path, arguments.budget())),
          folding.apply(along(best, path, arguments.budget())), arguments.budget()) > 0) {
        best = item;
      }
    }
    return best;
  }

  private static Object sum(Object value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("sum", "attribute", "start");
    Object sum = bound.value("start", 0L);
    for (Object item : Values.list(value, arguments.budget())) {
      sum = Numbers.add(sum, along(item, bound.value("attribute", None.NONE), arguments.budget()), arguments.budget());
    }
    return sum;
  }

  private static Object json(Object value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys");
    Object indent = bound.value("indent", None.NONE);
    Optional<String> level = indent instanceof None ? Optional.empty() : Optional.of(indent instanceof String text
        ? text : " ".repeat((int) Math.max(0, Math.min(1000, Values.integer(indent)))));
    Object separators = bound.value("separators", None.NONE);
    List<Object> both = separators instanceof None ? List.of(level.isPresent() ? "," : ", ", ": ")
        : Values.list(separators, arguments.budget());
    if (both.size() != 2 || !(both.get(0) instanceof String items) || !(both.get(1) instanceof String keys)) {
      throw new Fault("tojson needs two strings as separators");
    }
    return new Json(level, items, keys, bound.truth("ensure_ascii") ? Json.Ascii.ESCAPED : Json.Ascii.AS_IS,
        bound.truth("sort_keys") ? Json.Order.SORTED : Json.Order.AS_IS).write(value, arguments.budget());
  }
}
