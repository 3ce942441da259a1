package alluvium.prompts;

import java.io.Serializable;
import java.util.List;

/** Chooses the prompts of one wave of one iteration. Depends on its arguments alone, never on clocks or row order. */
public interface PromptChoice extends Serializable {
  /**
   * The chosen ids in the order in which shards are cut; fewer than asked where the task has no more.
   *
   * @param ids all eligible prompt ids, sorted
   * @param seed the run's seed
   * @param iteration 0-based
   * @param wave 0-based round within the iteration
   */
  List<String> choose(List<String> ids, long seed, int iteration, int wave);

  /** Completions drawn per chosen prompt, at least 1. */
  int samples();
}
