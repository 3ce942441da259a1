package alluvium.regularizers;

import ai.djl.ndarray.NDArray;

/**
 * The log-ratio itself: unbiased, of either sign, of high variance.
 *
 * <pre>  k1 = x,  x = logp - reference </pre>
 *
 * Nats. Equal policies: 0. Its mean gradient over samples of pi is 0 ({@link Direct} penalises nothing with it).
 *
 * @see <a href="http://joschu.net/blog/kl-approx.html">Schulman 2020, Approximating KL divergence</a>
 */
public record K1() implements KlEstimator {
  @Override
  public NDArray value(NDArray logRatio) {
    return logRatio;
  }
}
