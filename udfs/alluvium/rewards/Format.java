package alluvium.rewards;

import java.util.regex.Pattern;

/**
 * Whether the whole completion has a form; what it says is not looked at. The dot matches line breaks too. A pattern
 * that reads more than 20 million characters of the completion is a TIMEOUT.
 *
 * @param pattern a java.util.regex pattern that must match from the first character to the last
 * @param right reward of the form
 * @param wrong reward of any other, < right
 */
public record Format(String pattern, double right, double wrong) implements Bounded {
  public Format {
    Outcome.check("Format", right, wrong);
    RegexAnswer.compile("Format.pattern", pattern);
  }

  @Override
  public Verdict verdict(Sample sample) {
    MeteredText completion = new MeteredText(sample.completion(), MeteredText.budget());
    try {
      return Pattern.compile(pattern, Pattern.DOTALL).matcher(completion).matches() ? Verdict.ok(right, "")
          : Verdict.ok(wrong, "another form");
    } catch (MeteredText.Exhausted e) {
      return Verdict.failed(Status.TIMEOUT, e.getMessage());
    }
  }
}
