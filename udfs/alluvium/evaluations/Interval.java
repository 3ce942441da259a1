package alluvium.evaluations;

import java.util.Arrays;

/**
 * A mean over prompts with its 95% interval.
 *
 * @param value the mean
 * @param low lower end
 * @param high upper end
 */
public record Interval(double value, double low, double high) {
  private static final double Z = 1.959963984540054;

  /**
   * Wilson's score interval of a share: c of n right.
   *
   * <pre>  (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n),  z = 1.96 </pre>
   *
   * n = 0: the value is NaN, the interval [0, 1].
   *
   * @see <a href="https://doi.org/10.1080/01621459.1927.10502953">Wilson 1927</a>
   */
  public static Interval wilson(long right, long count) {
    if (count == 0) {
      return new Interval(Double.NaN, 0, 1);
    }
    double p = (double) right / count;
    double z2 = Z * Z / count;
    double centre = (p + z2 / 2) / (1 + z2);
    double half = Z * Math.sqrt(p * (1 - p) / count + z2 / (4 * count)) / (1 + z2);
    return new Interval(p, Math.max(0, centre - half), Math.min(1, centre + half));
  }

  /**
   * Normal interval of a mean of independent values, one per prompt: mean +- 1.96 std / sqrt(n), std with divisor n
   * - 1.
   *
   * <p>One value: an interval of no width says nothing, so it is the whole of [-inf, inf]; none: NaN as value.
   */
  public static Interval normal(double... values) {
    if (values.length < 2) {
      return new Interval(values.length == 0 ? Double.NaN : values[0], Double.NEGATIVE_INFINITY,
          Double.POSITIVE_INFINITY);
    }
    double mean = Arrays.stream(values).average().orElseThrow();
    double squares = Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum();
    double half = Z * Math.sqrt(squares / (values.length - 1) / values.length);
    return new Interval(mean, mean - half, mean + half);
  }

  /** The same interval cut to what a share can be. */
  public Interval ofShare() {
    return new Interval(value, Math.max(0, low), Math.min(1, high));
  }

  /**
   * Percentile bootstrap of the mean of paired differences, prompts drawn with replacement.
   *
   * @param differences one per prompt, after minus before
   * @param draws resamples
   * @param seed of the draws
   */
  public static Interval bootstrap(double[] differences, int draws, long seed) {
    if (differences.length == 0) {
      return new Interval(Double.NaN, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY);
    }
    java.util.SplittableRandom random = new java.util.SplittableRandom(seed);
    double[] means = new double[draws];
    for (int d = 0; d < draws; d++) {
      double sum = 0;
      for (int i = 0; i < differences.length; i++) {
        sum += differences[random.nextInt(differences.length)];
      }
      means[d] = sum / differences.length;
    }
    Arrays.sort(means);
    return new Interval(Arrays.stream(differences).average().orElseThrow(), means[(int) (0.025 * (draws - 1))],
        means[(int) Math.ceil(0.975 * (draws - 1))]);
  }
}
