package alluvium.optimizers;

import java.util.List;

/**
 * Scales a gradient down to a largest global norm.
 *
 * <pre>  n = sqrt(sum g^2) over all arrays;   g' = g min(1, max / (n + 1e-6)) </pre>
 */
public final class GradientClip {
  private static final double GUARD = 1e-6;

  private GradientClip() {}

  /** Euclidean norm of all numbers together, summed in double in the given order. */
  public static double norm(List<float[]> gradients) {
    double squares = 0;
    for (float[] gradient : gradients) {
      for (float g : gradient) {
        squares += (double) g * g;
      }
    }
    return Math.sqrt(squares);
  }

  /**
   * Scales in place and returns the norm before. A norm that is not finite scales nothing: there is no step to take
   * with such a gradient, and the caller must not take it.
   */
  public static double clip(List<float[]> gradients, double maxNorm) {
    double norm = norm(gradients);
    double factor = maxNorm / (norm + GUARD);
    if (factor < 1 && Double.isFinite(norm)) {
      for (float[] gradient : gradients) {
        for (int i = 0; i < gradient.length; i++) {
          gradient[i] *= (float) factor;
        }
      }
    }
    return norm;
  }
}
