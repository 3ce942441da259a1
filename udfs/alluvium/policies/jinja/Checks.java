package alluvium.policies.jinja;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The tests that may stand after an is, by name. */
final class Checks {
  private static final Map<String, Check> ALL = Map.ofEntries(
      Map.entry("defined", (v, a) -> !(v instanceof Undefined)),
      Map.entry("undefined", (v, a) -> v instanceof Undefined),
      Map.entry("none", (v, a) -> v instanceof None),
      Map.entry("boolean", (v, a) -> v instanceof Boolean),
      Map.entry("true", (v, a) -> Boolean.TRUE.equals(v)),
      Map.entry("false", (v, a) -> Boolean.FALSE.equals(v)),
      Map.entry("integer", (v, a) -> v instanceof Long),
      Map.entry("float", (v, a) -> v instanceof Double),
      Map.entry("number", (v, a) -> Values.isNumber(v)),
      Map.entry("string", (v, a) -> v instanceof String),
      Map.entry("mapping", (v, a) -> v instanceof Map),
      Map.entry("sequence", (v, a) -> v instanceof String || v instanceof Map || v instanceof Undefined
          || v instanceof List && !(v instanceof View)),
      Map.entry("iterable", (v, a) -> Values.iterable(v)),
      Map.entry("callable", (v, a) -> v instanceof Function),
      Map.entry("lower", (v, a) -> Methods.isLower(Values.text(v, a.budget()))),
      Map.entry("upper", (v, a) -> Methods.isUpper(Values.text(v, a.budget()))),
      Map.entry("odd", (v, a) -> Values.equal(Numbers.modulo(v, 2L, a.budget()), 1L, a.budget())),
      Map.entry("even", (v, a) -> Values.equal(Numbers.modulo(v, 2L, a.budget()), 0L, a.budget())),
      Map.entry("divisibleby", (v, a) -> Values.equal(Numbers.modulo(v, other(a), a.budget()), 0L, a.budget())),
      Map.entry("sameas", (v, a) -> v == other(a) || v.equals(other(a)) && !(v instanceof List)
          && !(v instanceof Map)),
      Map.entry("in", (v, a) -> Values.contains(other(a), v, a.budget())),
      Map.entry("eq", Checks::equal),
      Map.entry("equalto", Checks::equal),
      Map.entry("==", Checks::equal),
      Map.entry("ne", (v, a) -> !equal(v, a)),
      Map.entry("!=", (v, a) -> !equal(v, a)),
      Map.entry("gt", (v, a) -> order(v, a) > 0),
      Map.entry("greaterthan", (v, a) -> order(v, a) > 0),
      Map.entry(">", (v, a) -> order(v, a) > 0),
      Map.entry("ge", (v, a) -> order(v, a) >= 0),
      Map.entry(">=", (v, a) -> order(v, a) >= 0),
      Map.entry("lt", (v, a) -> order(v, a) < 0),
      Map.entry("lessthan", (v, a) -> order(v, a) < 0),
      Map.entry("<", (v, a) -> order(v, a) < 0),
      Map.entry("le", (v, a) -> order(v, a) <= 0),
      Map.entry("<=", (v, a) -> order(v, a) <= 0));

  private Checks() { }

  static Check named(String name) {
    return Optional.ofNullable(ALL.get(name)).orElseThrow(() -> new Fault("there is no test named '%s'", name));
  }

  private static Object other(Arguments arguments) {
    return arguments.bind("the test", "other").value("other");
  }

  private static boolean equal(Object value, Arguments arguments) {
    return Values.equal(value, other(arguments), arguments.budget());
  }

  private static int order(Object value, Arguments arguments) {
    return Values.compare(value, other(arguments), arguments.budget());
  }
}
