package alluvium.references;

import java.io.Serializable;

/** Which policy of the run's main line serves as reference at an iteration. */
public interface Reference extends Serializable {
  /** The iteration whose starting policy is the reference, in [0, iteration]; -1 for none. */
  int iteration(int iteration);
}
