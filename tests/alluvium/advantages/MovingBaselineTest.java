package alluvium.advantages;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import alluvium.tables.RecipeException;
import org.junit.jupiter.api.Test;

class MovingBaselineTest {
  private static final MovingBaseline BASELINE = new MovingBaseline(.9, .5);

  @Test
  void rewardsAgainstTheCarriedNumber() {
    assertArrayEquals(new double[] {.5, -.5}, BASELINE.advantages(new double[] {1, 0}, BASELINE.initial()), 1e-15);
  }

  @Test
  void aTenthOfTheBatchMeanGoesIn() {
    // .9 * .5 + .1 * (1 + 0 + 1 + 1)/4 = .45 + .075
    assertEquals(.525, BASELINE.next(.5, Moments.of(1, 0, 1, 1)), 1e-15);
  }

  @Test
  void anEmptyBatchChangesNothing() {
    assertEquals(.5, BASELINE.next(.5, Moments.NONE));
  }

  @Test
  void decayMustBeBelowOne() {
    assertThatThrownBy(() -> new MovingBaseline(1, 0)).isInstanceOf(RecipeException.class)
        .hasMessage("MovingBaseline.decay must be in [0, 1), got 1.0. 0.9 remembers ten iterations.");
    assertThatThrownBy(() -> new MovingBaseline(.9, Double.NaN)).isInstanceOf(RecipeException.class);
  }
}
