package alluvium.advantages;

/** Credit against a number that is carried from iteration to iteration in the table of states. */
public interface MovingAdvantage extends AdvantageEstimator {
  /** One advantage per reward, given the carried number. */
  double[] advantages(double[] rewards, double carried);

  /** The number to carry on. */
  double next(double carried, Moments batch);

  /** The number before the first iteration. */
  double initial();

  /** Name of the carried number in the table of states. */
  String state();
}
