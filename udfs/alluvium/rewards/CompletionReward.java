package alluvium.rewards;

/** A reward that judges each completion by itself. Pure: the same sample gives the same verdict. */
public interface CompletionReward extends Reward {
  Verdict verdict(Sample sample);
}
