package alluvium.policies;

import ai.djl.ndarray.NDArray;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * One micro-batch of completions as a loss sees it: B completions padded on the right to T tokens, natural logs at
 * the sampling
 * temperature. Gradients flow through logp and full only.
 */
public final class TokenBatch {
  private final NDArray logp;
  private final NDArray oldLogp;
  private final NDArray advantage;
  private final NDArray mask;
  private final Optional<NDArray> reference;
  private final Supplier<NDArray> full;
  private final Optional<Supplier<NDArray>> fullReference;

  public TokenBatch(NDArray logp, NDArray oldLogp, NDArray advantage, NDArray mask, Optional<NDArray> reference,
      Supplier<NDArray> full, Optional<Supplier<NDArray>> fullReference) {
    this.logp = logp;
    this.oldLogp = oldLogp;
    this.advantage = advantage;
    this.mask = mask;
    this.reference = reference;
    this.full = full;
    this.fullReference = fullReference;
  }

  /** (B, T) float32, of the sampled tokens under the live policy; with gradient. */
  public NDArray logp() {
    return logp;
  }

  /** (B, T) float32, of the sampled tokens under the policy that the update started from. */
  public NDArray oldLogp() {
    return oldLogp;
  }

  /** (B, T) float32, no gradient. */
  public NDArray advantage() {
    return advantage;
  }

  /** (B, T) float32, 1 on tokens that the policy wrote and the loss counts, else 0. */
  public NDArray mask() {
    return mask;
  }

  /** (B, T) float32, of the sampled tokens under the reference policy. */
  public NDArray reference() {
    return reference.orElseThrow(() -> new IllegalStateException("the recipe names no reference policy"));
  }

  /** (B, T, V) float32, of every token of the vocabulary under the live policy; with gradient. */
  public NDArray full() {
    return full.get();
  }

  /** (B, T, V) float32, of every token of the vocabulary under the reference policy. */
  public NDArray fullReference() {
    return fullReference.orElseThrow(() -> new IllegalStateException("the recipe names no reference policy")).get();
  }
}
