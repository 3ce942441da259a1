package alluvium.spark;

import static org.assertj.core.api.Assertions.assertThat;

import alluvium.tables.Metrics;
import alluvium.tables.Rejects;
import alluvium.tables.Stages;
import alluvium.tables.Table;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Rows held by the driver are always those of the newest version, whoever made it. */
class RunRowsTest {
  private final SparkSession spark = TestSession.spark();
  private final String location = TestSession.newFolder().resolve("lake").toString();
  private final Lake lake = Lake.open(spark, location);
  private final Lake others = Lake.open(spark, location);

  @BeforeEach
  void threeCommitsOfTwoRuns() {
    append("a", 0, 0.5);
    append("b", 0, 1.5);
    append("a", 1, 2.5);
  }

  private void append(String run, int number, double value) {
    others.append(Metrics.TABLE, List.of(Metrics.TABLE.row(Map.of(Metrics.RUN_ID, run, Metrics.ITERATION, number,
        Metrics.STAGE, "s", Metrics.NAME, "m", Metrics.VALUE, value))), new CommitKey(run, "s", number, Map.of()));
  }

  private static String digest(List<Row> rows, Table table) {
    return Digest.of(rows, table).text();
  }

  private String read(String run) {
    return digest(others.read(Metrics.TABLE).filter(Metrics.RUN_ID.col().equalTo(run)).collectAsList(), Metrics.TABLE);
  }

  private void assertNewest() {
    for (String run : List.of("a", "b", "c")) {
      assertThat(digest(lake.rows(Metrics.TABLE, run), Metrics.TABLE)).isEqualTo(read(run));
    }
  }

  @Test
  void whatIsAddedChangedMergedOrTakenAwayIsSeen() {
    assertThat(lake.rows(Metrics.TABLE, "a")).extracting(Metrics.VALUE::<Double>of).containsExactlyInAnyOrder(0.5, 2.5);
    assertNewest();
    append("a", 2, 3.5);
    append("c", 0, 4.5);
    assertThat(lake.rows(Metrics.TABLE, "a")).hasSize(3);
    assertThat(lake.rows(Metrics.TABLE, "c")).hasSize(1);
    assertNewest();
    String name = lake.sqlName(Metrics.TABLE);
    spark.sql("ALTER TABLE " + name + " SET TBLPROPERTIES ('delta.appendOnly' = 'false')");
    spark.sql("UPDATE " + name + " SET value = 9 WHERE run_id = 'a' AND iteration = 1");
    assertThat(lake.rows(Metrics.TABLE, "a")).extracting(Metrics.VALUE::<Double>of)
        .containsExactlyInAnyOrder(0.5, 9.0, 3.5);
    assertNewest();
    assertThat(new Upkeep(lake, Metrics.TABLE).compact(1)).isPositive();
    assertNewest();
    spark.sql("DELETE FROM " + name + " WHERE run_id = 'b'");
    assertThat(lake.rows(Metrics.TABLE, "b")).isEmpty();
    assertNewest();
    spark.sql("ALTER TABLE " + name + " SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')");
    append("a", 3, 5.5);
    append("a", 4, 6.5);
    assertThat(new Upkeep(lake, Metrics.TABLE).compact(1)).isPositive();
    assertNewest();
    spark.sql("DELETE FROM " + name + " WHERE run_id = 'a' AND iteration > 2");    // marks rows of a file that stays
    assertThat(lake.rows(Metrics.TABLE, "a")).hasSize(3);
    assertNewest();
  }

  @Test
  void fewFilesTakeNoJobAndManyTakeOne() throws Exception {
    AtomicInteger jobs = new AtomicInteger();
    SparkListener listener = new SparkListener() {
      @Override
      public void onJobStart(SparkListenerJobStart job) {
        jobs.incrementAndGet();
      }
    };
    lake.version(Metrics.TABLE);
    spark.sparkContext().addSparkListener(listener);
    RunRows held = new RunRows(lake.transactions(Metrics.TABLE), Metrics.TABLE, "a", 1);
    assertThat(lake.rows(Metrics.TABLE, "a")).hasSize(2);
    assertThat(lake.rows(Metrics.TABLE, "a")).hasSize(2);
    spark.sparkContext().listenerBus().waitUntilEmpty();
    assertThat(jobs.get()).isZero();
    assertThat(held.newest()).hasSize(2);
    spark.sparkContext().listenerBus().waitUntilEmpty();
    assertThat(jobs.get()).isEqualTo(1);
    append("a", 2, 3.5);
    assertThat(digest(held.newest(), Metrics.TABLE)).isEqualTo(read("a"));
    spark.sparkContext().removeSparkListener(listener);
  }

  @Test
  void rowsAreThoseThatSparkReads() {
    Map<alluvium.tables.Field, Object> values = new HashMap<>(Map.of(Stages.RUN_ID, "a", Stages.ITERATION, 9,
        Stages.STAGE, "update", Stages.WAVE, 0, Stages.STATUS, "done", Stages.INPUTS, Map.of("metrics", 4L),
        Stages.OUTPUTS, Map.of("metrics", 5L), Stages.ROWS, 8L, Stages.DIGEST, "d", Stages.SECONDS,
        Map.of("commit", 0.1)));
    values.put(Stages.DIGESTS, Map.of("metrics", "m", "states", "t"));
    values.put(Stages.CODE_VERSION, "0.1.0");
    values.put(Stages.RECIPE_DIGEST, "r");
    values.put(Stages.FINISHED_AT, Timestamp.from(Instant.parse("2026-03-29T01:30:00Z")));
    others.append(Stages.TABLE, List.of(Stages.TABLE.row(values)), new CommitKey("a", "update", 9, Map.of()));
    Row held = lake.rows(Stages.TABLE, "a").get(0);
    assertThat(held).isEqualTo(others.read(Stages.TABLE).first()).isEqualTo(Stages.TABLE.row(values));
    assertThat(held.schema().fieldNames()).isEqualTo(Stages.TABLE.schema().fieldNames());
    assertThat(held.<String, String>getJavaMap(held.fieldIndex(Stages.DIGESTS.name())))
        .isEqualTo(Map.of("metrics", "m", "states", "t"));
    assertThat(lake.rows(Stages.TABLE, "none")).isEmpty();
    assertThat(lake.holds(Rejects.TABLE)).isFalse();
  }
}
