package alluvium.optimizers;

import java.io.Serializable;

/** The learning rate over the steps of a run, as a factor of its peak. */
public interface Schedule extends Serializable {
  /** Factor in [0, 1] for the 0-based step. */
  double factor(long step);
}
