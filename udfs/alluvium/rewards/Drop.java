package alluvium.rewards;

import static alluvium.tables.RecipeException.require;

import java.util.OptionalDouble;

/**
 * A completion of which a reward failed does not train: nobody knows whether it was good. Mean, spread and baselines of
 * its group are those of the other completions, so a failure moves no other advantage but for the smaller group. A
 * group with too few of them does not train either.
 *
 * <p>A reward of 1 for a right answer among (1, 0, 1, failed): z-scores of (1, 0, 1). {@link Zero} says what the other
 * way does.
 *
 * @param timeoutSeconds wall seconds that one call may take, > 0
 * @param leastOk fewest completions with all their rewards for a group to train, >= 1; a group that compares needs 2
 * @param maxErrorShare largest share of failed calls of a reward in a wave that the run goes on with, 0 to 1
 */
public record Drop(double timeoutSeconds, int leastOk, double maxErrorShare) implements OnError {
  public Drop {
    TimeLimit.check("Drop.timeoutSeconds", timeoutSeconds);
    require(leastOk >= 1, "Drop.leastOk must be >= 1, got %s", leastOk);
    require(maxErrorShare >= 0 && maxErrorShare <= 1, "Drop.maxErrorShare must be in [0, 1], got %s", maxErrorShare);
  }

  @Override
  public OptionalDouble substitute() {
    return OptionalDouble.empty();
  }
}
