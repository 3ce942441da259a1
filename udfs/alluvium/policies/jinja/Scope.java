package alluvium.policies.jinja;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Names and where output goes; assignments stay in the scope in which they are made. */
final class Scope {
  private final Optional<Scope> outer;
  private final Map<String, Object> values = new HashMap<>();
  private final Text out;
  private final Budget budget;

  Scope(Budget budget) {
    this(Optional.empty(), new Text(budget), budget);
  }

  private Scope(Optional<Scope> outer, Text out, Budget budget) {
    this.outer = outer;
    this.out = out;
    this.budget = budget;
  }

  /** A scope within this one that writes to the same place. */
  Scope inner() {
    return new Scope(Optional.of(this), out, budget);
  }

  /** A scope within this one that collects its own output. */
  Scope apart() {
    return new Scope(Optional.of(this), new Text(budget), budget);
  }

  Text out() {
    return out;
  }

  Budget budget() {
    return budget;
  }

  void set(String name, Object value) {
    values.put(name, value);
  }

  Object value(String name) {
    for (Optional<Scope> scope = Optional.of(this); scope.isPresent(); scope = scope.get().outer) {
      if (scope.get().values.containsKey(name)) {
        return scope.get().values.get(name);
      }
    }
    return new Undefined("'" + name + "'");
  }

  Object value(Expression expression) {
    budget.enter();
    try {
      return expression.evaluate(this);
    } finally {
      budget.leave();
    }
  }

  Flow run(List<Statement> statements) {
    budget.enter();
    try {
      for (Statement statement : statements) {
        Flow flow = statement.run(this);
        if (flow != Flow.NEXT) {
          return flow;
        }
      }
      return Flow.NEXT;
    } finally {
      budget.leave();
    }
  }

  /** How a block ended. */
  enum Flow { NEXT, BREAK, CONTINUE }
}
