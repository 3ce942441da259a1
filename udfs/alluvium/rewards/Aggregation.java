package alluvium.rewards;

import java.io.Serializable;
import java.util.Map;
import java.util.Set;

/**
 * Makes one number of the named rewards of a completion. All values are finite: of a failed reward comes what
 * {@link OnError} puts in its place, or the completion never comes.
 */
public interface Aggregation extends Serializable {
  double aggregate(Map<String, Double> rewards);

  /** Throws a RecipeException unless rewards of exactly these names can be aggregated. */
  void check(Set<String> names);

  /** The factor that the per-token values of the named reward carry into the token credit. */
  double weight(String name);
}
