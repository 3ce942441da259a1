package alluvium.advantages;

/** Credit per token, standardised over all tokens of the update batch. */
public interface TokenAdvantage extends AdvantageEstimator {
  /**
   * Raw credit of each token of one completion.
   *
   * @param reward the completion's aggregated reward
   * @param tokenValues weighted per-token rewards, already a part of reward; one per token, zeros where there are none
   * @param groupRewards aggregated rewards of the completion's group
   */
  double[] credit(double reward, double[] tokenValues, double[] groupRewards);

  /** The advantages of raw credits, given their moments over all tokens of the batch. */
  double[] advantages(double[] credit, Moments tokens);
}
