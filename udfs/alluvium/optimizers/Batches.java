package alluvium.optimizers;

import static alluvium.tables.RecipeException.require;

import java.io.Serializable;

/**
 * How supervised training is cut into optimizer steps: so many of them, each over so many examples, whatever the number
 * of examples there is.
 *
 * @param count optimizer steps, at least 1
 * @param size examples of a step, at least 1; the last of a step's micro-batches may be smaller
 * @param shards gradient sums that a step is made of, in [1, size]: the most tasks that can work on it at once
 * @param microBatch examples differentiated together on an executor, in [1, size]: bounds memory, fixes the arithmetic
 */
public record Batches(int count, int size, int shards, int microBatch) implements Serializable {
  public Batches {
    require(count >= 1, "Batches.count must be >= 1, got %s", count);
    require(size >= 1, "Batches.size must be >= 1, got %s", size);
    require(shards >= 1 && shards <= size, "Batches.shards must be in [1, size = %s], got %s", size, shards);
    require(microBatch >= 1 && microBatch <= size, "Batches.microBatch must be in [1, size = %s], got %s", size,
        microBatch);
  }
}
