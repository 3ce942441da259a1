package alluvium.jobs;

import alluvium.selections.GroupSelection;
import alluvium.spark.Credit;
import alluvium.tables.Rewards;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
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

  /** Keys of the groups that the selection keeps, in the order in which they were drawn. */
  static List<String> training(Recipe recipe, List<Draw> draws) {
    List<String> keys = new ArrayList<>();
    for (int wave = 0; wave < draws.size(); wave++) {
      Map<String, List<Double>> values = new HashMap<>();
      String metric = recipe.selection() instanceof GroupSelection judged ? judged.metric() : "";
      for (Row row : draws.get(wave).rewards()
          .filter(r -> Rewards.NAME.of(r).equals(metric) && !Rewards.VALUE.absentIn(r)).collect()) {
        values.computeIfAbsent(Rewards.GROUP_ID.of(row), g -> new ArrayList<>()).add(Rewards.VALUE.of(row));
      }
      for (String group : draws.get(wave).chosen()) {
        double[] seen = values.getOrDefault(group, List.of()).stream().mapToDouble(v -> v).toArray();
        if (recipe.selection() instanceof GroupSelection judged && judged.keeps(seen)) {
          keys.add(Credit.key(wave, group));
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
