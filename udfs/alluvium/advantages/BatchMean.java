package alluvium.advantages;

import java.util.Arrays;

/**
 * REINFORCE's advantage with the mean reward of the update batch as its baseline.
 *
 * <pre>  A_i = r_i - mean_batch(r) </pre>
 *
 * r: rewards, any unit, all finite; A: unit of r, same order. A batch of one, or of equal rewards (standard deviation
 * below 1e-12): every A_i is exactly 0. Adding a constant to all rewards changes nothing. A batch of one group:
 * {@link DrGrpo}.
 *
 * @see <a href="https://doi.org/10.1007/BF00992696">Williams 1992, REINFORCE</a>, section 4; the batch mean is ours
 */
public record BatchMean() implements BatchAdvantage {
  @Override
  public double[] advantages(double[] rewards, Moments batch) {
    if (batch.std() < Stats.EQUAL) {
      return new double[rewards.length];
    }
    return Arrays.stream(rewards).map(r -> r - batch.mean()).toArray();
  }
}
