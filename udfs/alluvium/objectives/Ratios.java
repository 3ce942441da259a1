package alluvium.objectives;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import alluvium.policies.TokenBatch;

/** How much more probable the live policy makes the sampled tokens than the policy that the update started from. */
public final class Ratios {
  /** Largest magnitude of a log-ratio: e^20 is 5e8, far from float32's limits even when squared. */
  private static final float BOUND = 20;

  private Ratios() {}

  /** rho_t = exp(clamp(logp_t - old_t, -20, 20)), (B, T); with gradient inside the bounds. */
  public static NDArray ofTokens(TokenBatch b) {
    return logs(b).clip(-BOUND, BOUND).exp();
  }

  /** log s = sum_t m_t (logp_t - old_t) / T, m: mask, T = sum_t m_t, (B, 1); 0 for a completion without tokens. */
  static NDArray logsOfSequences(TokenBatch b) {
    NDArray lengths = b.mask().sum(new int[] {1}, true).maximum(1);
    return logs(b).mul(b.mask()).sum(new int[] {1}, true).div(lengths);
  }

  /** (B, T): 1 where min(ratio A, clip(ratio) A) is the clipped one and has no slope, else 0. */
  static NDArray clipped(NDArray ratio, NDArray advantage, float low, float high) {
    NDArray still = ratio.stopGradient();
    NDArray above = still.gt(1 + high).logicalAnd(advantage.gt(0));
    NDArray below = still.lt(1 - low).logicalAnd(advantage.lt(0));
    return above.logicalOr(below).toType(DataType.FLOAT32, false);
  }

  private static NDArray logs(TokenBatch b) {
    return b.logp().sub(b.oldLogp());
  }
}
