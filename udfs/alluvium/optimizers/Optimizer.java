package alluvium.optimizers;

import java.io.Serializable;
import java.util.List;

/** Turns the gradient of one step into new weights. Pure state in, state out: everything carried on is in the slots. */
public interface Optimizer extends Serializable {
  /** Names of the arrays carried on for each weight, such as first and second moments. */
  List<String> slots();

  /**
   * Updates one tensor in place.
   *
   * @param weights float32, changed
   * @param gradient same length, already divided and clipped
   * @param slots one array per name, same length, changed; zeros before the first step
   * @param matrix false for vectors (norms, biases), which carry no weight decay
   * @param step 0-based, counted over the run
   */
  void step(float[] weights, float[] gradient, List<float[]> slots, boolean matrix, long step);

  /** Largest global norm of the gradient; larger ones are scaled down to it. */
  double maxNorm();

  /** The learning rate at a 0-based step. */
  double learningRate(long step);
}
