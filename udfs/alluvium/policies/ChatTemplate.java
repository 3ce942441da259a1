package alluvium.policies;

import alluvium.policies.jinja.Template;
import java.time.Clock;
import java.util.Map;

/**
 * A chat template in Jinja, rendered to the letter as transformers renders it: the first newline after a block and
 * blanks before a block go, and templates may use {@code raise_exception}, {@code strftime_now}, {@code tojson},
 * {@code break}, {@code continue} and {@code generation} blocks. Immutable, for any number of threads.
 *
 * <p>A template is hostile input: it sees only its variables, and loops, texts and nesting have bounds beyond which it
 * is refused. Not there: include, import, extends and block, markup escaping by {@code safe} and {@code escape}, and
 * integers beyond 64 bits.
 */
public final class ChatTemplate {
  private final Template template;
  private final Clock clock;

  /** Parses the source; a mistake in it is a DataException with its line. The time is the system's. */
  public ChatTemplate(String source) {
    this(source, Clock.systemDefaultZone());
  }

  /** Parses the source; {@code strftime_now} tells the clock's time. */
  public ChatTemplate(String source, Clock clock) {
    this.template = Template.parse(source);
    this.clock = clock;
  }

  /**
   * The text of the template for the variables: strings, numbers, truth values, lists and maps of them; an empty
   * Optional is Python's None. What fails, {@code raise_exception} included, is a DataException with its line.
   */
  public String render(Map<String, Object> variables) {
    return template.render(variables, clock);
  }
}
