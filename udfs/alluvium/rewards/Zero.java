package alluvium.rewards;

import static alluvium.tables.RecipeException.require;

import java.util.OptionalDouble;

/**
 * A failed reward counts as 0 and the completion trains on it, as most training programs do. For comparison alone:
 * where a wrong answer earns 0, a right answer that the grader died on is pushed down like a wrong one, and where a
 * wrong answer earns more than 0, further than one. A grader that dies on a kind of answer teaches the policy to avoid
 * that kind, and no number of the run shows it. {@link Drop} learns nothing from such a completion.
 *
 * <p>A reward of 1 for a right answer among (1, 0, 1, failed): z-scores of (1, 0, 1, 0).
 *
 * @param timeoutSeconds wall seconds that one call may take, > 0
 * @param maxErrorShare largest share of failed calls of a reward in a wave that the run goes on with, 0 to 1
 */
public record Zero(double timeoutSeconds, double maxErrorShare) implements OnError {
  public Zero {
    TimeLimit.check("Zero.timeoutSeconds", timeoutSeconds);
    require(maxErrorShare >= 0 && maxErrorShare <= 1, "Zero.maxErrorShare must be in [0, 1], got %s", maxErrorShare);
  }

  @Override
  public int leastOk() {
    return 0;
  }

  @Override
  public OptionalDouble substitute() {
    return OptionalDouble.of(0);
  }
}
