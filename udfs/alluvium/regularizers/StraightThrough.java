package alluvium.regularizers;

import ai.djl.ndarray.NDArray;
import alluvium.policies.TokenBatch;

/**
 * The value of one estimator with the gradient of another.
 *
 * <pre>  g - sg[g] + sg[k] </pre>
 *
 * k: the regularizer's estimator, g: this one, sg: no gradient. K3 with the gradient of K2 is an unbiased value with
 * the gradient of KL(pi || ref).
 *
 * @param gradientOf the estimator that is differentiated
 */
public record StraightThrough(KlEstimator gradientOf) implements KlGradient {
  @Override
  public NDArray terms(NDArray logRatio, KlEstimator estimator, TokenBatch batch) {
    NDArray slope = gradientOf.value(logRatio);
    return slope.sub(slope.stopGradient()).add(estimator.value(logRatio).stopGradient());
  }
}
