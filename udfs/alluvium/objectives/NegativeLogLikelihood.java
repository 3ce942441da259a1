package alluvium.objectives;

import ai.djl.ndarray.NDArray;
import alluvium.policies.TokenBatch;

/**
 * Supervised fine-tuning's term: the negative log-probability of each token, whatever its advantage.
 *
 * <pre>  l_t = -logp_t </pre>
 *
 * Result (B, T) float32, nats; the gradient flows through logp. Equals {@link PolicyGradient} with A = 1.
 *
 * @see <a href="https://arxiv.org/abs/2203.02155">Ouyang et al. 2022, InstructGPT</a>, section 3.5
 */
public record NegativeLogLikelihood() implements Objective {
  @Override
  public NDArray terms(TokenBatch b) {
    return b.logp().neg();
  }
}
