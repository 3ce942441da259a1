package alluvium.advantages;

import java.io.Serializable;

/**
 * Count, mean and sum of squared deviations of some numbers, added one by one in a fixed order (Welford's recurrence).
 *
 * @param count how many
 * @param mean 0 for none
 * @param squares sum of (x - mean)^2
 */
public record Moments(long count, double mean, double squares) implements Serializable {
  public static final Moments NONE = new Moments(0, 0, 0);

  public static Moments of(double... values) {
    Moments moments = NONE;
    for (double value : values) {
      moments = moments.plus(value);
    }
    return moments;
  }

  public Moments plus(double value) {
    double delta = value - mean;
    double next = mean + delta / (count + 1);
    return new Moments(count + 1, next, squares + delta * (value - next));
  }

  /** The moments of both sets of numbers together. */
  public Moments plus(Moments other) {
    if (count == 0 || other.count == 0) {
      return count == 0 ? other : this;
    }
    long total = count + other.count;
    double delta = other.mean - mean;
    return new Moments(total, mean + delta * other.count / total,
        squares + other.squares + delta * delta * ((double) count * other.count / total));
  }

  /** Standard deviation with divisor count - 1; 0 for fewer than two numbers. */
  public double std() {
    return Math.sqrt(variance());
  }

  /** Variance with divisor count - 1; 0 for fewer than two numbers. */
  public double variance() {
    return count < 2 ? 0 : squares / (count - 1);
  }
}
