package alluvium.regularizers;

import ai.djl.ndarray.NDArray;

/** Log-probabilities that can be multiplied by their probabilities. */
final class Logs {
  /** e^-100 is 0 in float32 but for a subnormal rest, and 100 times that is still nothing. */
  private static final float LEAST = -100;

  private Logs() {}

  /** The same logs, at least -100; without gradient where they were less. */
  static NDArray cutOff(NDArray logs) {
    return logs.maximum(LEAST);
  }
}
