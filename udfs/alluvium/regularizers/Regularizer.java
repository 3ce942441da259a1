package alluvium.regularizers;

import ai.djl.ndarray.NDArray;
import alluvium.policies.TokenBatch;
import java.io.Serializable;

/** A penalty per completion token, added to the objective's terms before they are weighed. */
public interface Regularizer extends Serializable {
  /** (B, T) float32, its coefficient included; where the mask is 0 any finite number. */
  NDArray terms(TokenBatch batch);

  /** What the terms look at besides the live policy's log-probabilities of the sampled tokens. */
  Needs needs();

  /** What a regularizer looks at. FULL is the live vocabulary distribution, FULL_REFERENCE the reference's as well. */
  enum Needs { NOTHING, REFERENCE, FULL, FULL_REFERENCE }
}
