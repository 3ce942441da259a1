package alluvium.rewards;

import java.util.regex.Pattern;

/**
 * Whether the whole completion is the reference answer, letter for letter, case included. Blanks around either are cut
 * and every run of blanks within counts as one. A task without an answer is UNPARSEABLE.
 *
 * @param right reward of the same text
 * @param wrong reward of any other, < right
 */
public record ExactAnswer(double right, double wrong) implements Verifier, Bounded {
  private static final Pattern BLANKS = Pattern.compile("(?U)\\s++");

  public ExactAnswer {
    Outcome.check("ExactAnswer", right, wrong);
  }

  @Override
  public Verdict verdict(Sample sample) {
    String reference = collapse(sample.answer());
    if (reference.isEmpty()) {
      return Verdict.failed(Status.UNPARSEABLE, "the task has no reference answer");
    }
    String completion = collapse(sample.completion());
    return completion.equals(reference) ? Verdict.ok(right, "")
        : Verdict.ok(wrong, String.format("'%.40s', not '%.40s'", completion, reference));
  }

  static String collapse(String text) {
    return BLANKS.matcher(text).replaceAll(" ").strip();
  }
}
