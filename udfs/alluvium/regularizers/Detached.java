package alluvium.regularizers;

import ai.djl.ndarray.NDArray;
import alluvium.policies.TokenBatch;

/** No gradient: the divergence is reported with the loss and moves nothing. */
public record Detached() implements KlGradient {
  @Override
  public NDArray terms(NDArray logRatio, KlEstimator estimator, TokenBatch batch) {
    return estimator.value(logRatio).stopGradient();
  }
}
