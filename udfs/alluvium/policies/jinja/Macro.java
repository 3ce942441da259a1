package alluvium.policies.jinja;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A named piece of template that renders apart when called, with the names of the scope where it was defined. */
final class Macro implements Function, Attributes {
  private final Form form;
  private final Scope scope;

  Macro(Form form, Scope scope) {
    this.form = form;
    this.scope = scope;
  }

  /**
   * A macro as written.
   *
   * @param name what it is called by
   * @param parameters in order
   * @param defaults one per parameter, empty where it has none
   * @param body what it renders
   * @param names all names that the body mentions, which decides whether it takes further arguments
   */
  record Form(String name, List<String> parameters, List<Optional<Expression>> defaults, List<Statement> body,
      Set<String> names) { }

  @Override
  public Object call(Arguments arguments) {
    Scope inner = scope.apart();
    int count = form.parameters().size();
    Map<String, Object> named = new LinkedHashMap<>(arguments.named());
    for (int i = 0; i < count; i++) {
      String parameter = form.parameters().get(i);
      if (i < arguments.positional().size()) {
        inner.set(parameter, arguments.positional().get(i));
      } else if (named.containsKey(parameter)) {
        inner.set(parameter, named.remove(parameter));
      } else {
        inner.set(parameter, form.defaults().get(i).map(inner::value)
            .orElseGet(() -> new Undefined("the parameter '" + parameter + "'")));
      }
    }
    further(inner, arguments, named, count);
    inner.run(form.body());
    return inner.out().toString();
  }

  private void further(Scope inner, Arguments arguments, Map<String, Object> named, int count) {
    Optional<Object> caller = Optional.ofNullable(named.remove("caller"));
    if (caller.isPresent() && !form.names().contains("caller")) {
      throw new Fault("macro %s does not use its caller", form.name());
    }
    if (form.names().contains("caller")) {
      inner.set("caller", caller.orElseGet(() -> new Undefined("the caller")));
    }
    if (form.names().contains("kwargs")) {
      inner.set("kwargs", new LinkedHashMap<Object, Object>(named));
    } else if (!named.isEmpty()) {
      throw new Fault("macro %s has no free parameter '%s'", form.name(), named.keySet().iterator().next());
    }
    if (form.names().contains("varargs")) {
      inner.set("varargs", arguments.positionalFrom(count));
    } else if (arguments.positional().size() > count) {
      throw new Fault("macro %s takes at most %s arguments, got %s", form.name(), count,
          arguments.positional().size());
    }
  }

  @Override
  public Object attribute(String name) {
    return switch (name) {
      case "name" -> form.name();
      case "arguments" -> new Tuple(List.copyOf(form.parameters()));
      default -> new Undefined("'" + name + "' of a macro");
    };
  }
}
