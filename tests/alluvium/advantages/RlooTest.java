package alluvium.advantages;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.junit.jupiter.api.Test;

class RlooTest {
  @Test
  void eachAgainstTheMeanOfTheRest() {
    // the right one against (0 + 0 + 0)/3, a wrong one against (1 + 0 + 0)/3
    check(new double[] {1, 0, 0, 0}, 1, -1 / 3.0, -1 / 3.0, -1 / 3.0);
    // 1 - (1 + 0 + 0)/3, 0 - (1 + 1 + 0)/3
    check(new double[] {1, 1, 0, 0}, 2 / 3.0, 2 / 3.0, -2 / 3.0, -2 / 3.0);
    // 0 - 6/3, 1 - 5/3, 2 - 4/3, 3 - 3/3
    check(new double[] {0, 1, 2, 3}, -2, -2 / 3.0, 2 / 3.0, 2);
  }

  @Test
  void isDrGrpoTimesGOverGLessOne() {
    double[] rewards = {.3, -2, 5};
    double[] dr = new DrGrpo().advantages(rewards);
    check(rewards, 1.5 * dr[0], 1.5 * dr[1], 1.5 * dr[2]);
  }

  @Test
  void equalUpToRoundingIsZeroNotNoise() {
    assertArrayEquals(new double[3], new Rloo().advantages(new double[] {.1 + .2, .3, .3}), 0);
    assertArrayEquals(new double[1], new Rloo().advantages(new double[] {5}), 0);
  }

  private static void check(double[] rewards, double... expected) {
    assertArrayEquals(expected, new Rloo().advantages(rewards), 1e-12);
  }
}
