package alluvium.optimizers;

import static alluvium.tables.RecipeException.require;

/**
 * The update batch cut into equal parts, one optimizer step each, gone through once or several times.
 *
 * @param epochs passes over the batch, >= 1; from the second step on the policy is no longer the one that sampled
 * @param perIteration parts that an iteration's batch is cut into, >= 1; 1 and one epoch: strictly on-policy
 * @param shards gradient sums that a step is made of, >= 1: the most tasks that can work on it at once
 * @param microBatch completions differentiated together on an executor, >= 1
 */
public record MiniBatches(int epochs, int perIteration, int shards, int microBatch) implements Steps {
  public MiniBatches {
    require(epochs >= 1, "MiniBatches.epochs must be at least 1, got %s.", epochs);
    require(perIteration >= 1, "MiniBatches.perIteration must be at least 1, got %s.", perIteration);
    require(shards >= 1, "MiniBatches.shards must be at least 1, got %s. The number of cores is a good one.", shards);
    require(microBatch >= 1, "MiniBatches.microBatch must be at least 1, got %s. 8 suits most memories.", microBatch);
  }

  @Override
  public int miniBatches() {
    return perIteration;
  }
}
