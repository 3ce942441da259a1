package alluvium.advantages;

import static alluvium.tables.RecipeException.require;

import java.util.Arrays;

/**
 * Advantage of each completion over its own group: z-scores of the rewards of one prompt's completions.
 *
 * <pre>  A_i = (r_i - mean(r)) / (std(r) + eps),  i = 1..G </pre>
 *
 * r: rewards, any unit, all finite; A: no unit, same order. std has divisor G - 1 (ours: the paper does not say). G = 1
 * or all rewards equal (max - min below 1e-12): every A_i is exactly 0. Adding a constant to all rewards changes
 * nothing; nor, up to eps, does scaling them. Without the division it is {@link DrGrpo}.
 *
 * @see <a href="https://arxiv.org/abs/2402.03300">Shao et al. 2024, DeepSeekMath</a>, section 4.1.2
 * @param eps keeps the quotient finite; unit of r, > 0; not published, 1e-6 is ours
 */
public record Grpo(double eps) implements GroupAdvantage {
  public Grpo {
    require(eps > 0 && Double.isFinite(eps), "Grpo.eps must be > 0 and finite, got %s. 1e-6 and 1e-4 are usual.", eps);
  }

  @Override
  public double[] advantages(double[] rewards) {
    if (Stats.degenerate(rewards)) {
      return new double[rewards.length];
    }
    double mean = Stats.mean(rewards);
    double scale = Stats.std(rewards) + eps;
    return Arrays.stream(rewards).map(r -> (r - mean) / scale).toArray();
  }
}
