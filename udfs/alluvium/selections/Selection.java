package alluvium.selections;

import java.io.Serializable;

/** Decides which groups train, after scoring and before advantages. What it looks at is a second interface. */
public interface Selection extends Serializable {
  /** Most waves of prompts drawn to fill an update batch, at least 1. */
  int maxRounds();
}
