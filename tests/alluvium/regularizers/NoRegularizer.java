package alluvium.regularizers;

import ai.djl.ndarray.NDArray;
import alluvium.policies.TokenBatch;

/** No penalty: zeros (B, T), and no reference policy is evaluated. */
public record NoRegularizer() implements Regularizer {
  @Override
  public NDArray terms(TokenBatch b) {
    return b.mask().zerosLike();
  }

  @Override
  public Needs needs() {
    return Needs.NOTHING;
  }
}
