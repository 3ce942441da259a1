package alluvium.jobs;

import alluvium.spark.Credit;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Row;

/**
 * One wave of an iteration, as the selection sees it.
 *
 * @param chosen ids of its prompts, in the order in which they were drawn
 * @param rewards rows of the table of rewards
 */
record Draw(List<String> chosen, JavaRDD<Row> rewards) {
  /** Whether the recipe asks for another wave after these, of which there is one at least. */
  static boolean another(Recipe recipe, List<Draw> draws) {
    return draws.size() < recipe.selection().maxRounds()
        && training(recipe, draws).size() < draws.get(0).chosen().size();
  }

  /** Keys of the groups that would train, in the order in which they were drawn. */
  static List<String> training(Recipe recipe, List<Draw> draws) {
    Credit credit = Estimate.credit(recipe, 0, Set.of());
    List<String> keys = new ArrayList<>();
    for (int wave = 0; wave < draws.size(); wave++) {
      Set<String> trained = credit.training(draws.get(wave).rewards());
      for (String group : draws.get(wave).chosen()) {
        String key = Credit.key(wave, group);
        if (trained.contains(key)) {
          keys.add(key);
        }
      }
    }
    return keys;
  }

  /** Groups that train beyond those that an update batch holds, the last drawn first to go. */
  static Set<String> surplus(Recipe recipe, List<Draw> draws) {
    Set<String> surplus = new LinkedHashSet<>();
    if (recipe.selection().maxRounds() > 1) {
      List<String> training = training(recipe, draws);
      surplus.addAll(training.subList(Math.min(draws.get(0).chosen().size(), training.size()), training.size()));
    }
    return surplus;
  }
}
