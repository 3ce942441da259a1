package alluvium.rewards;

/** A reward with two outcomes: the completion is right or it is wrong. Accuracy is measured by these. */
public interface Verifier extends CompletionReward {
  /** The reward of a right completion. */
  double right();

  /** The reward of a wrong one, less than {@link #right}. */
  double wrong();
}
