package alluvium.selections;

import java.io.Serializable;

/** Decides which groups train, after scoring and before advantages. */
public interface Selection extends Serializable {
  /** Whether a group trains, by the values that {@link #metric} names, one per ok completion. */
  boolean keeps(double[] values);

  /** The reward looked at, by its key in the recipe. */
  String metric();

  /** Most waves of prompts drawn to fill an update batch, at least 1. */
  int maxRounds();
}
