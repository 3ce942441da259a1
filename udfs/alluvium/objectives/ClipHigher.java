package alluvium.objectives;

import ai.djl.ndarray.NDArray;
import alluvium.policies.TokenBatch;

/**
 * PPO's clipped surrogate with its own bound on each side, one term per completion token.
 *
 * <pre>
 *   rho_t = exp(clamp(logp_t - old_t, -20, 20))
 *   l_t = -min(rho_t A_t, clip(rho_t, 1 - low, 1 + high) A_t)
 * </pre>
 *
 * Inputs and result (B, T) float32, natural logs at the sampling temperature; the gradient flows through logp only. Not
 * masked, not summed. rho = 1: l = -A, with the gradient of {@link PolicyGradient}. low = high: PPO.
 *
 * @see <a href="https://arxiv.org/abs/1707.06347">Schulman et al. 2017, PPO</a>, eq. 7
 * @see <a href="https://arxiv.org/abs/2503.14476">Yu et al. 2025, DAPO</a>, section 3.1
 * @param low how far rho may fall below 1 with a gain, in (0, 1); 0.2 in both papers
 * @param high how far rho may rise above 1 with a gain, > 0; 0.2 in PPO, 0.28 in DAPO
 */
public record ClipHigher(float low, float high) implements Clipping {
  public ClipHigher {
    Bounds.check("ClipHigher", low, high);
  }

  @Override
  public NDArray terms(TokenBatch b) {
    NDArray rho = Ratios.ofTokens(b);
    NDArray free = rho.mul(b.advantage());
    NDArray clipped = rho.clip(1 - low, 1 + high).mul(b.advantage());
    return free.minimum(clipped).neg();
  }

  @Override
  public NDArray clipped(TokenBatch b) {
    return Ratios.clipped(Ratios.ofTokens(b), b.advantage(), low, high);
  }
}
