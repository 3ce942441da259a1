package alluvium.rewards;

import static alluvium.tables.RecipeException.require;

/**
 * A penalty that grows with the length of a completion near the limit, to be added to the reward before advantages.
 *
 * <pre>  r = -penalty * clip((len - (maxLength - cache)) / cache, 0, 1) </pre>
 *
 * len: completion tokens, end-of-text included. What ended the completion does not matter: one that was cut at
 * maxLength has that length.
 *
 * @see <a href="https://arxiv.org/abs/2503.14476">Yu et al. 2025, DAPO</a>, section 3.4
 * @param maxLength tokens from which the penalty is whole
 * @param cache tokens over which it grows, 1 to maxLength
 * @param penalty the whole penalty, > 0
 */
public record SoftOverlong(int maxLength, int cache, double penalty) implements Bounded {
  public SoftOverlong {
    require(maxLength >= 1, "SoftOverlong.maxLength must be >= 1, got %s", maxLength);
    require(cache >= 1 && cache <= maxLength, "SoftOverlong.cache must be in 1..maxLength = %s, got %s", maxLength,
        cache);
    require(penalty > 0 && Double.isFinite(penalty), "SoftOverlong.penalty must be > 0 and finite, got %s", penalty);
  }

  @Override
  public Verdict verdict(Sample sample) {
    int over = Math.min(sample.length(), maxLength) - (maxLength - cache);
    return over <= 0 ? Verdict.ok(0, "") : Verdict.ok(-penalty * over / cache, sample.length() + " tokens");
  }
}
