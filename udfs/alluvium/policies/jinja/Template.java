package alluvium.policies.jinja;

import alluvium.tables.DataException;
import java.time.Clock;
import java.util.List;
import java.util.Map;

/** A parsed template: immutable, for any number of threads. */
public final class Template {
  /** Longest source that is parsed. */
  static final int LONGEST = 1 << 20;

  private final List<Statement> statements;

  private Template(List<Statement> statements) {
    this.statements = statements;
  }

  /** Parses the source; a mistake in it is a DataException with its line. */
  public static Template parse(String source) {
    if (source.length() > LONGEST) {
      throw new DataException("the chat template has %s characters, more than %s", source.length(), LONGEST);
    }
    Lexer lexer = new Lexer(source);
    List<Token> tokens = located(lexer::tokens, lexer::line);
    Parser parser = new Parser(tokens);
    return new Template(located(parser::template, parser::line));
  }

  /** Renders with the variables, and the clock for strftime_now; what fails is a DataException with its line. */
  public String render(Map<String, Object> variables, Clock clock) {
    Budget budget = new Budget();
    return located(() -> {
      Scope globals = new Scope(budget);
      Globals.define(globals, clock);
      variables.forEach((name, value) -> globals.set(name, Values.of(value)));
      Scope scope = globals.inner();
      scope.run(statements);
      return scope.out().toString();
    }, budget::line);
  }

  /** A piece of work whose faults are reported with the line. */
  private interface Work<T> {
    T done();
  }

  /** The line that is being read. */
  private interface Line {
    int number();
  }

  private static <T> T located(Work<T> work, Line line) {
    try {
      return work.done();
    } catch (Fault fault) {
      throw new DataException(fault, "chat template, line %s: %s", line.number(), fault.getMessage());
    }
  }
}
