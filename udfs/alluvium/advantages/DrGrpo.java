package alluvium.advantages;

import java.util.Arrays;

/**
 * Advantage of each completion over its own group: the reward less the group's mean, not divided by its spread.
 *
 * <pre>  A_i = r_i - mean(r),  i = 1..G </pre>
 *
 * r: rewards, any unit, all finite; A: unit of r, same order. G = 1 or all rewards equal (max - min below 1e-12): every
 * A_i is exactly 0. Adding a constant to all rewards changes nothing. Times G / (G - 1) it is {@link Rloo}.
 *
 * @see <a href="https://arxiv.org/abs/2503.20783">Liu et al. 2025, Understanding R1-Zero-like training</a>, section 3.2
 */
public record DrGrpo() implements GroupAdvantage {
  @Override
  public double[] advantages(double[] rewards) {
    if (Stats.degenerate(rewards)) {
      return new double[rewards.length];
    }
    double mean = Stats.mean(rewards);
    return Arrays.stream(rewards).map(r -> r - mean).toArray();
  }
}
