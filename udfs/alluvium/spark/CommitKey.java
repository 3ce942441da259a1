package alluvium.spark;

import java.util.Map;
import java.util.TreeMap;

/**
 * What makes a commit happen once: a table takes each (run, stage, number) a single time.
 *
 * @param run key of the run
 * @param stage that commits
 * @param number grows from commit to commit of a stage: made of iteration and wave
 * @param metadata written beside the commit: digests of recipe, code and inputs
 */
public record CommitKey(String run, String stage, long number, Map<String, String> metadata) {
  public CommitKey {
    metadata = new TreeMap<>(metadata);
  }

  String application(String table) {
    return run + "/" + stage + "/" + table;
  }
}
