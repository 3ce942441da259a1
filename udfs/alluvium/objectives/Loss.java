package alluvium.objectives;

import ai.djl.ndarray.NDArray;
import alluvium.normalizers.Normalizer;
import alluvium.policies.Differentiation;
import alluvium.policies.Example;
import alluvium.policies.TokenBatch;
import alluvium.regularizers.Regularizer;
import alluvium.regularizers.Regularizer.Needs;
import java.io.Serializable;
import java.util.List;

/**
 * The loss of an update: the objective's terms plus the regularizers', weighed by the normalizer.
 *
 * <pre>  loss = sum_it w_it weight(T_i) (objective_it + sum_r regularizer_r,it) / sum_i share(T_i) </pre>
 *
 * w_it: the example's own token weights; T_i: its tokens that count. Executors add numerators and denominators over
 * shards;
 * the driver divides once.
 */
public record Loss(Objective objective, List<Regularizer> regularizers, Normalizer normalizer)
    implements Serializable {

  /** Adds the gradient of the numerator over some examples to the differentiation; returns the sums for the driver. */
  public LossSums add(Differentiation differentiation, List<Example> rows) {
    boolean vocabulary = regularizers.stream()
        .anyMatch(r -> r.needs() == Needs.FULL || r.needs() == Needs.FULL_REFERENCE);
    try (Differentiation.Batch batch = vocabulary ? differentiation.vocabulary(rows) : differentiation.sampled(rows)) {
      TokenBatch tokens = batch.tokens();
      NDArray terms = objective.terms(tokens);
      for (Regularizer regularizer : regularizers) {
        terms = terms.add(regularizer.terms(tokens));
      }
      float[] weights = new float[rows.size() * batch.width()];
      double share = 0;
      for (int i = 0; i < rows.size(); i++) {
        int counted = rows.get(i).counted();
        if (counted > 0) {
          float each = (float) normalizer.weight(counted);
          share += normalizer.share(counted);
          float[] own = rows.get(i).weights();
          for (int t = 0; t < own.length; t++) {
            weights[i * batch.width() + t] = own[t] * each;
          }
        }
      }
      double numerator = batch.add(terms, weights);
      float[] clipped = objective instanceof Clipping clipping ? clipping.clipped(tokens).toFloatArray() : new float[0];
      return LossSums.of(rows, batch, numerator, share, clipped);
    }
  }
}
