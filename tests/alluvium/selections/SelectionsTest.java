package alluvium.selections;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import alluvium.tables.RecipeException;
import org.junit.jupiter.api.Test;

class SelectionsTest {
  private static final MixedGroups MIXED = new MixedGroups("accuracy", 10);

  @Test
  void mixedGroupsTrainAndConstantOnesDoNot() {
    assertTrue(MIXED.keeps(new double[] {1, 0, 1}));
    assertFalse(MIXED.keeps(new double[] {1, 1, 1}));
    assertFalse(MIXED.keeps(new double[] {0, 0}));
    assertFalse(MIXED.keeps(new double[] {.3, .1 + .2}));   // they differ by 6e-17
  }

  @Test
  void aGroupOfOneOrNoneSaysNothing() {
    assertFalse(MIXED.keeps(new double[] {1}));
    assertFalse(MIXED.keeps(new double[0]));
  }

  @Test
  void everyGroupNeedsOneRound() {
    assertEquals(1, new EveryGroup().maxRounds());
  }

  @Test
  void badComponentsAreNamed() {
    assertThatThrownBy(() -> new MixedGroups("accuracy", 0)).isInstanceOf(RecipeException.class)
        .hasMessage("MixedGroups.maxRounds must be at least 1, got 0. 10 is usual.");
    assertThatThrownBy(() -> new MixedGroups(" ", 1)).isInstanceOf(RecipeException.class)
        .hasMessage("MixedGroups.metric must name a reward of the recipe, got ' '.");
  }
}
