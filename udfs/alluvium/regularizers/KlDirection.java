package alluvium.regularizers;

import ai.djl.ndarray.NDArray;
import java.io.Serializable;

/** Which of two distributions a divergence averages over. */
public interface KlDirection extends Serializable {
  /** (B, T) nats, from finite log-probabilities (B, T, V) of the live and the reference policy. */
  NDArray divergence(NDArray live, NDArray reference);
}
