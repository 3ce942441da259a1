package alluvium.rewards;

/** A reward per token from the log-probabilities of the sampling policy and of the recipe's reference policy. */
public interface ReferenceReward extends Reward {
  /** One value per completion token; inputs are natural logs at the sampling temperature, same length. */
  double[] values(double[] sampled, double[] reference);
}
