package alluvium.spark;

import static alluvium.tables.RecipeException.require;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * What makes a commit happen once: a table takes each (run, stage, number) a single time, and takes the numbers of
 * a run's
 * stage in rising order.
 *
 * @param run key of the run
 * @param stage that commits
 * @param number >= 0, grows from commit to commit of a stage: made of iteration and wave
 * @param metadata written beside the commit: digests of recipe, code and inputs
 */
public record CommitKey(String run, String stage, long number, Map<String, String> metadata) {
  public CommitKey {
    require(!run.isBlank() && !stage.isBlank(), "a commit needs a run and a stage, got '%s' and '%s'", run, stage);
    require(number >= 0, "a commit's number must be >= 0, got %s", number);
    metadata = Collections.unmodifiableMap(new TreeMap<>(metadata));
  }

  /** The transaction's application, one per table since a transaction covers one table. */
  String application(String table) {
    return run + "/" + stage + "/" + table;
  }
}
