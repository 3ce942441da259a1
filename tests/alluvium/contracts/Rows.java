package alluvium.contracts;

import ai.djl.ndarray.NDArray;
import alluvium.policies.TokenBatch;
import java.util.Optional;

/** Small batches for tests of losses. Absent parts throw when looked at. */
public final class Rows {
  private Rows() {}

  /** Live and old log-probabilities and advantages, all (B, T) or all (T), every token counted, no reference. */
  public static TokenBatch of(NDArray logp, NDArray old, NDArray advantage) {
    return of(logp, old, advantage, old.onesLike());
  }

  public static TokenBatch of(NDArray logp, NDArray old, NDArray advantage, NDArray mask) {
    return new TokenBatch(logp, old, advantage, mask, Optional.empty(), Rows::absent, Optional.empty());
  }

  /** Sampled tokens under the live, the old and the reference policy. */
  public static TokenBatch sampled(NDArray logp, NDArray old, NDArray reference) {
    return new TokenBatch(logp, old, old.zerosLike(), old.onesLike(), Optional.of(reference), Rows::absent,
        Optional.empty());
  }

  /** Whole distributions (B, T, V) under the live and the reference policy. */
  public static TokenBatch full(NDArray live, NDArray reference) {
    NDArray mask = reference.max(new int[] {2}).onesLike();
    return new TokenBatch(mask.zerosLike(), mask.zerosLike(), mask.zerosLike(), mask, Optional.empty(), () -> live,
        Optional.of(() -> reference));
  }

  private static NDArray absent() {
    throw new IllegalStateException("this batch has no distribution over the vocabulary");
  }
}
