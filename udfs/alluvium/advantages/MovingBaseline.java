package alluvium.advantages;

import static alluvium.tables.RecipeException.require;

import java.util.Arrays;

/**
 * REINFORCE's advantage with an exponential moving average of earlier iterations' rewards as its baseline.
 *
 * <pre>  A_i = r_i - b;   b' = decay b + (1 - decay) mean_batch(r) </pre>
 *
 * r: rewards, any unit, all finite; A: unit of r, same order. b never depends on the rewards it is compared with, so
 * the gradient is unbiased. No group is needed: a group of one and equal rewards get r - b like any other. An empty
 * batch leaves b as it is. decay = 0: the mean of the previous batch.
 *
 * @see <a href="https://doi.org/10.1007/BF00992696">Williams 1992, REINFORCE</a>, section 4 (reinforcement comparison)
 * @param decay share of the old baseline that stays, in [0, 1)
 * @param initial baseline of the first iteration; unit of r
 */
public record MovingBaseline(double decay, double initial) implements MovingAdvantage {
  public MovingBaseline {
    require(decay >= 0 && decay < 1, "MovingBaseline.decay must be in [0, 1), got %s. 0.9 remembers ten iterations.",
        decay);
    require(Double.isFinite(initial), "MovingBaseline.initial must be finite, got %s. 0 suits most rewards.", initial);
  }

  @Override
  public double[] advantages(double[] rewards, double carried) {
    return Arrays.stream(rewards).map(r -> r - carried).toArray();
  }

  @Override
  public double next(double carried, Moments batch) {
    return batch.count() == 0 ? carried : decay * carried + (1 - decay) * batch.mean();
  }

  @Override
  public String state() {
    return "moving_baseline";
  }
}
