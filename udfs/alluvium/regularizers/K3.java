package alluvium.regularizers;

import ai.djl.ndarray.NDArray;

/**
 * The log-ratio with a control variate: unbiased, never negative, of low variance.
 *
 * <pre>  k3 = clamp(exp(-x) - 1 + x, -10, 10),  x = logp - reference </pre>
 *
 * Nats. Equal policies: 0; beyond the bound no gradient. Its mean gradient over samples of pi is that of KL(ref || pi),
 * pi - ref on the logits.
 *
 * @see <a href="http://joschu.net/blog/kl-approx.html">Schulman 2020, Approximating KL divergence</a>; the bound as in
 *     published code
 */
public record K3() implements KlEstimator {
  private static final float BOUND = 10;

  @Override
  public NDArray value(NDArray logRatio) {
    return logRatio.neg().exp().sub(1).add(logRatio).clip(-BOUND, BOUND);
  }
}
