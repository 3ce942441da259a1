package alluvium.evaluations;

import java.io.Serializable;

/**
 * Sums over pairs of numbers, such as two rewards of one completion, added one by one (Welford's recurrence).
 *
 * <pre>  correlation = sum (x - mean x)(y - mean y) / sqrt(sum (x - mean x)^2 sum (y - mean y)^2) </pre>
 *
 * @param count pairs
 * @param meanX 0 for none
 * @param meanY 0 for none
 * @param squaresX sum of (x - mean x)^2
 * @param squaresY sum of (y - mean y)^2
 * @param products sum of (x - mean x)(y - mean y)
 * @see <a href="https://doi.org/10.2172/1028931">Pebay 2008</a>: how two such sums are added
 */
public record Paired(long count, double meanX, double meanY, double squaresX, double squaresY, double products)
    implements Serializable {
  public static final Paired NONE = new Paired(0, 0, 0, 0, 0, 0);

  public Paired plus(double x, double y) {
    return plus(new Paired(1, x, y, 0, 0, 0));
  }

  /** The sums over both sets of pairs. */
  public Paired plus(Paired other) {
    if (count == 0 || other.count == 0) {
      return count == 0 ? other : this;
    }
    long total = count + other.count;
    double x = other.meanX - meanX;
    double y = other.meanY - meanY;
    double factor = (double) count * other.count / total;
    return new Paired(total, meanX + x * other.count / total, meanY + y * other.count / total,
        squaresX + other.squaresX + x * x * factor, squaresY + other.squaresY + y * y * factor,
        products + other.products + x * y * factor);
  }

  /** In [-1, 1]; NaN where either number is always the same. */
  public double correlation() {
    return squaresX > 0 && squaresY > 0
        ? Math.max(-1, Math.min(1, products / (Math.sqrt(squaresX) * Math.sqrt(squaresY)))) : Double.NaN;
  }
}
