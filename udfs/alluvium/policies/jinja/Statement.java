package alluvium.policies.jinja;

import alluvium.policies.jinja.Scope.Flow;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What writes output, assigns or decides. */
interface Statement {
  Flow run(Scope scope);

  record Data(String text) implements Statement {
    @Override
    public Flow run(Scope scope) {
      scope.out().append(text);
      return Flow.NEXT;
    }
  }

  record Output(Expression expression, int line) implements Statement {
    @Override
    public Flow run(Scope scope) {
      scope.budget().at(line);
      scope.out().append(Values.text(scope.value(expression), scope.budget()));
      return Flow.NEXT;
    }
  }

  record Jump(Flow flow) implements Statement {
    @Override
    public Flow run(Scope scope) {
      scope.budget().spend(1);
      return flow;
    }
  }

  record If(List<Expression> conditions, List<List<Statement>> bodies, List<Statement> otherwise, int line)
      implements Statement {
    @Override
    public Flow run(Scope scope) {
      scope.budget().at(line);
      for (int i = 0; i < conditions.size(); i++) {
        if (Values.truth(scope.value(conditions.get(i)))) {
          return scope.run(bodies.get(i));
        }
      }
      return scope.run(otherwise);
    }
  }

  /** A place that a value can be assigned to. */
  interface Target {
    void assign(Scope scope, Object value);
  }

  record NameTarget(String name) implements Target {
    @Override
    public void assign(Scope scope, Object value) {
      scope.set(name, value);
    }
  }

  record AttributeTarget(String name, String attribute) implements Target {
    @Override
    public void assign(Scope scope, Object value) {
      if (!(scope.value(name) instanceof Namespace namespace)) {
        throw new Fault("%s.%s cannot be set: only a namespace takes attributes", name, attribute);
      }
      namespace.set(attribute, value);
    }
  }

  record TupleTarget(List<Target> targets) implements Target {
    @Override
    public void assign(Scope scope, Object value) {
      List<Object> values = Values.list(value, scope.budget());
      if (values.size() != targets.size()) {
        throw new Fault("%s values cannot be unpacked into %s names", values.size(), targets.size());
      }
      for (int i = 0; i < values.size(); i++) {
        targets.get(i).assign(scope, values.get(i));
      }
    }
  }

  record Set(Target target, Expression value, int line) implements Statement {
    @Override
    public Flow run(Scope scope) {
      scope.budget().at(line);
      target.assign(scope, scope.value(value));
      return Flow.NEXT;
    }
  }

  /** Renders the body apart and hands the text through the filters, under the name of a literal. */
  record SetBlock(Target target, List<Statement> body, Filters.Chain filters, int line) implements Statement {
    @Override
    public Flow run(Scope scope) {
      scope.budget().at(line);
      Scope apart = scope.apart();
      Flow flow = apart.run(body);
      if (flow == Flow.NEXT) {
        target.assign(scope, filters.apply(apart.out().toString(), scope));
      }
      return flow;
    }
  }

  record FilterBlock(List<Statement> body, Filters.Chain filters, int line) implements Statement {
    @Override
    public Flow run(Scope scope) {
      scope.budget().at(line);
      Scope apart = scope.apart();
      Flow flow = apart.run(body);
      if (flow == Flow.NEXT) {
        scope.out().append(Values.text(filters.apply(apart.out().toString(), scope), scope.budget()));
      }
      return flow;
    }
  }

  /** A body in a scope of its own, with values known in it alone. */
  record With(List<Target> targets, List<Expression> values, List<Statement> body, int line) implements Statement {
    @Override
    public Flow run(Scope scope) {
      scope.budget().at(line);
      Scope inner = scope.inner();
      for (int i = 0; i < targets.size(); i++) {
        targets.get(i).assign(inner, scope.value(values.get(i)));
      }
      return inner.run(body);
    }
  }

  record For(Target target, Expression iterable, Optional<Expression> condition, List<Statement> body,
      List<Statement> otherwise, Recursion recursion, int line) implements Statement {
    enum Recursion { NONE, BY_CALL }

    @Override
    public Flow run(Scope scope) {
      scope.budget().at(line);
      return over(scope.value(iterable), scope, 0);
    }

    private Flow over(Object value, Scope scope, int depth) {
      List<Object> items = chosen(value, scope);
      if (items.isEmpty()) {
        return scope.inner().run(otherwise);
      }
      Loop loop = new Loop(items, depth, recursion == Recursion.NONE ? Optional.empty() : Optional.of(arguments -> {
        Scope apart = scope.apart();
        over(arguments.bind("loop", "iterable").value("iterable"), apart, depth + 1);
        return apart.out().toString();
      }));
      for (Object item : items) {
        loop.next();
        Scope inner = scope.inner();
        inner.set("loop", loop);
        target.assign(inner, item);
        if (inner.run(body) == Flow.BREAK) {
          break;
        }
      }
      return Flow.NEXT;
    }

    private List<Object> chosen(Object value, Scope scope) {
      if (condition.isEmpty()) {
        return Values.list(value, scope.budget());
      }
      List<Object> chosen = new ArrayList<>();
      for (Iterator<Object> items = Values.iterate(value, scope.budget()); items.hasNext();) {
        Object item = items.next();
        Scope inner = scope.inner();
        target.assign(inner, item);
        if (Values.truth(inner.value(condition.get()))) {
          chosen.add(item);
        }
      }
      return chosen;
    }
  }

  record MacroDefinition(Macro.Form form) implements Statement {
    @Override
    public Flow run(Scope scope) {
      scope.set(form.name(), new Macro(form, scope));
      return Flow.NEXT;
    }
  }

  /** Calls a macro, which may call the body by the name caller. */
  record CallBlock(Expression.Call call, Macro.Form caller, int line) implements Statement {
    @Override
    public Flow run(Scope scope) {
      scope.budget().at(line);
      Arguments given = call.given().evaluate(scope);
      Map<String, Object> named = new LinkedHashMap<>(given.named());
      named.put("caller", new Macro(caller, scope));
      if (!(scope.value(call.function()) instanceof Function function)) {
        throw new Fault("what the call block names cannot be called");
      }
      Object text = function.call(new Arguments(given.positional(), named, scope.budget()));
      scope.out().append(Values.text(text, scope.budget()));
      return Flow.NEXT;
    }
  }
}
