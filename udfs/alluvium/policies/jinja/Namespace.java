package alluvium.policies.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/** The one mutable value: attributes that survive the scope in which they are set. */
final class Namespace implements Attributes {
  private final Map<String, Object> values = new LinkedHashMap<>();

  void set(String name, Object value) {
    values.put(name, value);
  }

  Map<String, Object> values() {
    return values;
  }

  @Override
  public Object attribute(String name) {
    return values.getOrDefault(name, new Undefined("the namespace's attribute '" + name + "'"));
  }
}
