package alluvium.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.advantages.DrGrpo;
import alluvium.rewards.Drop;
import alluvium.rewards.ExactAnswer;
import alluvium.rewards.NumericAnswer;
import alluvium.rewards.Reward;
import alluvium.rewards.SoftOverlong;
import alluvium.rewards.WeightedSum;
import alluvium.selections.EveryGroup;
import alluvium.tables.DataException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Row;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class ContrastTest {
  private static final Offset<Double> CLOSE = Offset.offset(1e-12);
  private static final String NAME = "correct";
  private static final Map<String, Reward> NUMERIC = Map.of(NAME, new NumericAnswer(1, 0, 1e-6));

  /** Verdicts of a group, sample by sample; NaN for a failed one. */
  private static List<Row> verdicts(String group, double... values) {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < values.length; i++) {
      rows.add(Double.isNaN(values[i]) ? Rows.failed(group, i, NAME) : Rows.reward(group, i, NAME, values[i]));
    }
    return rows;
  }

  private static JavaRDD<Row> credits(JavaRDD<Row> rewards, int slices) {
    return new Credit(new WeightedSum(Map.of(NAME, 1.0)), new Drop(10, 1, 1), new EveryGroup(), new DrGrpo(), 0,
        Set.of())
        .over(rewards, Rows.in(1, List.of()), slices).advantages();
  }

  private static Contrast.Found contrast(Contrast contrast, List<Row> before, List<Row> after, int slices) {
    JavaRDD<Row> old = Rows.in(slices, before);
    JavaRDD<Row> now = Rows.in(slices, after);
    return contrast.over(old, now, credits(old, slices), credits(now, slices), slices);
  }

  private static List<Row> joined(List<Row> some, List<Row> more) {
    List<Row> all = new ArrayList<>(some);
    all.addAll(more);
    return all;
  }

  @Test
  void outcomesAndSignsByHand() {
    // group g: advantages before +1/2 -1/2 -1/2 +1/2; after, without the failed one, mean 2/3: +1/3 -2/3 +1/3
    List<Row> before = joined(verdicts("g", 1, 0, 0, 1), verdicts("h", 0, 0));
    List<Row> after = joined(verdicts("g", 1, 0, 1, Double.NaN), verdicts("h", 0, 0));
    Set<Contrast.Found> all = new HashSet<>();
    for (int slices : Rows.SLICES) {
      all.add(contrast(new Contrast(NUMERIC, NUMERIC), before, after, slices));
    }
    assertThat(all).hasSize(1);
    Contrast.Found found = all.iterator().next();
    Contrast.Pairing pairing = found.byName().get(NAME);
    // right: one stays, one fails; wrong: one becomes right, three (two of them h's) stay
    assertThat(pairing.cells()).containsExactly(1L, 0L, 1L, 1L, 3L, 0L, 0L, 0L, 0L);
    assertThat(pairing.failedBefore()).isZero();
    assertThat(pairing.failedAfter()).isEqualTo(1);
    assertThat(pairing.values().count()).isEqualTo(5);
    assertThat(pairing.values().meanX()).isCloseTo(1.0 / 5, CLOSE);
    assertThat(pairing.values().meanY()).isCloseTo(2.0 / 5, CLOSE);
    assertThat(found.completions()).isEqualTo(6);
    assertThat(found.unmatched()).isZero();
    assertThat(found.groups()).isEqualTo(2);
    assertThat(found.credited()).isEqualTo(1);
    assertThat(found.flippedGroups()).isEqualTo(1);
    assertThat(found.flippedShare()).isEqualTo(0.5);
    assertThat(found.worst()).hasSize(1);
    Contrast.Flip flip = found.worst().get(0);
    assertThat(flip.promptId()).isEqualTo("g");
    assertThat(flip.flipped()).isEqualTo(1);
    assertThat(flip.completions()).isEqualTo(3);
    assertThat(flip.moved()).isCloseTo(5.0 / 6, CLOSE);    // from -1/2 to +1/3
  }

  @Test
  void fromNothingToSomethingIsNoChangeOfSign() {
    Contrast.Found found = contrast(new Contrast(NUMERIC, NUMERIC), verdicts("g", 1, 1), verdicts("g", 1, 0), 2);
    assertThat(found.flippedGroups()).isZero();
    assertThat(found.credited()).isZero();
    assertThat(found.groups()).isEqualTo(1);
  }

  @Test
  void theWorstTenByHowFarTheyMove() {
    List<Row> before = new ArrayList<>();
    List<Row> after = new ArrayList<>();
    for (int i = 1; i <= 12; i++) {
      String group = String.format("g%02d", i);
      before.addAll(verdicts(group, i, -i));
      after.addAll(verdicts(group, -i, i));    // advantages +i and -i become -i and +i: 2 i each
    }
    Contrast.Found found = contrast(new Contrast(Map.of(NAME, new SoftOverlong(9, 1, 1)), Map.of(NAME,
        new SoftOverlong(9, 1, 1))), before, after, 2);
    assertThat(found.flippedGroups()).isEqualTo(12);
    assertThat(found.flippedCompletions()).isEqualTo(24);
    assertThat(found.worst()).extracting(Contrast.Flip::promptId).containsExactly("g12", "g11", "g10", "g09", "g08",
        "g07", "g06", "g05", "g04", "g03");
    assertThat(found.worst().get(0).moved()).isEqualTo(48);
    assertThat(found.byName().get(NAME).cells()).isEmpty();
    assertThat(found.byName().get(NAME).values().correlation()).isCloseTo(-1, CLOSE);
  }

  @Test
  void completionsThatOnlyOneJudgementHas() {
    Contrast.Found found = contrast(new Contrast(NUMERIC, Map.of("other", new ExactAnswer(1, 0))),
        verdicts("g", 1, 0, 1), verdicts("g", 1, 0), 2);
    assertThat(found.completions()).isEqualTo(2);
    assertThat(found.unmatched()).isEqualTo(1);
    assertThat(found.byName()).isEmpty();
  }

  @Test
  void aValueThatTheVerifierCannotHaveGiven() {
    assertThatThrownBy(() -> contrast(new Contrast(NUMERIC, NUMERIC), verdicts("g", 1, 0.5), verdicts("g", 1, 0), 2))
        .isInstanceOf(DataException.class).hasMessage("rewards: g, sample 1, correct is 0.5, which is neither right"
            + " (1.0) nor wrong (0.0) for NumericAnswer[right=1.0, wrong=0.0, tolerance=1.0E-6]. It was judged by f:"
            + " give the recipe that names it.");
  }
}
