package alluvium.advantages;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import alluvium.tables.RecipeException;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class GrpoTest {
  private static final Grpo GRPO = new Grpo(1e-6);

  @Test
  void halfRightHalfWrong() {
    double a = Math.sqrt(3) / 2;   // mean 1/2, std sqrt(1/3), so A = (1/2) / sqrt(1/3)
    assertArrayEquals(new double[] {a, -a, -a, a}, GRPO.advantages(new double[] {1, 0, 0, 1}), 1e-5);
  }

  @Test
  void oneRightOfFour() {
    // mean 1/4, squares 9/16 + 3/16 = 3/4, std sqrt(1/4) = 1/2
    assertArrayEquals(new double[] {1.5, -.5, -.5, -.5}, GRPO.advantages(new double[] {1, 0, 0, 0}), 1e-5);
  }

  @Test
  void zeroToThree() {
    // mean 3/2, squares 9/4 + 1/4 + 1/4 + 9/4 = 5, std sqrt(5/3) = 1.290994
    assertArrayEquals(new double[] {-1.161895, -.387298, .387298, 1.161895},
        GRPO.advantages(new double[] {0, 1, 2, 3}), 1e-5);
  }

  @Test
  void epsIsAddedToTheStandardDeviation() {
    // std 1/2, eps 1/2: the scores of oneRightOfFour halved
    assertArrayEquals(new double[] {.75, -.25, -.25, -.25}, new Grpo(.5).advantages(new double[] {1, 0, 0, 0}), 1e-12);
  }

  @Test
  void equalUpToRoundingIsZeroNotNoise() {
    double[] rewards = {.1 + .2, .3, .3};   // 0.30000000000000004 and 0.3
    assertArrayEquals(new double[3], GRPO.advantages(rewards), 0);
    assertArrayEquals(new double[1], GRPO.advantages(new double[] {5}), 0);
  }

  @Test
  void unchangedByAffineMaps() {
    double[] mapped = Arrays.stream(new double[] {0, 1, 2, 3}).map(r -> 7 * r - 40).toArray();
    assertArrayEquals(GRPO.advantages(new double[] {0, 1, 2, 3}), GRPO.advantages(mapped), 1e-5);
  }

  @Test
  void withoutTheDivisionItIsDrGrpo() {
    double[] rewards = {.2, .9, .4, 0};
    double scale = Stats.std(rewards) + 1e-6;
    double[] scaled = Arrays.stream(GRPO.advantages(rewards)).map(a -> a * scale).toArray();
    assertArrayEquals(new DrGrpo().advantages(rewards), scaled, 1e-12);
  }

  @Test
  void epsMustBePositive() {
    assertThatThrownBy(() -> new Grpo(0)).isInstanceOf(RecipeException.class)
        .hasMessage("Grpo.eps must be > 0 and finite, got 0.0. 1e-6 and 1e-4 are usual.");
  }
}
