package alluvium.regularizers;

import ai.djl.ndarray.NDArray;
import alluvium.policies.TokenBatch;
import java.io.Serializable;

/**
 * Where the gradient of a sampled divergence flows. An estimator's value and what its gradient pulls at are two
 * choices: differentiated as they stand on samples of pi, k1 has the gradient 0, k2 that of KL(pi || ref), k3 that of
 * KL(ref || pi).
 */
public interface KlGradient extends Serializable {
  /** (B, T) float32, the estimator's value at x = logp - reference, with this gradient. */
  NDArray terms(NDArray logRatio, KlEstimator estimator, TokenBatch batch);
}
