package alluvium.advantages;

import java.util.Arrays;

/**
 * REINFORCE++-baseline's credit: the reward less the group's mean on every token, whitened over all tokens of the
 * update batch.
 *
 * <pre>  z_t = r_i - mean_group(r);   A_t = (z_t - mean(z)) / sqrt(var(z) + 1e-8) </pre>
 *
 * r: rewards of the group's completions, any unit; A: no unit, one per token. mean(z), var(z): over all tokens of the
 * batch, divisor n - 1, so long completions weigh more. A group of one or of equal rewards (max - min below 1e-12): z
 * is exactly 0, and A what the batch's mean makes of it. Fewer than two tokens in the batch or equal z: every A_t is
 * exactly 0. Adding a constant to all rewards changes nothing. Per-token rewards count through r alone.
 *
 * @see <a href="https://arxiv.org/abs/2501.03262">Hu et al. 2025, REINFORCE++</a>
 */
public record ReinforcePlusPlusBaseline() implements TokenAdvantage {
  @Override
  public double[] credit(double reward, double[] tokenValues, double[] groupRewards) {
    double[] credit = new double[tokenValues.length];
    if (!Stats.degenerate(groupRewards)) {
      Arrays.fill(credit, reward - Stats.mean(groupRewards));
    }
    return credit;
  }

  @Override
  public double[] advantages(double[] credit, Moments tokens) {
    return Whitening.whitened(credit, tokens);
  }
}
