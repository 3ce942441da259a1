package alluvium.regularizers;

import ai.djl.ndarray.NDArray;

/**
 * Half the squared log-ratio: never negative, slightly biased, of low variance.
 *
 * <pre>  k2 = x^2 / 2,  x = logp - reference </pre>
 *
 * Nats. Equal policies: 0. Its mean gradient over samples of pi is exactly that of KL(pi || ref).
 *
 * @see <a href="http://joschu.net/blog/kl-approx.html">Schulman 2020, Approximating KL divergence</a>
 */
public record K2() implements KlEstimator {
  @Override
  public NDArray value(NDArray logRatio) {
    return logRatio.square().mul(0.5f);
  }
}
