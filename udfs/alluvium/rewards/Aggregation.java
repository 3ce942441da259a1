package alluvium.rewards;

import java.io.Serializable;
import java.util.Map;

/**
 * Makes one number of the named rewards of a completion. All values are finite: rows with a failed reward never come.
 */
public interface Aggregation extends Serializable {
  double aggregate(Map<String, Double> rewards);

  /** The factor that the per-token values of the named reward carry into the token credit. */
  double weight(String name);
}
