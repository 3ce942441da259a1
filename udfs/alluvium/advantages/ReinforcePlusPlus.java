package alluvium.advantages;

import static alluvium.tables.RecipeException.require;

import java.util.Arrays;

/**
 * REINFORCE++'s credit: the discounted return from each token on, whitened over all tokens of the update batch.
 *
 * <pre>
 *   q_t = v_t + [t = T] (r - sum(v));   R_t = q_t + gamma R_{t+1}
 *   A_t = (R_t - mean(R)) / sqrt(var(R) + 1e-8)
 * </pre>
 *
 * r: the completion's reward, v: the part of it that falls on single tokens (such as -beta times the log-ratio to the
 * reference), so r - sum(v) is what the outcome earns at the last token; A: no unit, one per token. var has divisor n -
 * 1. No token: no credit. Fewer than two tokens in the batch or equal returns: every A_t is exactly 0. v = 0 and gamma
 * = 1: every token of a completion has the credit r; then r to a r + b with a > 0 changes nothing, up to the guard.
 *
 * @see <a href="https://arxiv.org/abs/2501.03262">Hu et al. 2025, REINFORCE++</a>
 * @param gamma discount per token, in (0, 1]; 1 in the paper
 */
public record ReinforcePlusPlus(double gamma) implements TokenAdvantage {
  public ReinforcePlusPlus {
    require(gamma > 0 && gamma <= 1, "ReinforcePlusPlus.gamma must be in (0, 1], got %s. The paper has 1.", gamma);
  }

  @Override
  public double[] credit(double reward, double[] tokenValues, double[] groupRewards) {
    double[] credit = new double[tokenValues.length];
    double next = reward - Arrays.stream(tokenValues).sum();
    for (int t = credit.length - 1; t >= 0; t--) {
      credit[t] = tokenValues[t] + (t == credit.length - 1 ? next : gamma * next);
      next = credit[t];
    }
    return credit;
  }

  @Override
  public double[] advantages(double[] credit, Moments tokens) {
    return Whitening.whitened(credit, tokens);
  }
}
