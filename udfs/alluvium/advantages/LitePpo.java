package alluvium.advantages;

import static alluvium.tables.RecipeException.require;

import java.util.Arrays;

/**
 * Advantage of each completion over its own group, in units of the spread of the rewards of the whole batch.
 *
 * <pre>  A_i = (r_i - mean_group(r)) / (std_batch(r) + eps) </pre>
 *
 * r: rewards, any unit, all finite; A: no unit, same order. std_batch: of all raw rewards that train (after the
 * selection: ours), divisor n - 1. A group of one or of equal rewards (max - min below 1e-12): every A_i is exactly 0.
 * Adding a constant to all rewards changes nothing. A batch of one group: {@link Grpo}.
 *
 * @see <a href="https://arxiv.org/abs/2508.08221">Liu et al. 2025, Tricks or traps</a>
 * @param eps keeps the quotient finite; unit of r, > 0; 1e-6 in the authors' framework
 */
public record LitePpo(double eps) implements BatchAdvantage {
  public LitePpo {
    require(eps > 0 && Double.isFinite(eps), "LitePpo.eps must be > 0 and finite, got %s. The usual value is 1e-6.",
        eps);
  }

  @Override
  public double[] advantages(double[] rewards, Moments batch) {
    if (Stats.degenerate(rewards)) {
      return new double[rewards.length];
    }
    double mean = Stats.mean(rewards);
    double scale = batch.std() + eps;
    return Arrays.stream(rewards).map(r -> (r - mean) / scale).toArray();
  }
}
