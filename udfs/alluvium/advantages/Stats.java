package alluvium.advantages;

import java.util.Arrays;

/** Mean, spread and sameness of the rewards of one group. */
final class Stats {
  /** Numbers closer together than this are equal: their differences are rounding, not information. */
  static final double EQUAL = 1e-12;

  private Stats() {}

  static double mean(double[] values) {
    return Arrays.stream(values).sum() / values.length;
  }

  /** Standard deviation with divisor n - 1; 0 for fewer than two numbers. */
  static double std(double[] values) {
    return Moments.of(values).std();
  }

  /** Whether a group says nothing about its members: one alone, or max - min below {@link #EQUAL}. */
  static boolean degenerate(double[] values) {
    return values.length < 2
        || Arrays.stream(values).max().getAsDouble() - Arrays.stream(values).min().getAsDouble() < EQUAL;
  }
}
