package alluvium.optimizers;

import java.io.Serializable;

/** How the completions of one update batch are cut into optimizer steps. */
public interface Steps extends Serializable {
  /** Passes over the batch. */
  int epochs();

  /** Optimizer steps per pass; every one gets as near as can be the same number of groups. */
  int miniBatches();

  /** Gradient sums that a step is made of: the most tasks that can work on it at once. Fixes the arithmetic. */
  int shards();

  /** Completions differentiated together on an executor: bounds memory and fixes the arithmetic. */
  int microBatch();
}
