package alluvium.regularizers;

import ai.djl.ndarray.NDArray;

/**
 * KL(pi || ref), which keeps the policy where the reference has mass.
 *
 * <pre>  sum_v pi(v) (log pi(v) - log ref(v)) </pre>
 */
public record Reverse() implements KlDirection {
  @Override
  public NDArray divergence(NDArray live, NDArray reference) {
    return live.exp().mul(live.sub(reference)).sum(new int[] {2});
  }
}
