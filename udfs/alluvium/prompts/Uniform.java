package alluvium.prompts;

import static alluvium.tables.RecipeException.require;

import alluvium.rollouts.KeyedSeed;
import java.util.List;

/**
 * Every task alike, drawn without replacement within an iteration and anew in each.
 *
 * <pre>  rank ids by KeyedSeed(seed, iteration, id); wave w takes ranks [w, w + 1) * perIteration </pre>
 *
 * Waves of one iteration share no task. Once the tasks run out a wave is short, then empty. Adding a task shifts the
 * others by at most one rank.
 *
 * @param perIteration prompts per wave, >= 1
 * @param samples completions per prompt, >= 1
 */
public record Uniform(int perIteration, int samples) implements PromptChoice {
  public Uniform {
    require(perIteration >= 1, "Uniform.perIteration must be >= 1, got %s", perIteration);
    require(samples >= 1, "Uniform.samples must be >= 1, got %s", samples);
  }

  @Override
  public List<String> choose(List<String> ids, long seed, int iteration, int wave) {
    require(wave >= 0, "Uniform: wave must be >= 0, got %s", wave);
    int from = (int) Math.min(ids.size(), (long) wave * perIteration);
    int to = (int) Math.min(ids.size(), from + (long) perIteration);
    return Split.ranked(ids, id -> KeyedSeed.of(seed, iteration, id)).subList(from, to);
  }
}
