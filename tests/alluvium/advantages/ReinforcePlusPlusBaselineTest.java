package alluvium.advantages;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.junit.jupiter.api.Test;

class ReinforcePlusPlusBaselineTest {
  private static final ReinforcePlusPlusBaseline METHOD = new ReinforcePlusPlusBaseline();

  @Test
  void centredOnTheGroupThenWhitenedOverTokens() {
    double[] group = {1, 0};
    double[] right = METHOD.credit(1, new double[2], group);
    double[] wrong = METHOD.credit(0, new double[3], group);
    assertArrayEquals(new double[] {.5, .5}, right, 0);
    assertArrayEquals(new double[] {-.5, -.5, -.5}, wrong, 0);
    // mean -.1, variance (2 * .36 + 3 * .16) / 4 = .3: .6 / sqrt(.3), -.4 / sqrt(.3)
    Moments tokens = Moments.of(.5, .5, -.5, -.5, -.5);
    assertArrayEquals(new double[] {1.095445, 1.095445}, METHOD.advantages(right, tokens), 1e-6);
    assertArrayEquals(new double[] {-.730297, -.730297, -.730297}, METHOD.advantages(wrong, tokens), 1e-6);
  }

  @Test
  void aGroupThatSaysNothingHasNoCredit() {
    assertArrayEquals(new double[2], METHOD.credit(.3, new double[2], new double[] {.3, .1 + .2}), 0);
    assertArrayEquals(new double[2], METHOD.credit(.3, new double[2], new double[] {.3}), 0);
  }

  @Test
  void oneTokenOrEqualCreditsAreZero() {
    assertArrayEquals(new double[1], METHOD.advantages(new double[] {.7}, Moments.of(.7)), 0);
    assertArrayEquals(new double[2], METHOD.advantages(new double[] {.1, .1}, Moments.of(.1, .1)), 0);
  }
}
