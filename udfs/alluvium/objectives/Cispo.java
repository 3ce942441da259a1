package alluvium.objectives;

import static alluvium.tables.RecipeException.require;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import alluvium.policies.TokenBatch;

/**
 * CISPO's term: REINFORCE with a clipped importance weight, so that no token ever loses its gradient.
 *
 * <pre>  rho_t = exp(clamp(logp_t - old_t, -20, 20));   l_t = -sg[clip(rho_t, 1 - low, 1 + high)] A_t logp_t </pre>
 *
 * Inputs and result (B, T) float32, natural logs at the sampling temperature; sg: no gradient. rho = 1:
 * {@link PolicyGradient}. low >= 1: no lower bound, and {@link TruncatedImportance} with cap 1 + high. Where others
 * write min(rho, eps_max), eps_max is 1 + high.
 *
 * @see <a href="https://arxiv.org/abs/2506.13585">MiniMax 2025, MiniMax-M1</a>, eq. 4-5
 * @param low how far below 1 the weight may be, > 0; 1 or more switches the bound off, as the paper does
 * @param high how far above 1 the weight may be, > 0; 0.2 in a public run, tuned in the paper
 */
public record Cispo(float low, float high) implements Clipping {
  public Cispo {
    require(low > 0 && Float.isFinite(low), "Cispo.low must be > 0, got %s. 1 or more means no lower bound.", low);
    require(high > 0 && Float.isFinite(high), "Cispo.high must be > 0, got %s. The upper bound is 1 + high.", high);
  }

  @Override
  public NDArray terms(TokenBatch b) {
    NDArray weight = Ratios.ofTokens(b).stopGradient().clip(1 - low, 1 + high);
    return weight.mul(b.advantage()).mul(b.logp()).neg();
  }

  @Override
  public NDArray clipped(TokenBatch b) {
    NDArray ratio = Ratios.ofTokens(b).stopGradient();
    return ratio.gt(1 + high).logicalOr(ratio.lt(1 - low)).toType(DataType.FLOAT32, false);
  }
}
