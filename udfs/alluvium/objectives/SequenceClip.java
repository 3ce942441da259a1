package alluvium.objectives;

import ai.djl.ndarray.NDArray;
import alluvium.policies.TokenBatch;

/**
 * GSPO's clipped surrogate: one ratio per completion, the geometric mean of its tokens' ratios.
 *
 * <pre>
 *   log s = 1/T sum_t m_t (logp_t - old_t);   s_t = exp(clamp(sg[log s] + logp_t - sg[logp_t], -20, 10))
 *   l_t = -min(s_t A_t, clip(s_t, 1 - low, 1 + high) A_t)
 * </pre>
 *
 * Inputs and result (B, T) float32, natural logs at the sampling temperature; m: mask, T: tokens that count, sg: no
 * gradient. Every s_t has the value s; with {@link alluvium.normalizers.PerSequence} the gradient is that of -min(s A,
 * clip(s) A), s A 1/T sum_t grad logp_t. T = 0: s = 1. T = 1: {@link ClipHigher}.
 *
 * @see <a href="https://arxiv.org/abs/2507.18071">Zheng et al. 2025, GSPO</a>, eq. 5 to 7, in the
 *     token form of eq. 13; the lower bound on log s is ours
 * @param low how far s may fall below 1 with a gain, in (0, 1); 3e-4 in the paper
 * @param high how far s may rise above 1 with a gain, > 0; 4e-4 in the paper
 */
public record SequenceClip(float low, float high) implements Clipping {
  public SequenceClip {
    Bounds.check("SequenceClip", low, high);
  }

  @Override
  public NDArray terms(TokenBatch b) {
    NDArray own = b.logp().sub(b.logp().stopGradient());              // 0, with the gradient of logp
    NDArray ratio = own.add(Ratios.logsOfSequences(b).stopGradient()).clip(-20, 10).exp();
    NDArray free = ratio.mul(b.advantage());
    NDArray clipped = ratio.clip(1 - low, 1 + high).mul(b.advantage());
    return free.minimum(clipped).neg();
  }

  @Override
  public NDArray clipped(TokenBatch b) {
    NDArray ratio = Ratios.logsOfSequences(b).clip(-20, 10).exp();
    return Ratios.clipped(ratio, b.advantage(), low, high);
  }
}
