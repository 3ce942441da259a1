package alluvium.objectives;

import ai.djl.ndarray.NDArray;
import alluvium.policies.TokenBatch;

/** An objective that stops the gradient of some tokens, or bounds its weight. */
public interface Clipping extends Objective {
  /** (B, T) float32: 1 where a bound is active, else 0. */
  NDArray clipped(TokenBatch batch);
}
