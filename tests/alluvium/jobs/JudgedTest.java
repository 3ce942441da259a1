package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import alluvium.rewards.Drop;
import alluvium.rewards.Zero;
import alluvium.spark.TestSession;
import alluvium.tables.Field;
import alluvium.tables.Rewards;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;

class JudgedTest {
  private static final int[] SLICES = {1, 7};

  private final List<Row> rows = new ArrayList<>();

  private void add(int times, String name, String status, String message) {
    for (int i = 0; i < times; i++) {
      Map<Field, Object> values = new HashMap<>(Map.of(Rewards.RUN_ID, "a", Rewards.ITERATION, 0, Rewards.WAVE, 0,
          Rewards.PROMPT_ID, "p", Rewards.GROUP_ID, "p", Rewards.SAMPLE, rows.size(), Rewards.NAME, name,
          Rewards.STATUS, status, Rewards.MILLIS, 0L, Rewards.FUNCTION, "f"));
      values.put(Rewards.MESSAGE, message);
      if ("ok".equals(status)) {
        values.put(Rewards.VALUE, 1.0);
      }
      rows.add(Rewards.TABLE.row(values));
    }
  }

  private JavaRDD<Row> rdd(int slices) {
    return JavaSparkContext.fromSparkContext(TestSession.spark().sparkContext()).parallelize(rows, slices);
  }

  private List<String> excess(double maxErrorShare) {
    return Judged.of(rdd(2)).excess(new Drop(10, 2, maxErrorShare), rdd(2));
  }

  @Test
  void aShareAtTheLimitIsAllowedAndOneAboveIsNot() {
    add(29, "r", "error", "IllegalStateException: broken");
    add(71, "r", "ok", "");
    assertThat(excess(0.29)).isEmpty();    // 0.29 * 100 is 28.999999999999996 in double: 29 / 100 is compared instead
    assertThat(excess(0.28)).containsExactly(
        "r failed 29 of 100 times (error 29), mostly with 29 x 'IllegalStateException: broken'");
    add(1, "r", "error", "IllegalStateException: broken");
    assertThat(excess(0.29)).hasSize(1);   // 30 / 101 = 0.297
    assertThat(Judged.of(rdd(2)).excess(new Zero(10, 0.29), rdd(2))).hasSize(1);
    assertThat(Judged.of(rdd(2)).excess(new Zero(10, 1), rdd(2))).isEmpty();
  }

  @Test
  void everyRewardThatFailsTooOftenIsNamedWithItsStatusesAndMessages() {
    add(2, "a", "ok", "");
    add(1, "b", "ok", "");
    add(3, "b", "error", "x: 100%");
    add(2, "b", "timeout", "z");
    add(2, "b", "unparseable", "y");
    add(1, "b", "error", "rare");
    add(7, "b", "skipped", "on purpose");
    add(1, "c", "error", "c".repeat(300));
    for (int slices : SLICES) {
      Judged judged = Judged.of(rdd(slices));
      assertThat(judged.excess(new Drop(10, 2, 0.4), rdd(slices))).containsExactly(
          "b failed 8 of 16 times (error 4, timeout 2, unparseable 2, skipped 7), mostly with 3 x 'x: 100%', 2 x 'y',"
              + " 2 x 'z'",
          "c failed 1 of 1 times (error 1), mostly with 1 x '" + "c".repeat(200) + "'");
      assertThat(judged.excess(new Drop(10, 2, 0.5), rdd(slices))).hasSize(1);    // 8 of 16; skipped is no failure
    }
  }

  @Test
  void metricsCountByRewardAndStatus() {
    add(2, "correct", "ok", "");
    add(3, "correct", "error", "e");
    add(1, "correct", "timeout", "t");
    add(4, "other", "ok", "");
    for (int slices : SLICES) {
      assertThat(Judged.of(rdd(slices)).metrics(TinyRuns.recipe(TinyRuns.GRPO))).isEqualTo(Map.of("accuracy", 1.0,
          "reward_mean.correct", 1.0, "reward_mean.other", 1.0, "rows_failed", 4.0, "reward_failed.correct", 4.0,
          "reward_failed.correct.error", 3.0, "reward_failed.correct.timeout", 1.0, "reward_failed.other", 0.0));
    }
  }
}
