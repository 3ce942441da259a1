package alluvium.objectives;

import static alluvium.tables.RecipeException.require;

import ai.djl.ndarray.NDArray;
import alluvium.policies.TokenBatch;

/**
 * REINFORCE's term for a policy that has moved on since it sampled: a truncated importance weight per token.
 *
 * <pre>  rho_t = exp(clamp(logp_t - old_t, -20, 20));   l_t = -sg[min(rho_t, cap)] A_t logp_t </pre>
 *
 * Inputs and result (B, T) float32, natural logs at the sampling temperature; sg: no gradient, so it flows through the
 * last factor alone and no token loses its own. rho = 1 and cap >= 1: {@link PolicyGradient}.
 *
 * @see <a href="https://doi.org/10.1198/106186008X320456">Ionides 2008, Truncated importance sampling</a>
 * @param cap largest weight, > 0; 2 is ours
 */
public record TruncatedImportance(float cap) implements Objective {
  public TruncatedImportance {
    require(cap > 0, "TruncatedImportance.cap must be > 0, got %s. 2 is usual.", cap);
  }

  @Override
  public NDArray terms(TokenBatch b) {
    NDArray weight = Ratios.ofTokens(b).stopGradient().minimum(cap);
    return weight.mul(b.advantage()).mul(b.logp()).neg();
  }
}
