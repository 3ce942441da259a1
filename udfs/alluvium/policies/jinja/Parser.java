package alluvium.policies.jinja;

import alluvium.policies.jinja.Expression.Given;
import alluvium.policies.jinja.Expression.Operation;
import alluvium.policies.jinja.Scope.Flow;
import alluvium.policies.jinja.Statement.Target;
import alluvium.policies.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Makes statements of a template's words, by recursive descent with Jinja's precedence of operators. */
final class Parser {
  private static final int DEPTH = 100;
  private static final Set<String> RESERVED =
      Set.of("true", "false", "none", "True", "False", "None", "and", "or", "not", "in", "is", "if", "else", "elif",
          "for");
  private static final Map<String, Operation> COMPARISONS = Map.of(
      "==", Values::equal,
      "!=", (a, b, budget) -> !Values.equal(a, b, budget),
      "<", (a, b, budget) -> Values.compare(a, b, budget) < 0,
      "<=", (a, b, budget) -> Values.compare(a, b, budget) <= 0,
      ">", (a, b, budget) -> Values.compare(a, b, budget) > 0,
      ">=", (a, b, budget) -> Values.compare(a, b, budget) >= 0);
  private static final Map<String, Operation> SUMS =
      Map.of("+", Numbers::add, "-", (a, b, budget) -> Numbers.subtract(a, b));
  private static final Map<String, Operation> PRODUCTS = Map.of(
      "*", Numbers::multiply,
      "/", (a, b, budget) -> Numbers.divide(a, b),
      "//", (a, b, budget) -> Numbers.floorDivide(a, b),
      "%", Numbers::modulo);
  private static final Map<String, Operation> POWERS = Map.of("**", (a, b, budget) -> Numbers.power(a, b));

  private final List<Token> tokens;
  private int position;
  private int depth;
  private int loops;
  private Set<String> names = new HashSet<>();

  Parser(List<Token> tokens) {
    this.tokens = tokens;
  }

  int line() {
    return current().line();
  }

  List<Statement> template() {
    return statements();
  }

  private Token current() {
    return tokens.get(position);
  }

  private Token next() {
    return tokens.get(position == tokens.size() - 1 ? position : position++);
  }

  private boolean skipName(String name) {
    boolean there = current().name(name);
    position += there ? 1 : 0;
    return there;
  }

  private boolean skip(String operator) {
    boolean there = current().operator(operator);
    position += there ? 1 : 0;
    return there;
  }

  private void expect(String operator) {
    if (!skip(operator)) {
      throw new Fault("expected '%s', got %s", operator, current().shown());
    }
  }

  private void expectName(String name) {
    if (!skipName(name)) {
      throw new Fault("expected '%s', got %s", name, current().shown());
    }
  }

  private Token expect(Kind kind) {
    if (current().kind() != kind) {
      throw new Fault("expected %s, got %s", kind == Kind.NAME ? "a name" : new Token(kind, "", 0).shown(),
          current().shown());
    }
    return next();
  }

  private void deeper() {
    if (++depth > DEPTH) {
      throw new Fault("the template nests deeper than %s", DEPTH);
    }
  }

  /** Statements up to the tag of one of the names, whose name is the next word; up to the end when there are none. */
  private List<Statement> statements(String... ends) {
    deeper();
    List<Statement> statements = new ArrayList<>();
    while (current().kind() != Kind.END) {
      Token token = next();
      if (token.kind() == Kind.DATA) {
        statements.add(new Statement.Data(token.text()));
      } else if (token.kind() == Kind.VARIABLE_BEGIN) {
        statements.add(new Statement.Output(tuple(), token.line()));
        expect(Kind.VARIABLE_END);
      } else if (List.of(ends).contains(current().text()) && current().kind() == Kind.NAME) {
        depth--;
        return statements;
      } else {
        statements.add(statement());
        expect(Kind.BLOCK_END);
      }
    }
    if (ends.length > 0) {
      throw new Fault("the template ends where %s is expected", String.join(" or ", ends));
    }
    depth--;
    return statements;
  }

  private Statement statement() {
    Token tag = expect(Kind.NAME);
    return switch (tag.text()) {
      case "if" -> conditional(tag.line());
      case "for" -> loop(tag.line());
      case "set" -> assignment(tag.line());
      case "macro" -> macro();
      case "call" -> callBlock(tag.line());
      case "filter" -> filterBlock(tag.line());
      case "with" -> with(tag.line());
      case "generation" -> generation(tag.line());
      case "break" -> jump(Flow.BREAK);
      case "continue" -> jump(Flow.CONTINUE);
      default -> throw new Fault("unknown or misplaced tag '%s'", tag.text());
    };
  }

  private List<Statement> body(String... ends) {
    expect(Kind.BLOCK_END);
    return statements(ends);
  }

  private Statement conditional(int line) {
    List<Expression> conditions = new ArrayList<>();
    List<List<Statement>> bodies = new ArrayList<>();
    List<Statement> otherwise = List.of();
    conditions.add(plainTuple());
    bodies.add(body("elif", "else", "endif"));
    while (skipName("elif")) {
      conditions.add(plainTuple());
      bodies.add(body("elif", "else", "endif"));
    }
    if (skipName("else")) {
      otherwise = body("endif");
    }
    expectName("endif");
    return new Statement.If(conditions, bodies, otherwise, line);
  }

  private Statement loop(int line) {
    Target target = target();
    expectName("in");
    Expression iterable = plainTuple();
    Optional<Expression> condition = skipName("if") ? Optional.of(expression()) : Optional.empty();
    Statement.For.Recursion recursion =
        skipName("recursive") ? Statement.For.Recursion.BY_CALL : Statement.For.Recursion.NONE;
    loops++;
    List<Statement> body = body("endfor", "else");
    loops--;
    List<Statement> otherwise = skipName("else") ? body("endfor") : List.of();
    expectName("endfor");
    return new Statement.For(target, iterable, condition, body, otherwise, recursion, line);
  }

  private Statement jump(Flow flow) {
    if (loops == 0) {
      throw new Fault("break and continue belong inside a for");
    }
    return new Statement.Jump(flow);
  }

  private Statement assignment(int line) {
    Target target = target();
    if (skip("=")) {
      return new Statement.Set(target, tuple(), line);
    }
    Filters.Chain filters = filters();
    List<Statement> body = body("endset");
    expectName("endset");
    return new Statement.SetBlock(target, body, filters, line);
  }

  private Filters.Chain filters() {
    List<Filters.Step> steps = new ArrayList<>();
    while (skip("|")) {
      steps.add(step());
    }
    return new Filters.Chain(steps);
  }

  private Filters.Step step() {
    Token name = expect(Kind.NAME);
    return new Filters.Step(name.text(), current().operator("(") ? given() : Given.NOTHING, name.line());
  }

  private Statement filterBlock(int line) {
    List<Filters.Step> steps = new ArrayList<>(List.of(step()));
    steps.addAll(filters().steps());
    List<Statement> body = body("endfilter");
    expectName("endfilter");
    return new Statement.FilterBlock(body, new Filters.Chain(steps), line);
  }

  private Statement with(int line) {
    List<Target> targets = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (current().kind() != Kind.BLOCK_END) {
      if (!targets.isEmpty()) {
        expect(",");
      }
      targets.add(target());
      expect("=");
      values.add(expression());
    }
    List<Statement> body = body("endwith");
    expectName("endwith");
    return new Statement.With(targets, values, body, line);
  }

  /** The mark that trainers use to tell the assistant's words; the text is that of its body. */
  private Statement generation(int line) {
    int outer = loops;
    loops = 0;
    List<Statement> body = body("endgeneration");
    expectName("endgeneration");
    loops = outer;
    return new Statement.With(List.of(), List.of(), body, line);
  }

  private Statement macro() {
    Token name = expect(Kind.NAME);
    return new Statement.MacroDefinition(form(name.text(), "endmacro"));
  }

  private Statement callBlock(int line) {
    Optional<Parameters> parameters = current().operator("(") ? Optional.of(parameters()) : Optional.empty();
    if (!(unary() instanceof Expression.Call call)) {
      throw new Fault("a call block needs a call");
    }
    return new Statement.CallBlock(call, form("caller", parameters.orElse(Parameters.NONE), "endcall"), line);
  }

  /** Names and default values of a macro's parameters. */
  private record Parameters(List<String> names, List<Optional<Expression>> defaults) {
    static final Parameters NONE = new Parameters(List.of(), List.of());
  }

  private Macro.Form form(String name, String end) {
    Set<String> outer = names;
    names = new HashSet<>();
    Macro.Form form = form(name, parameters(), end);
    names.addAll(outer);
    return form;
  }

  private Macro.Form form(String name, Parameters parameters, String end) {
    int outer = loops;
    loops = 0;
    Set<String> before = names;
    names = new HashSet<>(before);
    List<Statement> body = body(end);
    expectName(end);
    loops = outer;
    return new Macro.Form(name, parameters.names(), parameters.defaults(), body, Set.copyOf(names));
  }

  private Parameters parameters() {
    List<String> parameters = new ArrayList<>();
    List<Optional<Expression>> defaults = new ArrayList<>();
    expect("(");
    while (!skip(")")) {
      if (!parameters.isEmpty()) {
        expect(",");
      }
      parameters.add(assignable());
      boolean optional = skip("=");
      if (!optional && !defaults.isEmpty() && defaults.get(defaults.size() - 1).isPresent()) {
        throw new Fault("a parameter without default follows one with a default");
      }
      defaults.add(optional ? Optional.of(expression()) : Optional.empty());
    }
    return new Parameters(parameters, defaults);
  }

  private String assignable() {
    Token name = expect(Kind.NAME);
    if (RESERVED.contains(name.text())) {
      throw new Fault("'%s' cannot be assigned to", name.text());
    }
    return name.text();
  }

  private Target target() {
    deeper();
    List<Target> targets = new ArrayList<>();
    boolean several = false;
    do {
      if (current().name("in") || current().operator("=") || current().operator(")")) {
        break;
      }
      targets.add(oneTarget());
      several |= current().operator(",");
    } while (skip(","));
    depth--;
    if (targets.isEmpty()) {
      throw new Fault("expected a name, got %s", current().shown());
    }
    return several ? new Statement.TupleTarget(targets) : targets.get(0);
  }

  private Target oneTarget() {
    if (skip("(")) {
      Target target = target();
      expect(")");
      return target;
    }
    String name = assignable();
    return skip(".") ? new Statement.AttributeTarget(name, expect(Kind.NAME).text()) : new Statement.NameTarget(name);
  }

  private Expression tuple() {
    return tuple(Optional.empty(), this::expression);
  }

  /** An expression where a following if has another meaning. */
  private Expression plainTuple() {
    return tuple(Optional.empty(), this::or);
  }

  /** What a level of the grammar reads. */
  private interface Level {
    Expression read();
  }

  private Expression tuple(Optional<Expression> whenEmpty, Level item) {
    List<Expression> items = new ArrayList<>();
    boolean several = false;
    while (!tupleEnds()) {
      items.add(item.read());
      if (!skip(",")) {
        break;
      }
      several = true;
    }
    if (items.isEmpty()) {
      return whenEmpty.orElseThrow(() -> new Fault("expected an expression, got %s", current().shown()));
    }
    return several ? new Expression.Group(new Expression.Items(items)) : items.get(0);
  }

  private boolean tupleEnds() {
    Kind kind = current().kind();
    return kind == Kind.VARIABLE_END || kind == Kind.BLOCK_END || current().operator(")") || current().name("in")
        || current().name("recursive") && tokens.get(position + 1).kind() == Kind.BLOCK_END;
  }

  private Expression expression() {
    deeper();
    Expression value = or();
    while (skipName("if")) {
      Expression condition = or();
      Expression no = skipName("else") ? expression() : new Expression.Nothing();
      value = new Expression.Choice(condition, value, no);
    }
    depth--;
    return value;
  }

  private Expression or() {
    Expression left = and();
    while (skipName("or")) {
      left = new Expression.Or(left, and());
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (skipName("and")) {
      left = new Expression.And(left, not());
    }
    return left;
  }

  private Expression not() {
    if (current().name("not") && !tokens.get(position + 1).name("in")) {
      deeper();
      position++;
      Expression value = new Expression.Not(not());
      depth--;
      return value;
    }
    return comparison();
  }

  private Expression comparison() {
    int line = line();
    Expression first = sum();
    List<Operation> operations = new ArrayList<>();
    List<Expression> others = new ArrayList<>();
    while (true) {
      if (current().kind() == Kind.OPERATOR && COMPARISONS.containsKey(current().text())) {
        operations.add(COMPARISONS.get(next().text()));
      } else if (skipName("in")) {
        operations.add((a, b, budget) -> Values.contains(b, a, budget));
      } else if (current().name("not") && tokens.get(position + 1).name("in")) {
        position += 2;
        operations.add((a, b, budget) -> !Values.contains(b, a, budget));
      } else {
        return others.isEmpty() ? first : new Expression.Comparison(first, operations, others, line);
      }
      others.add(sum());
    }
  }

  private Expression sum() {
    return chain(SUMS, this::concatenation);
  }

  private Expression chain(Map<String, Operation> operations, Level operand) {
    Expression left = operand.read();
    while (current().kind() == Kind.OPERATOR && operations.containsKey(current().text())) {
      Token operator = next();
      left = new Expression.Binary(operations.get(operator.text()), left, operand.read(), operator.line());
    }
    return left;
  }

  private Expression concatenation() {
    List<Expression> parts = new ArrayList<>(List.of(product()));
    while (skip("~")) {
      parts.add(product());
    }
    return parts.size() == 1 ? parts.get(0) : new Expression.Concatenation(parts);
  }

  private Expression product() {
    return chain(PRODUCTS, () -> chain(POWERS, this::unary));
  }

  private Expression unary() {
    return filtered(signed());
  }

  private Expression signed() {
    int line = line();
    if (current().operator("-") || current().operator("+")) {
      boolean minus = next().operator("-");
      deeper();
      Expression operand = signed();
      depth--;
      Operation sign = minus ? (a, b, budget) -> Numbers.negate(a) : (a, b, budget) -> Numbers.plus(a);
      return postfix(new Expression.Binary(sign, operand, new Expression.Literal(None.NONE), line));
    }
    return postfix(primary());
  }

  private Expression primary() {
    Token token = next();
    return switch (token.kind()) {
      case NAME -> name(token.text());
      case STRING -> string(token);
      case INTEGER -> integer(token);
      case FLOAT -> new Expression.Literal(Double.parseDouble(token.text()));
      case OPERATOR -> bracketed(token);
      default -> throw unexpected(token);
    };
  }

  private static Expression integer(Token token) {
    return new Expression.Literal(Globals.parsed(token.text(), 0)
        .orElseThrow(() -> new Fault("the integer %s does not fit in 64 bits", token.text())));
  }

  private Fault unexpected(Token token) {
    position = Math.max(0, tokens.indexOf(token));
    return new Fault("unexpected %s", token.shown());
  }

  private Expression name(String name) {
    names.add(name);
    return switch (name) {
      case "true", "True" -> new Expression.Literal(true);
      case "false", "False" -> new Expression.Literal(false);
      case "none", "None" -> new Expression.Literal(None.NONE);
      case "and", "or", "not", "in", "is", "if", "else", "elif", "for" ->
          throw new Fault("expected an expression, got '%s'", name);
      default -> new Expression.Name(name);
    };
  }

  private Expression string(Token first) {
    StringBuilder text = new StringBuilder(first.text());
    while (current().kind() == Kind.STRING) {
      text.append(next().text());
    }
    return new Expression.Literal(text.toString());
  }

  private Expression bracketed(Token token) {
    if (token.operator("(")) {
      Expression group = tuple(Optional.of(new Expression.Group(new Expression.Items(List.of()))), this::expression);
      expect(")");
      return group;
    }
    if (token.operator("[")) {
      List<Expression> items = new ArrayList<>();
      while (!skip("]")) {
        items.add(expression());
        if (!current().operator("]")) {
          expect(",");
        }
      }
      return new Expression.Items(items);
    }
    if (token.operator("{")) {
      return mapping();
    }
    throw unexpected(token);
  }

  private Expression mapping() {
    List<Expression> keys = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (!skip("}")) {
      keys.add(expression());
      expect(":");
      values.add(expression());
      if (!current().operator("}")) {
        expect(",");
      }
    }
    return new Expression.Pairs(keys, values);
  }

  private Expression postfix(Expression start) {
    Expression value = start;
    while (true) {
      int line = line();
      if (skip(".")) {
        Token name = next();
        if (name.kind() != Kind.NAME && name.kind() != Kind.INTEGER) {
          throw unexpected(name);
        }
        value = name.kind() == Kind.NAME ? new Expression.Attribute(value, name.text(), line)
            : new Expression.Item(value, integer(name), line);
      } else if (skip("[")) {
        value = subscript(value, line);
      } else if (current().operator("(")) {
        value = new Expression.Call(value, given(), line);
      } else {
        return value;
      }
    }
  }

  private Expression subscript(Expression value, int line) {
    List<Expression> bounds = new ArrayList<>();
    Expression absent = new Expression.Literal(None.NONE);
    bounds.add(current().operator(":") ? absent : expression());
    if (skip("]")) {
      return new Expression.Item(value, bounds.get(0), line);
    }
    for (int i = 0; i < 2 && skip(":"); i++) {
      bounds.add(current().operator(":") || current().operator("]") ? absent : expression());
    }
    expect("]");
    return new Expression.Slice(value, bounds.get(0), bounds.get(1), bounds.size() > 2 ? bounds.get(2) : absent, line);
  }

  private Expression filtered(Expression start) {
    Expression value = start;
    while (true) {
      int line = line();
      if (skip("|")) {
        Filters.Step step = step();
        value = new Expression.Filtered(value, step.name(), step.given(), step.line());
      } else if (skipName("is")) {
        value = check(value, line);
      } else if (current().operator("(")) {
        value = new Expression.Call(value, given(), line);
      } else {
        return value;
      }
    }
  }

  private Expression check(Expression value, int line) {
    boolean negated = skipName("not");
    String name = expect(Kind.NAME).text();
    Given given = Given.NOTHING;
    Token token = current();
    if (token.operator("(")) {
      given = given();
    } else if (token.kind() == Kind.STRING || token.kind() == Kind.INTEGER || token.kind() == Kind.FLOAT
        || token.operator("[") || token.operator("{")
        || token.kind() == Kind.NAME && !Set.of("else", "or", "and", "if", "is", "in", "not").contains(token.text())) {
      given = new Given(List.of(postfix(primary())), Map.of(), Optional.empty(), Optional.empty());
    }
    Expression check = new Expression.Checked(value, name, given, line);
    return negated ? new Expression.Not(check) : check;
  }

  private Given given() {
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> named = new LinkedHashMap<>();
    Optional<Expression> more = Optional.empty();
    Optional<Expression> moreNamed = Optional.empty();
    deeper();
    expect("(");
    while (!skip(")")) {
      if (skip("*")) {
        more = Optional.of(expression());
      } else if (skip("**")) {
        moreNamed = Optional.of(expression());
      } else if (current().kind() == Kind.NAME && tokens.get(position + 1).operator("=")) {
        String name = next().text();
        position++;
        named.put(name, expression());
      } else if (!named.isEmpty() || more.isPresent() || moreNamed.isPresent()) {
        throw new Fault("arguments by position come before those by name");
      } else {
        positional.add(expression());
      }
      if (!current().operator(")")) {
        expect(",");
      }
    }
    depth--;
    return new Given(positional, named, more, moreNamed);
  }
}
