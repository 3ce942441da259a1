package alluvium.policies.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What has a value. */
interface Expression {
  Object evaluate(Scope scope);

  record Literal(Object value) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return value;
    }
  }

  record Name(String name) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return scope.value(name);
    }
  }

  record Items(List<Expression> items) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      List<Object> values = new ArrayList<>(items.size());
      items.forEach(item -> values.add(scope.value(item)));
      return values;
    }
  }

  record Group(Items items) implements Expression {
    @Override
    @SuppressWarnings("unchecked")
    public Object evaluate(Scope scope) {
      return new Tuple((List<Object>) items.evaluate(scope));
    }
  }

  record Pairs(List<Expression> keys, List<Expression> values) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Map<Object, Object> map = new LinkedHashMap<>();
      for (int i = 0; i < keys.size(); i++) {
        map.put(Values.key(scope.value(keys.get(i))), scope.value(values.get(i)));
      }
      return map;
    }
  }

  record Attribute(Expression object, String name, int line) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Object value = scope.value(object);
      scope.budget().at(line);
      return Values.attribute(value, name);
    }
  }

  record Item(Expression object, Expression index, int line) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Object value = scope.value(object);
      Object at = scope.value(index);
      scope.budget().at(line);
      if (value instanceof String text) {
        scope.budget().text(text.length());
      }
      return Values.item(value, at);
    }
  }

  record Slice(Expression object, Expression start, Expression stop, Expression step, int line)
      implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Object value = scope.value(object);
      Object from = scope.value(start);
      Object to = scope.value(stop);
      Object by = scope.value(step);
      scope.budget().at(line);
      return Values.slice(value, from, to, by, scope.budget());
    }
  }

  /**
   * Arguments as written.
   *
   * @param positional by position
   * @param named by name
   * @param more an expression after *
   * @param moreNamed an expression after **
   */
  record Given(List<Expression> positional, Map<String, Expression> named, Optional<Expression> more,
      Optional<Expression> moreNamed) {
    static final Given NOTHING = new Given(List.of(), Map.of(), Optional.empty(), Optional.empty());

    Arguments evaluate(Scope scope) {
      List<Object> values = new ArrayList<>();
      positional.forEach(p -> values.add(scope.value(p)));
      Map<String, Object> byName = new LinkedHashMap<>();
      named.forEach((name, value) -> byName.put(name, scope.value(value)));
      more.ifPresent(m -> values.addAll(Values.list(scope.value(m), scope.budget())));
      moreNamed.ifPresent(m -> {
        if (!(scope.value(m) instanceof Map<?, ?> map)) {
          throw new Fault("** needs a mapping");
        }
        map.forEach((k, v) -> byName.put(Values.text(k, scope.budget()), v));
      });
      return new Arguments(values, byName, scope.budget());
    }
  }

  record Call(Expression function, Given given, int line) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Object callee = scope.value(function);
      scope.budget().at(line);
      if (callee instanceof Undefined undefined) {
        throw undefined.fault();
      }
      if (!(callee instanceof Function called)) {
        throw new Fault("%s cannot be called", Values.type(callee));
      }
      Arguments arguments = given.evaluate(scope);
      scope.budget().at(line);
      return called.call(arguments);
    }
  }

  record Filtered(Expression value, String filter, Given given, int line) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Object input = scope.value(value);
      Arguments arguments = given.evaluate(scope);
      scope.budget().at(line);
      if (input instanceof String text) {
        scope.budget().text(text.length());
      }
      return Filters.named(filter).apply(input, arguments);
    }
  }

  record Checked(Expression value, String check, Given given, int line) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Object input = scope.value(value);
      Arguments arguments = given.evaluate(scope);
      scope.budget().at(line);
      return Checks.named(check).holds(input, arguments);
    }
  }

  record Not(Expression value) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return !Values.truth(scope.value(value));
    }
  }

  record And(Expression left, Expression right) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Object value = scope.value(left);
      return Values.truth(value) ? scope.value(right) : value;
    }
  }

  record Or(Expression left, Expression right) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Object value = scope.value(left);
      return Values.truth(value) ? value : scope.value(right);
    }
  }

  record Choice(Expression condition, Expression yes, Expression no) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return scope.value(Values.truth(scope.value(condition)) ? yes : no);
    }
  }

  /** The value of an inline if without else whose condition fails. */
  record Nothing() implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return new Undefined("the inline if without else");
    }
  }

  /** What an operator does with its operands. */
  interface Operation {
    Object apply(Object left, Object right, Budget budget);
  }

  record Binary(Operation operation, Expression left, Expression right, int line) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Object a = scope.value(left);
      Object b = scope.value(right);
      scope.budget().at(line);
      return operation.apply(a, b, scope.budget());
    }
  }

  /** The operator ~: the texts of all parts, one after the other. */
  record Concatenation(List<Expression> parts) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Text text = new Text(scope.budget());
      parts.forEach(part -> text.append(Values.text(scope.value(part), scope.budget())));
      return text.toString();
    }
  }

  /** A chain of comparisons such as 1 < x <= 9: each operand is evaluated once, the first that fails decides. */
  record Comparison(Expression first, List<Operation> operations, List<Expression> others, int line)
      implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Object left = scope.value(first);
      Object result = true;
      for (int i = 0; i < others.size(); i++) {
        Object right = scope.value(others.get(i));
        scope.budget().at(line);
        result = operations.get(i).apply(left, right, scope.budget());
        if (!Values.truth(result)) {
          return result;
        }
        left = right;
      }
      return result;
    }
  }
}
