package alluvium.advantages;

/** Credit of a completion against its own group. */
public interface GroupAdvantage extends AdvantageEstimator {
  /** One advantage per reward, same order; rewards are finite, at least one. */
  double[] advantages(double[] rewards);
}
