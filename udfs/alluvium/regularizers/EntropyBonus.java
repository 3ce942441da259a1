package alluvium.regularizers;

import static alluvium.tables.RecipeException.require;

import ai.djl.ndarray.NDArray;
import alluvium.policies.TokenBatch;

/**
 * A reward for uncertainty: the entropy of the next-token distribution at each position, with a minus sign.
 *
 * <pre>  -coefficient H_t,  H_t = -sum_v pi(v) log pi(v) </pre>
 *
 * Result (B, T) float32, nats times the coefficient; the gradient flows through every log-probability. Logs are cut off
 * at -100, so 0 log 0 = 0. Like every penalty it is averaged by the recipe's normalizer.
 *
 * @see <a href="https://arxiv.org/abs/1707.06347">Schulman et al. 2017, PPO</a>, eq. 9
 * @param coefficient weight per nat; negative values penalise entropy
 */
public record EntropyBonus(float coefficient) implements Regularizer {
  public EntropyBonus {
    require(Float.isFinite(coefficient), "EntropyBonus.coefficient must be finite, got %s. 0.001 to 0.01 is usual.",
        coefficient);
  }

  @Override
  public NDArray terms(TokenBatch b) {
    NDArray logs = Logs.cutOff(b.full());
    return logs.exp().mul(logs).sum(new int[] {2}).mul(coefficient);
  }

  @Override
  public Needs needs() {
    return Needs.FULL;
  }
}
