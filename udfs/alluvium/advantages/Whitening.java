package alluvium.advantages;

import java.util.Arrays;

/** Token credits brought to mean 0 and variance 1 over all tokens of the update batch. */
final class Whitening {
  private static final double GUARD = 1e-8;

  private Whitening() {}

  /** (z - mean) / sqrt(variance + 1e-8), variance with divisor n - 1; zeros for fewer than two or equal credits. */
  static double[] whitened(double[] credit, Moments tokens) {
    if (tokens.std() < Stats.EQUAL) {                       // which is 0 for fewer than two
      return new double[credit.length];
    }
    double scale = Math.sqrt(tokens.variance() + GUARD);
    return Arrays.stream(credit).map(z -> (z - tokens.mean()) / scale).toArray();
  }
}
