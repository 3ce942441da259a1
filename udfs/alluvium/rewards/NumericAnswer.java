package alluvium.rewards;

import static alluvium.tables.RecipeException.require;

import java.util.Optional;

/**
 * Whether the completion states the reference answer, compared as numbers.
 *
 * <pre>  right if |x - a| <= tolerance * max(1, |a|), else wrong </pre>
 *
 * x: the number after the last ####, or the one in the last \boxed{} where that comes later, else the last number of
 * the completion; a: the number read from the reference answer in the same way. {@link NumericValue} says what is a
 * number and how a percentage compares. A completion without a number is wrong: the policy failed. A reference without
 * one is UNPARSEABLE: nobody can be right.
 *
 * @param right reward of the same number
 * @param wrong reward of any other completion, < right
 * @param tolerance largest difference, absolute up to |a| = 1 and relative beyond; 0 compares exactly; >= 0
 */
public record NumericAnswer(double right, double wrong, double tolerance) implements Verifier, Bounded {
  public NumericAnswer {
    Outcome.check("NumericAnswer", right, wrong);
    require(tolerance >= 0 && Double.isFinite(tolerance), "NumericAnswer.tolerance must be >= 0 and finite, got %s",
        tolerance);
  }

  @Override
  public Verdict verdict(Sample sample) {
    Optional<NumericValue> reference = NumericValue.stated(sample.answer());
    if (reference.isEmpty()) {
      return Verdict.failed(Status.UNPARSEABLE,
          String.format("the reference answer holds no number: '%.40s'", sample.answer()));
    }
    Optional<NumericValue> stated = NumericValue.stated(sample.completion());
    if (stated.isEmpty()) {
      return Verdict.ok(wrong, "no number");
    }
    return stated.get().agrees(reference.get(), tolerance)
        ? Verdict.ok(right, String.format("%.40s", stated.get()))
        : Verdict.ok(wrong, String.format("%.40s, not %.40s", stated.get(), reference.get()));
  }
}
