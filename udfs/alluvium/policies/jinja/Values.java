package alluvium.policies.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Python's semantics of values. A value is a Long, Double, Boolean, String, List, {@link Tuple}, {@link View},
 * {@link Range}, Map, {@link None}, {@link Undefined}, {@link Generator}, {@link Function} or {@link Attributes}.
 */
final class Values {
  private Values() { }

  /** What a template sees of a Java value: numbers widened, null and an empty Optional as None, copies of the rest. */
  static Object of(Object value) {
    return of(value, 0);
  }

  private static Object of(Object value, int depth) {
    Budget.nesting(depth);
    if (Objects.isNull(value)) {
      return None.NONE;
    }
    if (value instanceof Optional<?> optional) {
      return optional.map(v -> of(v, depth + 1)).orElse(None.NONE);
    }
    if (value instanceof Byte || value instanceof Short || value instanceof Integer) {
      return ((Number) value).longValue();
    }
    if (value instanceof Float number) {
      return number.doubleValue();
    }
    if (value instanceof List<?> list) {
      List<Object> copy = new ArrayList<>(list.size());
      list.forEach(v -> copy.add(of(v, depth + 1)));
      return copy;
    }
    if (value instanceof Map<?, ?> map) {
      Map<Object, Object> copy = new LinkedHashMap<>();
      map.forEach((k, v) -> copy.put(key(of(k, depth + 1)), of(v, depth + 1)));
      return copy;
    }
    if (value instanceof Long || value instanceof Double || value instanceof Boolean || value instanceof String
        || value instanceof None) {
      return value;
    }
    throw new Fault("a template cannot see a value of %s", value.getClass());
  }

  static String type(Object value) {
    if (value instanceof Undefined undefined) {
      return "undefined (" + undefined.what() + ")";
    }
    return value instanceof Boolean ? "bool" : value instanceof Long ? "int" : value instanceof Double ? "float"
        : value instanceof String ? "str" : value instanceof Tuple ? "tuple" : value instanceof Range ? "range"
        : value instanceof View view ? view.name() : value instanceof List ? "list" : value instanceof Map ? "dict"
        : value instanceof None ? "None" : value instanceof Generator ? "generator"
        : value instanceof Namespace ? "namespace" : value instanceof Function ? "function" : "object";
  }

  static boolean truth(Object value) {
    if (value instanceof Boolean truth) {
      return truth;
    }
    if (value instanceof Long number) {
      return number != 0;
    }
    if (value instanceof Double number) {
      return number != 0;
    }
    if (value instanceof String text) {
      return !text.isEmpty();
    }
    if (value instanceof List<?> list) {
      return !list.isEmpty();
    }
    if (value instanceof Map<?, ?> map) {
      return !map.isEmpty();
    }
    return !(value instanceof None) && !(value instanceof Undefined);
  }

  /** The value as Python's str shows it. */
  static String text(Object value, Budget budget) {
    return value instanceof String text ? text : value instanceof Undefined ? "" : repr(value, budget);
  }

  /** The value as Python's repr shows it. */
  static String repr(Object value, Budget budget) {
    Text out = new Text(budget);
    repr(value, out, 0);
    return out.toString();
  }

  private static void repr(Object value, Text out, int depth) {
    Budget.nesting(depth);
    if (value instanceof String text) {
      Strings.repr(text, out);
    } else if (value instanceof Double number) {
      out.append(Numbers.repr(number));
    } else if (value instanceof Boolean truth) {
      out.append(truth ? "True" : "False");
    } else if (value instanceof None) {
      out.append("None");
    } else if (value instanceof Long || value instanceof Range) {
      out.append(value.toString());
    } else if (value instanceof Map<?, ?> map) {
      mapping(map, out, depth);
    } else if (value instanceof View view) {
      out.append(view.name()).append("([");
      sequence(view, out, depth);
      out.append("])");
    } else if (value instanceof Tuple tuple) {
      out.append("(");
      sequence(tuple, out, depth);
      out.append(tuple.size() == 1 ? ",)" : ")");
    } else if (value instanceof List<?> list) {
      out.append("[");
      sequence(list, out, depth);
      out.append("]");
    } else if (value instanceof Namespace namespace) {
      out.append("<Namespace ");
      mapping(namespace.values(), out, depth);
      out.append(">");
    } else if (value instanceof Undefined) {
      out.append("Undefined");
    } else {
      out.append("<").append(type(value)).append(">");
    }
  }

  private static void sequence(List<?> list, Text out, int depth) {
    String separator = "";
    for (Object item : list) {
      out.append(separator);
      repr(item, out, depth + 1);
      separator = ", ";
    }
  }

  private static void mapping(Map<?, ?> map, Text out, int depth) {
    String separator = "{";
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      out.append(separator);
      repr(entry.getKey(), out, depth + 1);
      out.append(": ");
      repr(entry.getValue(), out, depth + 1);
      separator = ", ";
    }
    out.append(map.isEmpty() ? "{}" : "}");
  }

  /** The value as a key of a mapping; only what is hashable and flat. */
  static Object key(Object value) {
    if (value instanceof String || value instanceof Long || value instanceof Boolean || value instanceof None) {
      return value;
    }
    if (value instanceof Double number) {
      return number == Math.rint(number) && Math.abs(number) < 1e15 ? (Object) number.longValue() : number;
    }
    throw new Fault("a key must be a string, a number, a truth value or none, got %s", type(value));
  }

  static long integer(Object value) {
    if (value instanceof Long number) {
      return number;
    }
    if (value instanceof Boolean truth) {
      return truth ? 1 : 0;
    }
    throw new Fault("an integer is needed here, got %s", type(value));
  }

  static boolean isNumber(Object value) {
    return value instanceof Long || value instanceof Double || value instanceof Boolean;
  }

  static boolean equal(Object a, Object b, Budget budget) {
    return equal(a, b, budget, 0);
  }

  private static boolean equal(Object a, Object b, Budget budget, int depth) {
    Budget.nesting(depth);
    budget.spend(1);
    if (a == b) {
      return true;
    }
    if (isNumber(a) && isNumber(b)) {
      return Numbers.compare(a, b) == 0 && !Double.isNaN(Numbers.real(a));
    }
    if (a instanceof String text) {
      budget.spend(text.length() / 8);
      return text.equals(b);
    }
    if (a instanceof Undefined) {
      return b instanceof Undefined;
    }
    if (a instanceof List<?> x && b instanceof List<?> y) {
      return kind(x) == kind(y) && x.size() == y.size() && items(x, y, budget, depth);
    }
    if (a instanceof Map<?, ?> x && b instanceof Map<?, ?> y) {
      if (x.size() != y.size()) {
        return false;
      }
      for (Map.Entry<?, ?> entry : x.entrySet()) {
        if (!y.containsKey(entry.getKey()) || !equal(entry.getValue(), y.get(entry.getKey()), budget, depth + 1)) {
          return false;
        }
      }
      return true;
    }
    return false;
  }

  /** One class for each of Python's sequences. */
  static Class<?> kind(List<?> list) {
    return list instanceof Tuple || list instanceof Range || list instanceof View ? list.getClass() : List.class;
  }

  private static boolean items(List<?> x, List<?> y, Budget budget, int depth) {
    for (int i = 0; i < x.size(); i++) {
      if (!equal(x.get(i), y.get(i), budget, depth + 1)) {
        return false;
      }
    }
    return true;
  }

  /** Negative, zero or positive as a is less than, equal to or greater than b. */
  static int compare(Object a, Object b, Budget budget) {
    return compare(a, b, budget, 0);
  }

  private static int compare(Object a, Object b, Budget budget, int depth) {
    Budget.nesting(depth);
    budget.spend(1);
    if (isNumber(a) && isNumber(b)) {
      return Numbers.compare(a, b);
    }
    if (a instanceof String x && b instanceof String y) {
      budget.spend(Math.min(x.length(), y.length()) / 8);
      return Strings.compare(x, y);
    }
    if (a instanceof List<?> x && b instanceof List<?> y && kind(x) == kind(y) && kind(x) != View.class
        && kind(x) != Range.class) {
      for (int i = 0; i < Math.min(x.size(), y.size()); i++) {
        if (!equal(x.get(i), y.get(i), budget, depth + 1)) {
          return compare(x.get(i), y.get(i), budget, depth + 1);
        }
      }
      return Integer.compare(x.size(), y.size());
    }
    throw new Fault("%s and %s have no order", type(a), type(b));
  }

  /** Passes over the items: characters, items, keys; nothing of what is undefined. */
  static Iterator<Object> iterate(Object value, Budget budget) {
    if (value instanceof Generator generator) {
      return generator.items();
    }
    return list(value, budget).iterator();
  }

  /** The items as a new list that the caller may keep and change. */
  static List<Object> list(Object value, Budget budget) {
    List<Object> items = new ArrayList<>();
    if (value instanceof String text) {
      items = Strings.characters(text, budget);
    } else if (value instanceof List<?> list) {
      budget.spend(list.size());
      items.addAll(list);
    } else if (value instanceof Map<?, ?> map) {
      budget.spend(map.size());
      items.addAll(map.keySet());
    } else if (value instanceof Namespace || !iterable(value)) {
      throw new Fault("%s cannot be iterated", type(value));
    } else if (value instanceof Generator generator) {
      generator.items().forEachRemaining(items::add);
      budget.spend(items.size());
    }
    return items;
  }

  static boolean iterable(Object value) {
    return value instanceof String || value instanceof List || value instanceof Map || value instanceof Generator
        || value instanceof Undefined || value instanceof Loop;
  }

  static long length(Object value) {
    if (value instanceof String text) {
      return Strings.length(text);
    }
    if (value instanceof List<?> list) {
      return list.size();
    }
    if (value instanceof Map<?, ?> map) {
      return map.size();
    }
    if (value instanceof Undefined) {
      return 0;
    }
    throw new Fault("%s has no length", type(value));
  }

  static boolean contains(Object container, Object item, Budget budget) {
    if (container instanceof String text) {
      if (item instanceof String part) {
        budget.spend(1 + text.length() / 8);
        return Strings.find(text, part, 0) >= 0;
      }
      throw new Fault("'in <string>' needs a string on its left, got %s", type(item));
    }
    if (container instanceof Map<?, ?> map) {
      return map.containsKey(key(item));
    }
    Iterator<Object> items = iterate(container, budget);
    while (items.hasNext()) {
      if (equal(item, items.next(), budget)) {
        return true;
      }
    }
    return false;
  }

  /** What value.name stands for: a method or attribute, else an item, else undefined. */
  static Object attribute(Object value, String name) {
    Optional<Object> own = Methods.of(value, name);
    if (own.isPresent()) {
      return own.get();
    }
    return value instanceof Map<?, ?> map && map.containsKey(name) ? map.get(name) : absent(value, name);
  }

  /** What value[index] stands for: an item, else a method or attribute, else undefined. */
  static Object item(Object value, Object index) {
    if (value instanceof Undefined undefined) {
      throw undefined.fault();
    }
    if (value instanceof Map<?, ?> map && !(index instanceof List) && !(index instanceof Map)
        && !(index instanceof Undefined) && map.containsKey(key(index))) {
      return map.get(key(index));
    }
    if (index instanceof Long || index instanceof Boolean) {
      long at = integer(index);
      if (value instanceof String text) {
        long length = Strings.length(text);
        long i = at < 0 ? at + length : at;
        return i >= 0 && i < length ? Strings.slice(text, i, i + 1, 1) : absent(value, index.toString());
      }
      if (value instanceof List<?> list && !(value instanceof View)) {
        long i = at < 0 ? at + list.size() : at;
        return i >= 0 && i < list.size() ? list.get((int) i) : absent(value, index.toString());
      }
    }
    return index instanceof String name ? Methods.of(value, name).orElseGet(() -> absent(value, name))
        : absent(value, type(index));
  }

  private static Undefined absent(Object value, String name) {
    if (value instanceof Undefined undefined) {
      throw undefined.fault();
    }
    return new Undefined("'" + name + "' of " + type(value));
  }

  /** What value[start:stop:step] stands for; bounds are None where they were not written. */
  static Object slice(Object value, Object start, Object stop, Object step, Budget budget) {
    boolean sliceable = value instanceof String || value instanceof List && !(value instanceof View);
    if (value instanceof Undefined undefined) {
      throw undefined.fault();
    }
    if (!sliceable) {
      return absent(value, "slice");
    }
    long length = length(value);
    long by = step instanceof None ? 1 : integer(step);
    if (by == 0) {
      throw new Fault("a slice needs a step other than 0");
    }
    long from = bound(start, length, by > 0 ? 0 : length - 1, by);
    long to = bound(stop, length, by > 0 ? length : -1, by);
    budget.spend(1 + length / 8);
    if (value instanceof String text) {
      return Strings.slice(text, from, to, Math.max(-length - 1, Math.min(length + 1, by)));
    }
    List<Object> slice = new ArrayList<>();
    long stride = Math.max(-length - 1, Math.min(length + 1, by));
    for (long i = from; stride > 0 ? i < to : i > to; i += stride) {
      slice.add(((List<?>) value).get((int) i));
    }
    budget.spend(slice.size());
    return value instanceof Tuple ? new Tuple(slice) : slice;
  }

  private static long bound(Object bound, long length, long otherwise, long step) {
    if (bound instanceof None) {
      return otherwise;
    }
    long at = integer(bound);
    long i = at < 0 ? Math.max(at, -length - 1) + length : at;
    return step > 0 ? Math.max(0, Math.min(length, i)) : Math.max(-1, Math.min(length - 1, i));
  }
}
