package alluvium.rewards;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import alluvium.tables.DataException;
import alluvium.tables.RecipeException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ShapingTest {
  private static double overlong(SoftOverlong reward, int length) {
    return reward.verdict(new Sample("", "", "", length, false, Map.of())).value();
  }

  @Test
  void thePenaltyGrowsOverTheCache() {
    SoftOverlong dapo = new SoftOverlong(100, 20, 1);
    // lengths 70, 80: at or below 100 - 20; 90: 10/20; 81: 1/20
    assertEquals(0, overlong(dapo, 70));
    assertEquals(0, overlong(dapo, 80));
    assertEquals(-0.05, overlong(dapo, 81), 1e-15);
    assertEquals(-0.5, overlong(dapo, 90));
    assertEquals(-1, overlong(dapo, 100));
    assertEquals(-1, overlong(dapo, 5000));
    assertEquals(-0.25, overlong(new SoftOverlong(100, 20, 0.5), 90));
  }

  @Test
  void overlongParametersAreChecked() {
    assertEquals("SoftOverlong.cache must be in 1..maxLength = 100, got 101",
        assertThrows(RecipeException.class, () -> new SoftOverlong(100, 101, 1)).getMessage());
    assertThrows(RecipeException.class, () -> new SoftOverlong(0, 1, 1));
    assertThrows(RecipeException.class, () -> new SoftOverlong(100, 0, 1));
    assertThrows(RecipeException.class, () -> new SoftOverlong(100, 20, 0));
  }

  @Test
  void divergenceIsChargedPerToken() {
    // -(-1 - -1.5) = -0.5: the policy likes the token more than the reference does
    assertArrayEquals(new double[] {-0.5, 2, 0},
        new KlToReference().values(new double[] {-1, -3, -2}, new double[] {-1.5, -1, -2}), 1e-15);
    assertArrayEquals(new double[0], new KlToReference().values(new double[0], new double[0]));
    assertEquals("KlToReference: 1 sampled log-probabilities, but 2 of the reference", assertThrows(DataException.class,
        () -> new KlToReference().values(new double[1], new double[2])).getMessage());
    assertThrows(DataException.class,
        () -> new KlToReference().values(new double[] {-1}, new double[] {Double.NEGATIVE_INFINITY}));
  }

  @Test
  void rewardsAreWeighted() {
    WeightedSum sum = new WeightedSum(Map.of("answer", 1.0, "overlong", 0.5, "format", -2.0));
    // 1 * 1 - 2 * 0.25 + 0.5 * -0.5 = 0.25
    assertEquals(0.25, sum.aggregate(Map.of("overlong", -0.5, "answer", 1.0, "format", 0.25)));
    assertEquals(0.5, sum.weight("overlong"));
    assertEquals(List.of("answer", "format", "overlong"), List.copyOf(sum.weights().keySet()));
  }

  @Test
  void theOrderOfTheMapsDoesNotChangeTheSum() {
    Map<String, Double> forward = new LinkedHashMap<>();
    forward.put("a", 1.0);
    forward.put("b", 1e16);
    forward.put("c", -1e16);
    Map<String, Double> backward = new LinkedHashMap<>();
    backward.put("c", -1e16);
    backward.put("b", 1e16);
    backward.put("a", 1.0);
    WeightedSum sum = new WeightedSum(Map.of("c", 1.0, "b", 1.0, "a", 1.0));
    // in key order (1 + 1e16) - 1e16 = 0 in double precision; from the other end (-1e16 + 1e16) + 1 = 1
    assertEquals(0, sum.aggregate(forward));
    assertEquals(0, sum.aggregate(backward));
  }

  @Test
  void aNameMissingOnEitherSideIsAnError() {
    WeightedSum sum = new WeightedSum(Map.of("a", 1.0, "b", 1.0));
    assertEquals("WeightedSum: the completion has the rewards [a], but the weights are for [a, b]",
        assertThrows(DataException.class, () -> sum.aggregate(Map.of("a", 1.0))).getMessage());
    assertThrows(DataException.class, () -> sum.aggregate(Map.of("a", 1.0, "b", 1.0, "c", 1.0)));
    assertThrows(RecipeException.class, () -> sum.weight("c"));
    sum.check(Set.of("b", "a"));
    assertEquals("WeightedSum.weights names [a, b], but the recipe's rewards are [a, c]",
        assertThrows(RecipeException.class, () -> sum.check(Set.of("c", "a"))).getMessage());
    assertThrows(RecipeException.class, () -> new WeightedSum(Map.of()));
    assertThrows(RecipeException.class, () -> new WeightedSum(Map.of("a", Double.NaN)));
  }
}
