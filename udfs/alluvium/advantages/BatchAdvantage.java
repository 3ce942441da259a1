package alluvium.advantages;

/** Credit of a completion against its group and against statistics of the whole update batch. */
public interface BatchAdvantage extends AdvantageEstimator {
  /**
   * One advantage per reward, same order; rewards are those of one group, batch those of every completion that
   * trains.
   */
  double[] advantages(double[] rewards, Moments batch);
}
