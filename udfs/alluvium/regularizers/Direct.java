package alluvium.regularizers;

import ai.djl.ndarray.NDArray;
import alluvium.policies.TokenBatch;

/** The gradient of the estimator's value as it stands, samples held fixed: of use with K2 and K3, nothing with K1. */
public record Direct() implements KlGradient {
  @Override
  public NDArray terms(NDArray logRatio, KlEstimator estimator, TokenBatch batch) {
    return estimator.value(logRatio);
  }
}
