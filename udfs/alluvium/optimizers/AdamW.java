package alluvium.optimizers;

import static alluvium.tables.RecipeException.require;

import java.util.List;

/**
 * Adam with weight decay apart from the gradient.
 *
 * <pre>
 *   lr = learningRate factor(s);   w = w (1 - lr weightDecay), matrices only
 *   m = beta1 m + (1 - beta1) g;   v = beta2 v + (1 - beta2) g^2;   n = s + 1
 *   w = w - lr / (1 - beta1^n) m / (sqrt(v) / sqrt(1 - beta2^n) + eps)
 * </pre>
 *
 * w, m, v, g: float32, arithmetic in float32, coefficients in double; s: 0-based step of the run. Vectors (norms,
 * biases) do not decay (ours; the usual practice). Zero gradients from the start: only the decay acts.
 *
 * @see <a href="https://arxiv.org/abs/1711.05101">Loshchilov and Hutter 2019, Decoupled weight decay</a>, algorithm 2
 * @param learningRate peak, > 0
 * @param beta1 share of the old first moment that stays, in [0, 1)
 * @param beta2 share of the old second moment that stays, in [0, 1)
 * @param eps keeps the quotient finite, > 0; 1e-8 in the paper
 * @param weightDecay share of the weights lost per step and unit of learning rate, >= 0
 * @param maxNorm largest global norm of the gradient, > 0; 1e30 for no clipping
 * @param schedule the learning rate over the run
 */
public record AdamW(double learningRate, double beta1, double beta2, double eps, double weightDecay, double maxNorm,
    Schedule schedule) implements Optimizer {
  public AdamW {
    require(learningRate > 0 && Double.isFinite(learningRate),
        "AdamW.learningRate must be > 0 and finite, got %s. 1e-6 is usual.", learningRate);
    require(beta1 >= 0 && beta1 < 1, "AdamW.beta1 must be in [0, 1), got %s. 0.9 is usual.", beta1);
    require(beta2 >= 0 && beta2 < 1, "AdamW.beta2 must be in [0, 1), got %s. 0.95 to 0.999 is usual.", beta2);
    require(eps > 0 && Double.isFinite(eps), "AdamW.eps must be > 0 and finite, got %s. 1e-8 is usual.", eps);
    require(weightDecay >= 0 && Double.isFinite(weightDecay),
        "AdamW.weightDecay must be >= 0 and finite, got %s. 0 to 0.1 is usual.", weightDecay);
    require(maxNorm > 0, "AdamW.maxNorm must be > 0, got %s. 1 is usual, 1e30 means no clipping.", maxNorm);
  }

  @Override
  public List<String> slots() {
    return List.of("first_moment", "second_moment");
  }

  @Override
  public void step(float[] weights, float[] gradient, List<float[]> slots, boolean matrix, long step) {
    float[] first = slots.get(0);
    float[] second = slots.get(1);
    double rate = learningRate(step);
    float kept = matrix ? (float) (1 - rate * weightDecay) : 1;
    float fresh1 = (float) (1 - beta1);
    float kept2 = (float) beta2;
    float fresh2 = (float) (1 - beta2);
    float stride = (float) (rate / (1 - Math.pow(beta1, step + 1)));
    float correction = (float) Math.sqrt(1 - Math.pow(beta2, step + 1));
    for (int i = 0; i < weights.length; i++) {
      float g = gradient[i];
      first[i] += fresh1 * (g - first[i]);
      second[i] = kept2 * second[i] + fresh2 * g * g;
      weights[i] = kept * weights[i] - stride * first[i] / ((float) Math.sqrt(second[i]) / correction + (float) eps);
    }
  }

  @Override
  public double learningRate(long step) {
    return learningRate * schedule.factor(step);
  }
}
