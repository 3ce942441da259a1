package alluvium.rewards;

import static alluvium.tables.RecipeException.require;

import alluvium.rollouts.KeyedSeed;

/**
 * A verifier that dies on a share of the right answers, for experiments on what failures do to training.
 *
 * <pre>  raises where the verifier says right and u(prompt, completion) < share,  u uniform in [0, 1) by hash </pre>
 *
 * Which answers it dies on is fixed by their text, as with a parser that some answers break: the same completion of the
 * same prompt fails each time. Everything else is the verifier's own verdict. It is no verifier itself, so accuracy is
 * never measured by it.
 *
 * @param verifier whose verdicts it gives
 * @param share of the distinct right answers that it dies on, 0 to 1
 */
public record Faulty(Verifier verifier, double share) implements CompletionReward {
  public Faulty {
    require(share >= 0 && share <= 1, "Faulty.share must be in [0, 1], got %s", share);
  }

  @Override
  public Verdict verdict(Sample sample) {
    Verdict verdict = verifier.verdict(sample);
    double u = (KeyedSeed.of(0, sample.prompt(), sample.completion()) >>> 11) * 0x1.0p-53;
    if (verdict.status() == Status.OK && verdict.value() == verifier.right() && u < share) {
      throw new IllegalStateException("the answer cannot be parsed");
    }
    return verdict;
  }
}
