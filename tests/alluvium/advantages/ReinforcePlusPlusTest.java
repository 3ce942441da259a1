package alluvium.advantages;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import alluvium.tables.RecipeException;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

class ReinforcePlusPlusTest {
  private static final double[] GROUP = {1, 0};

  @Test
  void theLongerCompletionShiftsTheMean() {
    ReinforcePlusPlus method = new ReinforcePlusPlus(1);
    double[] right = method.credit(1, new double[2], GROUP);
    double[] wrong = method.credit(0, new double[3], GROUP);
    assertArrayEquals(new double[] {1, 1}, right, 0);
    assertArrayEquals(new double[] {0, 0, 0}, wrong, 0);
    Moments tokens = Moments.of(1, 1, 0, 0, 0);
    assertEquals(.4, tokens.mean(), 1e-15);
    assertEquals(.3, tokens.variance(), 1e-15);   // (2 * .36 + 3 * .16) / 4
    // .6 / sqrt(.3) and -.4 / sqrt(.3)
    assertArrayEquals(new double[] {1.095445, 1.095445}, method.advantages(right, tokens), 1e-6);
    assertArrayEquals(new double[] {-.730297, -.730297, -.730297}, method.advantages(wrong, tokens), 1e-6);
  }

  @Test
  void theOutcomeIsWhatTheTokensHaveNotEarned() {
    // values .1, .2, -.4 sum to -.1, reward .9, so the outcome 1 falls on the last token: q = (.1, .2, .6)
    // gamma .5: R_3 = .6, R_2 = .2 + .3 = .5, R_1 = .1 + .25 = .35
    assertArrayEquals(new double[] {.35, .5, .6},
        new ReinforcePlusPlus(.5).credit(.9, new double[] {.1, .2, -.4}, GROUP), 1e-12);
  }

  @Test
  void undiscountedTheFirstTokenHasTheWholeReward() {
    assertEquals(.9, new ReinforcePlusPlus(1).credit(.9, new double[] {.1, .2, -.4}, GROUP)[0], 1e-12);
  }

  @Test
  void anEmptyCompletionHasNoCredit() {
    assertEquals(0, new ReinforcePlusPlus(1).credit(1, new double[0], GROUP).length);
  }

  @Test
  void oneTokenOrEqualReturnsAreZero() {
    ReinforcePlusPlus method = new ReinforcePlusPlus(1);
    assertArrayEquals(new double[1], method.advantages(new double[] {.7}, Moments.of(.7)), 0);
    assertArrayEquals(new double[2], method.advantages(new double[] {.1, .1}, Moments.of(.1, .1, .1)), 0);
    double[] rounded = {.3, .1 + .2};
    assertArrayEquals(new double[2], method.advantages(rounded, Moments.of(rounded)), 0);
  }

  @Test
  void theGuardShrinksWhatIsNearlyEqual() {
    double[] credit = {0, Math.sqrt(2) * 1e-4};   // variance 1e-8, so -+ sqrt(.5) 1e-4 / sqrt(2e-8)
    assertArrayEquals(new double[] {-.5, .5}, new ReinforcePlusPlus(1).advantages(credit, Moments.of(credit)), 1e-9);
  }

  @Test
  void whiteningHasMeanZeroAndVarianceOne() {
    double[] credit = {3, -1, .5, 8, 2};
    double[] white = new ReinforcePlusPlus(1).advantages(credit, Moments.of(credit));
    assertEquals(0, DoubleStream.of(white).sum(), 1e-12);
    assertEquals(1, Moments.of(white).variance(), 1e-8);
  }

  @Test
  void gammaMustBePositive() {
    assertThatThrownBy(() -> new ReinforcePlusPlus(0)).isInstanceOf(RecipeException.class)
        .hasMessage("ReinforcePlusPlus.gamma must be in (0, 1], got 0.0. The paper has 1.");
  }
}
