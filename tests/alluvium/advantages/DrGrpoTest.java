package alluvium.advantages;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.junit.jupiter.api.Test;

class DrGrpoTest {
  @Test
  void oneRightOfFour() {
    // mean 1/4
    assertArrayEquals(new double[] {.75, -.25, -.25, -.25}, new DrGrpo().advantages(new double[] {1, 0, 0, 0}), 1e-15);
  }

  @Test
  void equalUpToRoundingIsZeroNotNoise() {
    assertArrayEquals(new double[3], new DrGrpo().advantages(new double[] {.1 + .2, .3, .3}), 0);
    assertArrayEquals(new double[1], new DrGrpo().advantages(new double[] {5}), 0);
  }
}
