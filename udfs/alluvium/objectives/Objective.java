package alluvium.objectives;

import ai.djl.ndarray.NDArray;
import alluvium.policies.TokenBatch;
import java.io.Serializable;

/** A loss per completion token, to be minimised. Terms are neither masked nor summed; the normalizer weighs them. */
public interface Objective extends Serializable {
  /** (B, T) float32; where the mask is 0 any finite number. */
  NDArray terms(TokenBatch batch);
}
