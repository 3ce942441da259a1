package alluvium.jobs;

import alluvium.jobs.Node.Kind;
import alluvium.jobs.Node.Mapping;
import alluvium.jobs.Node.Scalar;
import alluvium.jobs.Node.Sequence;
import alluvium.tables.RecipeException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Makes records of YAML: components are filled by name and type, all of them, from the text alone.
 *
 * <p>A component whose type is a slot (an interface, or a record) is written {@code {Class: {component: value}}}; the
 * class is the public record of that name in the slot's package. Besides there are int, long, double, float, text,
 * lists, and maps from text, which are bound in the order of their keys. Numbers are decimal, finite and in range; -0.0
 * is 0.0. What is wrong in a text is reported at once, a line each, up to {@value #MOST_PROBLEMS}.
 */
final class Binding {
  private static final Pattern NUMBER = Pattern.compile("[-+]?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?");
  private static final Pattern INTEGER = Pattern.compile("[-+]?(0|[1-9][0-9]*)");
  static final int MOST_PROBLEMS = 20;
  private static final int LONGEST_MESSAGE = 600;

  /** Kinds of numbers by the types of components. */
  private static final Map<Class<?>, NumberKind> NUMBERS = Map.of(
      int.class, NumberKind.INT, Integer.class, NumberKind.INT, long.class, NumberKind.LONG, Long.class,
      NumberKind.LONG, double.class, NumberKind.DOUBLE, Double.class, NumberKind.DOUBLE, float.class,
      NumberKind.FLOAT, Float.class, NumberKind.FLOAT);

  private final String place;
  private final List<String> problems = new ArrayList<>();
  private final Map<Class<?>, SortedSet<String>> known = new HashMap<>();

  private Binding(String place) {
    this.place = place;
  }

  /** The record that a text describes; place is what errors call the text. */
  static <R extends Record> R bind(Class<R> type, String text, String place) {
    Node root = StrictYaml.parse(text, place);
    Binding binding = new Binding(place);
    Optional<Object> bound = binding.record(type, root, "");
    return type.cast(bound.orElseThrow(() -> new RecipeException(binding.report())));
  }

  private String report() {
    return problems.stream().map(p -> place + ": " + p).collect(Collectors.joining("\n"));
  }

  private Optional<Object> value(Type type, Node node, String path) {
    if (type instanceof ParameterizedType generic) {
      return generic.getRawType() == List.class
          ? list(generic.getActualTypeArguments()[0], node, path)
          : map(generic.getActualTypeArguments()[1], node, path);
    }
    Class<?> plain = (Class<?>) type;
    if (NUMBERS.containsKey(plain)) {
      return number(NUMBERS.get(plain), node, path);
    }
    if (plain == String.class) {
      return text(node, path);
    }
    if (!plain.isInterface() && !plain.isRecord()) {
      throw new IllegalStateException(path + ": a component cannot be a " + plain.getName() + "; make it a slot");
    }
    return slot(plain, node, path);
  }

  private Optional<Object> slot(Class<?> slot, Node node, String path) {
    SlotClasses classes = new SlotClasses(slot);
    if (!(node instanceof Mapping mapping) || mapping.entries().size() != 1) {
      return problem("%s must name one class of %s, as in {Class: {component: value}}, got %s. Known: %s.", path,
          classes.packageWord(), node.word(), Spelling.list(names(slot)));
    }
    Map.Entry<String, Node> entry = mapping.entries().entrySet().iterator().next();
    String name = entry.getKey();
    String inner = path + '.' + Spelling.printable(name);
    Optional<Class<?>> type = classes.named(name);
    if (type.isEmpty()) {
      return problem("%s is %s.%s Known: %s.", inner, classes.hasRecord(name)
          ? "in " + classes.packageWord() + ", but not for this slot" : "not a class of " + classes.packageWord(),
          suggestion(name, names(slot)), Spelling.list(names(slot)));
    }
    return record(type.get(), entry.getValue(), inner);
  }

  private Optional<Object> record(Class<?> type, Node node, String path) {
    Map<String, RecordComponent> components = new LinkedHashMap<>();
    Arrays.stream(type.getRecordComponents()).forEach(c -> components.put(c.getName(), c));
    if (!(node instanceof Mapping mapping)) {
      return problem("%s must be a map of its components, got %s. %s", path.isEmpty() ? "the recipe" : path,
          node.word(), components.isEmpty() ? "Write {}." : "Known: " + Spelling.list(components.keySet()) + '.');
    }
    int before = problems.size();
    for (String key : mapping.entries().keySet()) {
      if (!components.containsKey(key)) {
        problem("%s is not a component of %s.%s Known: %s.", join(path, key), type.getSimpleName(),
            suggestion(key, components.keySet()), components.isEmpty() ? "none" : Spelling.list(components.keySet()));
      }
    }
    List<Object> values = new ArrayList<>();
    for (RecordComponent component : components.values()) {
      String inner = join(path, component.getName());
      Node given = mapping.entries().get(component.getName());
      if (given == null) {
        problem("%s is missing. Add it: %s; there are no defaults.", inner, expected(component.getGenericType()));
      } else {
        value(component.getGenericType(), given, inner).ifPresent(values::add);
      }
    }
    return problems.size() > before ? Optional.empty() : make(type, components.values(), values, path);
  }

  private Optional<Object> make(Class<?> type, Iterable<RecordComponent> components, List<Object> values, String path) {
    List<Class<?>> types = new ArrayList<>();
    components.forEach(c -> types.add(c.getType()));
    try {
      return Optional.of(type.getDeclaredConstructor(types.toArray(Class<?>[]::new)).newInstance(values.toArray()));
    } catch (InvocationTargetException e) {
      Throwable cause = e.getCause();
      if (cause instanceof StackOverflowError) {
        return problem("%s", located(path, type.getSimpleName(), "a component is nested too deeply"));
      }
      if (cause instanceof RuntimeException) {
        String message = Objects.requireNonNullElse(cause.getMessage(), cause.getClass().getSimpleName());
        return problem("%s", located(path, type.getSimpleName(), Spelling.printable(message, LONGEST_MESSAGE)));
      }
      throw new IllegalStateException("cannot make " + type.getName(), cause);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(type.getName() + " must be a public record with a public constructor", e);
    }
  }

  /** A record's own message, which starts with its name, after the path, which ends with it. */
  private static String located(String path, String name, String message) {
    if (path.isEmpty()) {
      return message;
    }
    boolean named = message.startsWith(name + '.') && path.endsWith(name);
    return named ? path.substring(0, path.length() - name.length()) + message : path + ": " + message;
  }

  private Optional<Object> list(Type element, Node node, String path) {
    if (!(node instanceof Sequence sequence)) {
      return problem("%s must be a list, got %s. Write [] for none.", path, node.word());
    }
    int before = problems.size();
    List<Object> values = new ArrayList<>();
    for (int i = 0; i < sequence.items().size(); i++) {
      value(element, sequence.items().get(i), path + '[' + i + ']').ifPresent(values::add);
    }
    return problems.size() > before ? Optional.empty() : Optional.of(Collections.unmodifiableList(values));
  }

  private Optional<Object> map(Type element, Node node, String path) {
    if (!(node instanceof Mapping mapping)) {
      return problem("%s must be a map, got %s. Write {} for none.", path, node.word());
    }
    int before = problems.size();
    Map<String, Object> values = new TreeMap<>();
    mapping.entries().forEach((key, item) ->
        value(element, item, join(path, key)).ifPresent(bound -> values.put(key, bound)));
    return problems.size() > before ? Optional.empty() : Optional.of(Collections.unmodifiableMap(values));
  }

  private Optional<Object> text(Node node, String path) {
    if (node instanceof Scalar scalar && scalar.kind() == Kind.TEXT) {
      return Optional.of(scalar.text());
    }
    return problem("%s must be text, got %s. Put it in quotes.", path, node.word());
  }

  private Optional<Object> number(NumberKind kind, Node node, String path) {
    if (!(node instanceof Scalar scalar)) {
      return problem("%s must be %s, got %s.", path, kind.words, node.word());
    }
    boolean spelt = kind.spelling.matcher(scalar.text()).matches();
    if (!spelt && scalar.kind() != Kind.TEXT) {
      return problem("%s must be %s, got %s. Write decimal digits%s.", path, kind.words, node.word(),
          kind.spelling == INTEGER ? " without a point" : "");
    }
    if (!spelt) {
      return problem("%s must be %s, got %s.", path, kind.words, node.word());
    }
    Optional<Object> value = kind.read.apply(scalar.text());
    if (value.isEmpty()) {
      return problem("%s must be %s, got %s, which does not fit one.", path, kind.words, node.word());
    }
    if (scalar.kind() == Kind.TEXT) {
      return problem("%s must be %s, got %s. Write %s, without quotes.", path, kind.words, node.word(),
          Canonical.number(value.get()));
    }
    return value;
  }

  private String expected(Type type) {
    if (type instanceof ParameterizedType generic) {
      return generic.getRawType() == List.class ? "a list" : "a map";
    }
    Class<?> plain = (Class<?>) type;
    if (NUMBERS.containsKey(plain)) {
      return NUMBERS.get(plain).words;
    }
    return plain == String.class ? "text" : "a class of " + new SlotClasses(plain).packageWord() + ", one of "
        + Spelling.list(names(plain));
  }

  /** Names for messages; looked up once, as a class path may be long. */
  private SortedSet<String> names(Class<?> slot) {
    return known.computeIfAbsent(slot, s -> new SlotClasses(s).names());
  }

  private static String suggestion(String name, Iterable<String> known) {
    List<String> names = new ArrayList<>();
    known.forEach(names::add);
    return Spelling.nearest(name, names).map(n -> " Did you mean " + n + '?').orElse("");
  }

  private static String join(String path, String key) {
    return path.isEmpty() ? Spelling.printable(key) : path + '.' + Spelling.printable(key);
  }

  private Optional<Object> problem(String message, Object... arguments) {
    problems.add(String.format(message, arguments));
    if (problems.size() == MOST_PROBLEMS) {
      throw new RecipeException(report() + "\n" + place + ": there may be more.");
    }
    return Optional.empty();
  }

  /** A type of number: what errors call it, how it is spelt, and its value if the type can hold it. */
  private enum NumberKind {
    INT("an integer", INTEGER, text -> whole(text, Integer::valueOf)),
    LONG("an integer", INTEGER, text -> whole(text, Long::valueOf)),
    DOUBLE("a number", NUMBER, text -> {
      double value = Double.parseDouble(text) + 0.0;        // -0.0 + 0.0 = 0.0
      return fits(text, Double.isFinite(value), value == 0) ? Optional.of(value) : Optional.empty();
    }),
    FLOAT("a number", NUMBER, text -> {
      float value = Float.parseFloat(text) + 0f;
      return fits(text, Float.isFinite(value), value == 0) ? Optional.of(value) : Optional.empty();
    });

    private final String words;
    private final Pattern spelling;
    private final Function<String, Optional<Object>> read;

    NumberKind(String words, Pattern spelling, Function<String, Optional<Object>> read) {
      this.words = words;
      this.spelling = spelling;
      this.read = read;
    }

    private static Optional<Object> whole(String text, Function<String, Object> read) {
      try {
        return Optional.of(read.apply(text));
      } catch (NumberFormatException e) {
        return Optional.empty();
      }
    }

    /** Neither overflow to infinity nor underflow of something to nothing. */
    private static boolean fits(String text, boolean finite, boolean zero) {
      String digits = text.split("[eE]")[0];
      return finite && (!zero || digits.chars().noneMatch(c -> c >= '1' && c <= '9'));
    }
  }
}
