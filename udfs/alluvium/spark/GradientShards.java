package alluvium.spark;

import alluvium.objectives.Loss;
import alluvium.objectives.LossSums;
import alluvium.policies.Differentiation;
import alluvium.policies.Example;
import alluvium.policies.Policy;
import alluvium.policies.Tensors;
import alluvium.tables.DataException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.apache.spark.broadcast.Broadcast;

/**
 * Lifts the gradient of a loss over shards of examples. A shard's sum depends on its examples and the weights alone.
 *
 * @param policy whose architecture and, unless weights are given, whose weights are differentiated
 * @param reference none, or the policy consulted for vocabulary distributions
 * @param temperature of the log-probabilities
 * @param microBatch completions differentiated together
 */
public record GradientShards(PolicyHandle policy, List<PolicyHandle> reference, Loss loss, double temperature,
    int microBatch) implements Serializable {

  public GradientShards {
    reference = new ArrayList<>(reference);
  }

  /** The sums of one shard: gradients of the loss's numerator, and what is divided and counted with them. */
  public record Sums(Tensors gradients, LossSums loss, Span span) implements Serializable {}

  /**
   * The sums of one shard.
   *
   * @param key names the weights: equal keys, equal weights
   */
  public Sums sums(String key, Broadcast<Tensors> weights, List<Example> examples) {
    return policy.with(key, weights, live -> reference.isEmpty() ? sums(live, Optional.empty(), examples)
        : reference.get(0).with(fixed -> sums(live, Optional.of(fixed), examples)));
  }

  /** Long completions together, so that little is padded; equal lengths in the order of their keys. */
  static List<Example> ordered(List<Example> examples) {
    List<Example> ordered = new ArrayList<>(examples);
    ordered.sort(Comparator.comparingInt((Example e) -> -e.prompt().length - e.completion().length)
        .thenComparing(Example::key));
    return ordered;
  }

  private Sums sums(Policy live, Optional<Policy> fixed, List<Example> examples) {
    List<Example> ordered = ordered(examples);
    long start = Span.now();
    try (Differentiation differentiation = new Differentiation(live, fixed, temperature)) {
      LossSums sums = LossSums.NONE;
      for (int from = 0; from < ordered.size(); from += microBatch) {
        List<Example> rows = ordered.subList(from, Math.min(ordered.size(), from + microBatch));
        LossSums added = loss.add(differentiation, rows);
        if (!Double.isFinite(added.numerator())) {
          throw new DataException("the loss of examples %s to %s is %s: the step is refused. Look at their"
              + " log-probabilities and advantages, or lower the learning rate.", rows.get(0).key(),
              rows.get(rows.size() - 1).key(),
              added.numerator());
        }
        sums = sums.plus(added);
      }
      return new Sums(differentiation.gradients(), sums, new Span(start, Span.now()));
    }
  }
}
