package alluvium.advantages;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import alluvium.tables.RecipeException;
import org.junit.jupiter.api.Test;

class LitePpoTest {
  private static final double[] NEARLY_SOLVED = {.999, 1, 1, 1};

  @Test
  void theBatchStandardDeviationLeavesANearlySolvedGroupAlone() {
    Moments batch = Moments.of(.999, 1, 1, 1, 1, 0, 0, 0, 1, 1, 0, 0);
    assertEquals(.514855, batch.std(), 1e-6);
    // mean .99975: -.00075 / .514855 and .00025 / .514855, where the group's own std .0005 gives -1.5 and .5
    assertArrayEquals(new double[] {-.001457, .000486, .000486, .000486},
        new LitePpo(1e-6).advantages(NEARLY_SOLVED, batch), 1e-6);
    assertArrayEquals(new double[] {-1.497, .499, .499, .499}, new Grpo(1e-6).advantages(NEARLY_SOLVED), 1e-3);
  }

  @Test
  void aBatchOfOneGroupIsGrpo() {
    assertArrayEquals(new Grpo(1e-6).advantages(NEARLY_SOLVED),
        new LitePpo(1e-6).advantages(NEARLY_SOLVED, Moments.of(NEARLY_SOLVED)), 1e-9);
  }

  @Test
  void equalRewardsAreZeroWhateverTheBatch() {
    assertArrayEquals(new double[3],
        new LitePpo(1e-6).advantages(new double[] {.1 + .2, .3, .3}, Moments.of(.3, .3, .3, 0)), 0);
    assertArrayEquals(new double[2], new LitePpo(1e-6).advantages(new double[] {1, 1}, Moments.of(1, 1)), 0);
  }

  @Test
  void epsMustBePositive() {
    assertThatThrownBy(() -> new LitePpo(-1)).isInstanceOf(RecipeException.class)
        .hasMessage("LitePpo.eps must be > 0 and finite, got -1.0. The usual value is 1e-6.");
  }
}
