package alluvium.jobs;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * All that the result of a piece of work depends on, by name. A recipe gives one entry per decision: the class of a
 * slot under the slot's name, each number under its own.
 *
 * @param values name to value, such as recipe.advantage to Grpo and recipe.advantage.eps to 1.0E-6
 */
record Settings(Map<String, String> values) {
  private static final String RECIPE = "recipe";

  Settings {
    values = Collections.unmodifiableMap(new TreeMap<>(values));
  }

  /** Every decision of a recipe, the seed, and the code that computes. */
  static Settings of(Record recipe, long seed) {
    Map<String, String> values = new TreeMap<>();
    addComponents(values, RECIPE, recipe);
    values.put("seed", String.valueOf(seed));
    values.put("code", Code.VERSION);
    return new Settings(values);
  }

  /** Each file of a policy, by its SHA-256. */
  static Settings ofPolicy(Map<String, String> files) {
    return new Settings(Map.of()).with("policy", files);
  }

  Settings with(String name, String value) {
    Map<String, String> more = new TreeMap<>(values);
    more.put(name, value);
    return new Settings(more);
  }

  /** Adds entries under a common first word. */
  Settings with(String first, Map<String, String> entries) {
    Map<String, String> more = new TreeMap<>(values);
    entries.forEach((name, value) -> more.put(first + "." + name, value));
    return new Settings(more);
  }

  /**
   * What is not as it was, one line per name. A name outside the recipe that only one side knows says nothing: a
   * single stage knows less than the whole loop.
   */
  List<String> differences(Map<String, String> recorded) {
    TreeSet<String> names = new TreeSet<>(values.keySet());
    names.addAll(recorded.keySet());
    List<String> lines = new ArrayList<>();
    for (String name : names) {
      String was = recorded.getOrDefault(name, "absent");
      String is = values.getOrDefault(name, "absent");
      boolean known = values.containsKey(name) && recorded.containsKey(name) || name.startsWith(RECIPE + ".");
      if (known && !was.equals(is)) {
        lines.add(name + " was " + was + ", is " + is);
      }
    }
    return lines;
  }

  private static void add(Map<String, String> values, String name, Object value) {
    if (value instanceof Record record) {
      values.put(name, record.getClass().getSimpleName());
      addComponents(values, name, record);
    } else if (value instanceof List<?> list) {
      values.put(name, list.size() + " entries");
      for (int i = 0; i < list.size(); i++) {
        add(values, name + "[" + i + "]", list.get(i));
      }
    } else if (value instanceof Map<?, ?> map) {
      map.forEach((key, item) -> add(values, name + "." + key, item));
    } else {
      values.put(name, String.valueOf(value));
    }
  }

  private static void addComponents(Map<String, String> values, String name, Record record) {
    for (RecordComponent component : record.getClass().getRecordComponents()) {
      try {
        add(values, name + "." + component.getName(), component.getAccessor().invoke(record));
      } catch (IllegalAccessException | InvocationTargetException e) {
        throw new IllegalStateException("cannot read " + component + " of " + record.getClass().getName(), e);
      }
    }
  }
}
