package alluvium.rewards;

import static alluvium.tables.RecipeException.require;

import alluvium.tables.DataException;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The weighted sum of a completion's rewards, added in the order of their names.
 *
 * <pre>  r = sum_k w_k r_k </pre>
 *
 * Every reward needs a weight and every weight a reward, so that a reward that failed or was misspelled is never a
 * zero. A reward per token counts in the token credit, with its weight, and comes here as the number 0.
 *
 * @param weights finite factor of each reward, by its name in the recipe; at least one
 */
public record WeightedSum(Map<String, Double> weights) implements Aggregation {
  public WeightedSum {
    require(!weights.isEmpty(), "WeightedSum.weights must name at least one reward");
    weights.forEach((name, weight) -> require(Double.isFinite(weight),
        "WeightedSum.weights.%s must be finite, got %s", name, weight));
    weights = Collections.unmodifiableMap(new TreeMap<>(weights));
  }

  @Override
  public void check(Set<String> rewards) {
    require(rewards.equals(weights.keySet()), "WeightedSum.weights names %s, but the recipe's rewards are %s",
        weights.keySet(), new TreeSet<>(rewards));
  }

  @Override
  public double aggregate(Map<String, Double> rewards) {
    if (!rewards.keySet().equals(weights.keySet())) {
      throw new DataException("WeightedSum: the completion has the rewards %s, but the weights are for %s",
          new TreeSet<>(rewards.keySet()), weights.keySet());
    }
    return weights.entrySet().stream().mapToDouble(weight -> weight.getValue() * rewards.get(weight.getKey()))
        .reduce(0, Double::sum);
  }

  @Override
  public double weight(String name) {
    require(weights.containsKey(name), "WeightedSum.weights has no weight for %s. Known: %s", name, weights.keySet());
    return weights.get(name);
  }
}
