package alluvium.policies.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Arguments of a call as written: by position, then by name.
 *
 * @param positional in order
 * @param named by name
 * @param budget of the rendering
 */
record Arguments(List<Object> positional, Map<String, Object> named, Budget budget) {

  static Arguments none(Budget budget) {
    return new Arguments(List.of(), Map.of(), budget);
  }

  /** All arguments but the first by position. */
  Arguments rest(int first) {
    return new Arguments(positional.subList(Math.min(first, positional.size()), positional.size()), named, budget);
  }

  /** Arguments by the parameters' names; refuses more than there are and names that are not among them. */
  Bound bind(String function, String... parameters) {
    if (positional.size() > parameters.length) {
      throw new Fault("%s takes at most %s arguments, got %s", function, parameters.length, positional.size());
    }
    Map<String, Object> values = new LinkedHashMap<>();
    for (int i = 0; i < positional.size(); i++) {
      values.put(parameters[i], positional.get(i));
    }
    List<String> known = List.of(parameters);
    named.forEach((name, value) -> {
      if (!known.contains(name) || values.containsKey(name)) {
        throw new Fault("%s has no free parameter '%s'", function, name);
      }
      values.put(name, value);
    });
    return new Bound(function, values, budget);
  }

  /**
   * Values by parameter.
   *
   * @param function for messages
   * @param values only what was given
   * @param budget of the rendering
   */
  record Bound(String function, Map<String, Object> values, Budget budget) {

    boolean has(String parameter) {
      return values.containsKey(parameter);
    }

    Object value(String parameter, Object otherwise) {
      return values.getOrDefault(parameter, otherwise);
    }

    Object value(String parameter) {
      if (!values.containsKey(parameter)) {
        throw new Fault("%s needs the argument '%s'", function, parameter);
      }
      return values.get(parameter);
    }

    String text(String parameter) {
      Object value = value(parameter);
      if (value instanceof String text) {
        return text;
      }
      throw new Fault("%s: '%s' must be a string, got %s", function, parameter, Values.type(value));
    }

    long number(String parameter, long otherwise) {
      return has(parameter) ? Values.integer(value(parameter)) : otherwise;
    }

    boolean truth(String parameter) {
      return has(parameter) && Values.truth(value(parameter));
    }
  }

  /** The arguments as the body of a macro sees them under varargs. */
  Tuple positionalFrom(int first) {
    return new Tuple(new ArrayList<>(rest(first).positional()));
  }
}
