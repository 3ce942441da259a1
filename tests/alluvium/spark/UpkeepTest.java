package alluvium.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.tables.DataException;
import alluvium.tables.Field;
import alluvium.tables.Metrics;
import alluvium.tables.Rewards;
import alluvium.tables.Stages;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Timestamp;
import java.util.ArrayList;
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

class UpkeepTest {
  private static final int COMMITS = 6;

  private final SparkSession spark = TestSession.spark();
  private final Path location = TestSession.newFolder().resolve("lake");
  private final Lake lake = Lake.open(spark, location.toString());
  private final Upkeep upkeep = new Upkeep(lake, Metrics.TABLE);
  private final List<Commit> commits = new ArrayList<>();

  @BeforeEach
  void manySmallCommits() {
    for (int i = 0; i < COMMITS; i++) {
      commits.add(lake.append(Metrics.TABLE, metric(i), key(i)));
    }
  }

  @Test
  void compactionChangesFilesAndNothingElse() throws Exception {
    String before = Digest.of(lake.read(Metrics.TABLE), Metrics.TABLE).text();
    assertThat(upkeep.surplus()).isEqualTo(5);
    assertThat(upkeep.compact(6)).isZero();
    assertThat(lake.version(Metrics.TABLE)).isEqualTo(6);
    assertThat(upkeep.compact(5)).isEqualTo(5);
    assertThat(lake.version(Metrics.TABLE)).isEqualTo(7);
    assertThat(upkeep.compact(1)).isZero();    // nothing is left to merge
    for (Lake each : List.of(lake, Lake.open(spark, location.toString()))) {
      assertThat(Digest.of(each.read(Metrics.TABLE), Metrics.TABLE).text()).isEqualTo(before);
      assertThat(each.read(Metrics.TABLE).inputFiles()).hasSize(1);
      assertThat(each.read(Metrics.TABLE, 3).count()).isEqualTo(3);
      for (int i : List.of(0, COMMITS - 1)) {    // commits under keys are found beneath the compaction
        Commit first = commits.get(i);
        assertThat(each.append(Metrics.TABLE, metric(i), key(i)))
            .isEqualTo(new Commit(first.version(), 1, first.digest(), true));
      }
    }
    AtomicInteger jobs = new AtomicInteger();
    SparkListener listener = new SparkListener() {
      @Override
      public void onJobStart(SparkListenerJobStart job) {
        jobs.incrementAndGet();
      }
    };
    spark.sparkContext().addSparkListener(listener);
    Commit next = lake.append(Metrics.TABLE, metric(COMMITS), key(COMMITS));
    lake.read(Metrics.TABLE, "run", COMMITS).collectAsList();
    spark.sparkContext().listenerBus().waitUntilEmpty();
    spark.sparkContext().removeSparkListener(listener);
    assertThat(next.version()).isEqualTo(8);
    assertThat(jobs.get()).isEqualTo(2);   // one writes, one reads: the checksum still lists files and transactions
    assertThat(lake.read(Metrics.TABLE).count()).isEqualTo(7);
  }

  @Test
  void tablesThatAreNeverUpdatedAreCompactedWithinTheirPartitions() {
    for (int i = 0; i < 4; i++) {
      lake.append(Rewards.TABLE, List.of(reward(i / 2, i)), key(i));    // two iterations of two files
    }
    String before = Digest.of(lake.read(Rewards.TABLE), Rewards.TABLE).text();
    Upkeep rewards = new Upkeep(lake, Rewards.TABLE);
    assertThat(rewards.compact(1)).isEqualTo(2);
    assertThat(lake.read(Rewards.TABLE).inputFiles()).hasSize(2);
    assertThat(Digest.of(lake.read(Rewards.TABLE), Rewards.TABLE).text()).isEqualTo(before);
    assertThat(lake.read(Rewards.TABLE, "run", 1).count()).isEqualTo(2);
  }

  @Test
  void aVacuumEndsOlderVersionsAndNothingElse() {
    String before = Digest.of(lake.read(Metrics.TABLE), Metrics.TABLE).text();
    assertThat(upkeep.vacuum(0).files()).isZero();    // every file is in use
    upkeep.compact(1);
    Upkeep.Stored gone = upkeep.vacuum(0);            // the manifest names no version
    assertThat(gone.files()).isGreaterThanOrEqualTo(6);
    assertThat(gone.bytes()).isPositive();
    assertThat(Digest.of(lake.read(Metrics.TABLE), Metrics.TABLE).text()).isEqualTo(before);
    assertThatThrownBy(() -> lake.read(Metrics.TABLE, 3).collectAsList()).hasStackTraceContaining("does not exist");
    Lake again = Lake.open(spark, location.toString());
    assertThat(again.append(Metrics.TABLE, metric(2), key(2)).repeated()).isTrue();
    assertThat(again.append(Metrics.TABLE, metric(6), key(6)).repeated()).isFalse();
    assertThat(again.read(Metrics.TABLE).count()).isEqualTo(7);
  }

  @Test
  void aVersionThatTheManifestNamesIsNotEndedUnasked() {
    lake.append(Stages.TABLE, List.of(stage(4, 6)), key(0));
    assertThat(upkeep.endangered(0)).isEmpty();    // nothing was rewritten yet
    upkeep.compact(1);
    assertThat(upkeep.endangered(1)).isEmpty();    // what was rewritten is retained for an hour
    assertThat(upkeep.endangered(0)).containsExactly(new Upkeep.Pin("run", 9, "update", 6),
        new Upkeep.Pin("run", 9, "update", 4));
    assertThatThrownBy(() -> upkeep.vacuum(0)).isInstanceOf(DataException.class)
        .hasMessage("metrics: a vacuum that retains 0 hours ends reading 2 versions that the manifest names, the "
            + "newest of them 6, of update of iteration 9 of run run. Retain more hours, or give those versions up");
    assertThat(lake.read(Metrics.TABLE, 4).count()).isEqualTo(4);
    upkeep.vacuum(1);
    assertThat(lake.read(Metrics.TABLE, 4).count()).isEqualTo(4);
    assertThat(upkeep.vacuumWhateverIsNamed(0).files()).isGreaterThanOrEqualTo(6);
    assertThatThrownBy(() -> lake.read(Metrics.TABLE, 4).collectAsList()).hasStackTraceContaining("does not exist");
    assertThat(lake.read(Metrics.TABLE).count()).isEqualTo(6);
  }

  @Test
  void aCheckpointStandsForTheLogBeforeIt() throws Exception {
    upkeep.compact(1);
    lake.transactions(Metrics.TABLE).snapshot().deltaLog().checkpoint();
    Path log = location.resolve("metrics/_delta_log");
    for (int version = 0; version < COMMITS; version++) {    // as the clean-up of an old log does
      Files.delete(log.resolve(String.format("%020d.json", version)));
    }
    Lake again = Lake.open(spark, location.toString());
    assertThat(again.append(Metrics.TABLE, metric(5), key(5))).isEqualTo(new Commit(6, 1, commits.get(5).digest(),
        true));
    assertThat(again.append(Metrics.TABLE, metric(6), key(6)).repeated()).isFalse();
    assertThat(again.read(Metrics.TABLE).count()).isEqualTo(7);
    assertThatThrownBy(() -> again.append(Metrics.TABLE, metric(1), key(1))).isInstanceOf(DataException.class)
        .hasMessageContaining("no commit of that number is in the log");
  }

  @Test
  void logsAreKeptAsLongAsTheManifest() {
    Row detail = spark.sql("DESCRIBE DETAIL " + lake.sqlName(Metrics.TABLE)).first();
    assertThat(detail.<String, String>getJavaMap(detail.fieldIndex("properties")))
        .containsEntry("delta.logRetentionDuration", "interval 3650 days");
  }

  private static CommitKey key(int number) {
    return new CommitKey("run", "score", number, Map.of());
  }

  private static List<Row> metric(int iteration) {
    return List.of(Metrics.TABLE.row(Map.of(Metrics.RUN_ID, "run", Metrics.ITERATION, iteration, Metrics.STAGE, "score",
        Metrics.NAME, "m", Metrics.VALUE, 0.5 * iteration)));
  }

  private static Row reward(int iteration, int sample) {
    Map<Field, Object> values = new HashMap<>(Map.of(Rewards.RUN_ID, "run", Rewards.ITERATION, iteration,
        Rewards.WAVE, 0, Rewards.PROMPT_ID, "p", Rewards.GROUP_ID, "p", Rewards.SAMPLE, sample,
        Rewards.NAME, "exact", Rewards.STATUS, "ok", Rewards.MILLIS, 0L, Rewards.FUNCTION, "Exact[]"));
    values.put(Rewards.VALUE, 1.0);
    return Rewards.TABLE.row(values);
  }

  private static Row stage(long input, long output) {
    Map<Field, Object> values = new HashMap<>(Map.of(Stages.RUN_ID, "run", Stages.ITERATION, 9, Stages.STAGE, "update",
        Stages.WAVE, 0, Stages.STATUS, "done", Stages.INPUTS, Map.of("metrics", input, "prompts", 0L), Stages.OUTPUTS,
        Map.of("metrics", output), Stages.ROWS, 8L, Stages.DIGEST, "d", Stages.SECONDS, Map.of("commit", 0.1)));
    values.put(Stages.DIGESTS, Map.of());
    values.put(Stages.CODE_VERSION, "0.1.0");
    values.put(Stages.RECIPE_DIGEST, "r");
    values.put(Stages.FINISHED_AT, new Timestamp(0));
    return Stages.TABLE.row(values);
  }
}
