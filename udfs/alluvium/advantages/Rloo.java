package alluvium.advantages;

import java.util.Arrays;

/**
 * Advantage of each completion over the others of its group: the reward less the mean of the rewards of the rest.
 *
 * <pre>  A_i = r_i - 1/(G - 1) sum_{j != i} r_j = G/(G - 1) (r_i - mean(r)),  i = 1..G </pre>
 *
 * r: rewards, any unit, all finite; A: unit of r, same order, sum 0. G = 1 (undefined in the paper; ours) or all
 * rewards equal (max - min below 1e-12): every A_i is exactly 0. Adding a constant to all rewards changes nothing.
 *
 * @see <a href="https://arxiv.org/abs/2402.14740">Ahmadian et al. 2024, Back to basics</a>
 */
public record Rloo() implements GroupAdvantage {
  @Override
  public double[] advantages(double[] rewards) {
    if (Stats.degenerate(rewards)) {
      return new double[rewards.length];
    }
    double mean = Stats.mean(rewards);
    double factor = (double) rewards.length / (rewards.length - 1);
    return Arrays.stream(rewards).map(r -> factor * (r - mean)).toArray();
  }
}
