package alluvium.objectives;

import static alluvium.tables.RecipeException.require;

import ai.djl.ndarray.NDArray;
import alluvium.policies.TokenBatch;

/**
 * PPO's clipped surrogate whose loss is also bounded where the advantage is negative and the ratio large.
 *
 * <pre>  l_t = -min(rho_t A_t, clip(rho_t, 1 - low, 1 + high) A_t);   A_t < 0: l_t = min(l_t, -cap A_t) </pre>
 *
 * rho_t = exp(clamp(logp_t - old_t, -20, 20)). Inputs and result (B, T) float32, natural logs at the sampling
 * temperature; the gradient flows through logp only, and is 0 where the cap holds. cap to infinity: {@link ClipHigher}.
 *
 * @see <a href="https://arxiv.org/abs/1912.09729">Ye et al. 2020, Mastering complex control</a>, dual-clip PPO
 * @param low as in {@link ClipHigher}
 * @param high as in {@link ClipHigher}
 * @param cap largest ratio that still pushes a bad token down, >= 1 + high; 3 in the paper
 */
public record DualClip(float low, float high, float cap) implements Clipping {
  public DualClip {
    Bounds.check("DualClip", low, high);
    require(cap >= 1 + high, "DualClip.cap must be at least 1 + high = %s, got %s. The paper has 3.", 1 + high, cap);
  }

  @Override
  public NDArray terms(TokenBatch b) {
    NDArray rho = Ratios.ofTokens(b);
    NDArray free = rho.mul(b.advantage());
    NDArray clipped = rho.clip(1 - low, 1 + high).mul(b.advantage());
    NDArray worst = b.advantage().abs().mul(cap);           // a term with A >= 0 is never positive: it stays below this
    return free.minimum(clipped).neg().minimum(worst);
  }

  @Override
  public NDArray clipped(TokenBatch b) {
    return Ratios.clipped(Ratios.ofTokens(b), b.advantage(), low, high);
  }
}
