package alluvium.regularizers;

import ai.djl.ndarray.NDArray;
import java.io.Serializable;

/**
 * An estimate of KL(pi || ref) from one sampled token: its mean over tokens drawn from pi is the divergence, or near.
 */
public interface KlEstimator extends Serializable {
  /** Nats, same shape as its argument x = logp - reference, which is finite. */
  NDArray value(NDArray logRatio);
}
