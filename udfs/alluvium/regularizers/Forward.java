package alluvium.regularizers;

import ai.djl.ndarray.NDArray;

/**
 * KL(ref || pi), which makes the policy cover the reference; its gradient on the logits is pi - ref.
 *
 * <pre>  sum_v ref(v) (log ref(v) - log pi(v)) </pre>
 */
public record Forward() implements KlDirection {
  @Override
  public NDArray divergence(NDArray live, NDArray reference) {
    return reference.exp().mul(reference.sub(live)).sum(new int[] {2});
  }
}
