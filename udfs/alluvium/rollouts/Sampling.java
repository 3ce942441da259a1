package alluvium.rollouts;

import static alluvium.tables.RecipeException.require;

import java.io.Serializable;
import java.util.List;

/**
 * How completions are drawn, token by token.
 *
 * <pre>  p = softmax(logits / temperature); keep the topK largest, then the smallest set of mass >= topP, then
 * those with
 *   p >= minP * max(p); renormalise; draw </pre>
 *
 * Temperature 0 is greedy: the largest logit, ties to the smaller id; its log-probabilities are those at temperature 1.
 * topK = 0, topP = 1, minP = 0 leave the distribution whole. A completion ends with the end-of-text id, one of the
 * stop ids,
 * or when its text contains a stop string (the token that completes it is the last one), or at maxTokens.
 *
 * @param maxTokens most tokens of a completion, at least 1
 * @param temperature divides the logits, >= 0
 * @param topK candidates kept, 0 for all
 * @param topP mass kept, in (0, 1]
 * @param minP least share of the largest probability, in [0, 1)
 * @param stop strings that end a completion
 * @param stopIds token ids that end a completion, besides the policy's own
 * @param shardPrompts prompts generated in one batch: fixes the arithmetic, so it belongs to the recipe
 */
public record Sampling(int maxTokens, double temperature, int topK, double topP, double minP, List<String> stop,
    List<Integer> stopIds, int shardPrompts) implements Serializable {
  public Sampling {
    require(maxTokens >= 1, "Sampling.maxTokens must be >= 1, got %s", maxTokens);
    require(temperature >= 0 && Double.isFinite(temperature), "Sampling.temperature must be >= 0, got %s", temperature);
    require(topK >= 0, "Sampling.topK must be >= 0 (0 keeps all), got %s", topK);
    require(topP > 0 && topP <= 1, "Sampling.topP must be in (0, 1], got %s", topP);
    require(minP >= 0 && minP < 1, "Sampling.minP must be in [0, 1), got %s", minP);
    require(stop.stream().noneMatch(String::isEmpty), "Sampling.stop must not hold an empty string");
    require(shardPrompts >= 1, "Sampling.shardPrompts must be >= 1, got %s", shardPrompts);
    stop = List.copyOf(stop);
    stopIds = List.copyOf(stopIds);
  }

  /** The same limits and stops, always taking the most probable token. */
  public Sampling greedy() {
    return new Sampling(maxTokens, 0, 0, 1, 0, stop, stopIds, shardPrompts);
  }

  /** The temperature of the stored log-probabilities: 1 for greedy decoding. */
  public double logpTemperature() {
    return temperature == 0 ? 1 : temperature;
  }
}
