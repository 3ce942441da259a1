package alluvium.objectives;

import ai.djl.ndarray.NDArray;
import alluvium.policies.TokenBatch;

/**
 * REINFORCE's term: the negative log-probability of each token, weighted by its advantage.
 *
 * <pre>  l_t = -A_t logp_t </pre>
 *
 * Inputs and result (B, T) float32, natural logs at the sampling temperature; the gradient flows through logp. With
 * {@link alluvium.normalizers.SequenceSum} its gradient is the unbiased one of the expected reward. A = 0: 0. Exact
 * only while the policy is still the one that sampled; otherwise see {@link TruncatedImportance}.
 *
 * @see <a href="https://doi.org/10.1007/BF00992696">Williams 1992, REINFORCE</a>, theorem 1
 */
public record PolicyGradient() implements Objective {
  @Override
  public NDArray terms(TokenBatch b) {
    return b.logp().mul(b.advantage()).neg();
  }
}
