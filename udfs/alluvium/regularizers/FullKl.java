package alluvium.regularizers;

import static alluvium.tables.RecipeException.require;

import ai.djl.ndarray.NDArray;
import alluvium.policies.TokenBatch;

/**
 * The divergence from the reference policy over the whole vocabulary at each position of the completion.
 *
 * <pre>  beta KL(pi(. | t) || ref(. | t)), or the other way round </pre>
 *
 * Result (B, T) float32, nats times beta; the gradient flows through every log-probability of the live policy. Logs are
 * cut off at -100, so 0 log 0 = 0 and an impossible token costs at most 100 nats. It is the divergence at the states
 * visited: how the policy changes them has no gradient here. Its mean over sampled tokens is that of K1 and K3. Equal
 * policies: 0.
 *
 * @param beta weight per nat, >= 0
 * @param direction which policy is averaged over
 */
public record FullKl(float beta, KlDirection direction) implements Regularizer {
  public FullKl {
    require(beta >= 0 && Float.isFinite(beta), "FullKl.beta must be >= 0 and finite, got %s. 0.001 to 0.04 is usual.",
        beta);
  }

  @Override
  public NDArray terms(TokenBatch b) {
    return direction.divergence(Logs.cutOff(b.full()), Logs.cutOff(b.fullReference())).mul(beta);
  }

  @Override
  public Needs needs() {
    return Needs.FULL_REFERENCE;
  }
}
