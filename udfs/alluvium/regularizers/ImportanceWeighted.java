package alluvium.regularizers;

import ai.djl.ndarray.NDArray;
import alluvium.objectives.Ratios;
import alluvium.policies.TokenBatch;

/**
 * The estimator's value times the ratio of the live to the sampling policy, with gradient through both factors.
 *
 * <pre>  rho_t k_t,  rho_t = exp(clamp(logp_t - old_t, -20, 20)) </pre>
 *
 * Corrects the expectation for samples of an older policy. With K1 and K3 its mean gradient is exactly that of KL(pi ||
 * ref), also where rho = 1.
 */
public record ImportanceWeighted() implements KlGradient {
  @Override
  public NDArray terms(NDArray logRatio, KlEstimator estimator, TokenBatch batch) {
    return estimator.value(logRatio).mul(Ratios.ofTokens(batch));
  }
}
