package alluvium.regularizers;

import static alluvium.tables.RecipeException.require;

import ai.djl.ndarray.NDArray;
import alluvium.policies.TokenBatch;

/**
 * The divergence from the reference policy, estimated from the sampled tokens.
 *
 * <pre>  beta k(x_t),  x_t = clamp(logp_t - reference_t, -20, 20) </pre>
 *
 * Result (B, T) float32, nats times beta. A token impossible under the reference counts as x = 20, without gradient.
 * Equal policies: 0. beta = 0: 0, but the reference is still evaluated; leave it out of the list instead.
 *
 * @see <a href="https://arxiv.org/abs/2402.03300">Shao et al. 2024, DeepSeekMath</a>, eq. 4 (K3, Direct)
 * @param beta weight per nat, >= 0; 0.04 in DeepSeekMath
 * @param estimator what is reported
 * @param gradient what it does to the policy
 */
public record Kl(float beta, KlEstimator estimator, KlGradient gradient) implements Regularizer {
  private static final float BOUND = 20;

  public Kl {
    require(beta >= 0 && Float.isFinite(beta), "Kl.beta must be >= 0 and finite, got %s. 0.001 to 0.04 is usual.",
        beta);
  }

  @Override
  public NDArray terms(TokenBatch b) {
    NDArray logRatio = b.logp().sub(b.reference()).clip(-BOUND, BOUND);
    return gradient.terms(logRatio, estimator, b).mul(beta);
  }

  @Override
  public Needs needs() {
    return Needs.REFERENCE;
  }
}
