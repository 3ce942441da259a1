package alluvium.optimizers;

import static alluvium.tables.RecipeException.require;

import java.util.List;

/**
 * Gradient descent with Nesterov's momentum.
 *
 * <pre>  lr = learningRate factor(s);   b = momentum b + g;   w = w - lr (g + momentum b) </pre>
 *
 * w, b, g: float32, arithmetic in float32; s: 0-based step of the run. No weight decay. momentum = 0: plain gradient
 * descent.
 *
 * @see <a href="https://proceedings.mlr.press/v28/sutskever13.html">Sutskever et al. 2013, On the importance of
 *     initialization and momentum</a>, section 2, with the look-ahead folded into the step
 * @param learningRate peak, > 0
 * @param momentum share of the old velocity that stays, in [0, 1)
 * @param maxNorm largest global norm of the gradient, > 0; 1e30 for no clipping
 * @param schedule the learning rate over the run
 */
public record Nesterov(double learningRate, double momentum, double maxNorm, Schedule schedule) implements Optimizer {
  public Nesterov {
    require(learningRate > 0 && Double.isFinite(learningRate),
        "Nesterov.learningRate must be > 0 and finite, got %s.", learningRate);
    require(momentum >= 0 && momentum < 1, "Nesterov.momentum must be in [0, 1), got %s. 0.9 is usual.", momentum);
    require(maxNorm > 0, "Nesterov.maxNorm must be > 0, got %s. 1 is usual, 1e30 means no clipping.", maxNorm);
  }

  @Override
  public List<String> slots() {
    return List.of("velocity");
  }

  @Override
  public void step(float[] weights, float[] gradient, List<float[]> slots, boolean matrix, long step) {
    float[] velocity = slots.get(0);
    float rate = (float) learningRate(step);
    float kept = (float) momentum;
    for (int i = 0; i < weights.length; i++) {
      velocity[i] = kept * velocity[i] + gradient[i];
      weights[i] -= rate * (gradient[i] + kept * velocity[i]);
    }
  }

  @Override
  public double learningRate(long step) {
    return learningRate * schedule.factor(step);
  }
}
