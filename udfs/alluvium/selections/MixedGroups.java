package alluvium.selections;

import static alluvium.tables.RecipeException.require;

import java.util.Arrays;

/**
 * Groups train whose completions differ in one reward; further waves of prompts are drawn until enough do.
 *
 * <pre>  keep group: max(v) - min(v) >= 1e-12 </pre>
 *
 * v: the group's values of the metric. A group of one and a group without a value never train. The metric should be the
 * bare verdict: a length penalty would make equal groups look mixed.
 *
 * @see <a href="https://arxiv.org/abs/2503.14476">Yu et al. 2025, DAPO</a>, section 3.2
 * @param metric the reward looked at, by its key in the recipe
 * @param maxRounds most waves, >= 1; after the last one the batch trains as full as it is (ours); 10 in published code
 */
public record MixedGroups(String metric, int maxRounds) implements GroupSelection {
  private static final double EQUAL = 1e-12;

  public MixedGroups {
    require(!metric.isBlank(), "MixedGroups.metric must name a reward of the recipe, got '%s'.", metric);
    require(maxRounds >= 1, "MixedGroups.maxRounds must be at least 1, got %s. 10 is usual.", maxRounds);
  }

  @Override
  public boolean keeps(double[] values) {
    return values.length > 1
        && Arrays.stream(values).max().getAsDouble() - Arrays.stream(values).min().getAsDouble() >= EQUAL;
  }
}
