package alluvium.objectives;

import alluvium.policies.Differentiation;
import alluvium.policies.Example;
import java.io.Serializable;
import java.util.List;

/**
 * What executors add up besides gradients; sums over the tokens that count.
 *
 * @param numerator of the loss
 * @param denominator of the loss
 * @param tokens how many count
 * @param completions how many have at least one that counts
 * @param entropy nats
 * @param ratio exp(logp - old)
 * @param clipped tokens with an active bound
 * @param kl (exp(d) - d - 1), d = old - logp: the estimate k3 of KL(old, live)
 * @param referenceKl the same against the reference; 0 without one
 * @param mismatch the largest |logp - old|
 */
public record LossSums(double numerator, double denominator, long tokens, long completions, double entropy,
    double ratio, double clipped, double kl, double referenceKl, double mismatch) implements Serializable {
  public static final LossSums NONE = new LossSums(0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

  public LossSums plus(LossSums o) {
    return new LossSums(numerator + o.numerator, denominator + o.denominator, tokens + o.tokens,
        completions + o.completions, entropy + o.entropy, ratio + o.ratio, clipped + o.clipped, kl + o.kl,
        referenceKl + o.referenceKl, Math.max(mismatch, o.mismatch));
  }

  static LossSums of(List<Example> rows, Differentiation.Batch batch, double numerator, double denominator,
      float[] clipped) {
    float[] logp = batch.tokens().logp().toFloatArray();
    float[] nats = batch.entropy().toFloatArray();
    LossSums sums = new LossSums(numerator, denominator, 0, 0, 0, 0, 0, 0, 0, 0);
    for (int i = 0; i < rows.size(); i++) {
      Example row = rows.get(i);
      double entropy = 0;
      double ratio = 0;
      double bounded = 0;
      double kl = 0;
      double referenceKl = 0;
      double mismatch = 0;
      long tokens = 0;
      for (int t = 0; t < row.weights().length; t++) {
        if (row.weights()[t] != 0) {
          int at = i * batch.width() + t;
          double d = row.oldLogp()[t] - logp[at];
          tokens++;
          entropy += nats[at];
          ratio += Math.exp(-d);
          kl += Math.expm1(d) - d;
          mismatch = Math.max(mismatch, Math.abs(d));
          bounded += clipped.length == 0 ? 0 : clipped[at];
          if (row.reference().length > 0) {
            double r = row.reference()[t] - logp[at];
            referenceKl += Math.expm1(r) - r;
          }
        }
      }
      sums = sums.plus(new LossSums(0, 0, tokens, tokens > 0 ? 1 : 0, entropy, ratio, bounded, kl, referenceKl,
          mismatch));
    }
    return sums;
  }
}
