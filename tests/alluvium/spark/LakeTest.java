package alluvium.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.tables.Advantages;
import alluvium.tables.DataException;
import alluvium.tables.Evaluations;
import alluvium.tables.Field;
import alluvium.tables.Metrics;
import alluvium.tables.Policies;
import alluvium.tables.Prompts;
import alluvium.tables.Rejects;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import alluvium.tables.Stages;
import alluvium.tables.States;
import alluvium.tables.Table;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.StructField;
import org.junit.jupiter.api.Test;

class LakeTest {
  private static final List<Table> TABLES = List.of(Prompts.TABLE, Rejects.TABLE, Rollouts.TABLE, Rewards.TABLE,
      Advantages.TABLE, Policies.TABLE, Stages.TABLE, States.TABLE, Metrics.TABLE, Evaluations.TABLE);

  private final SparkSession spark = TestSession.spark();
  private final String location = TestSession.newFolder().resolve("lake").toString();
  private final Lake lake = Lake.open(spark, location);

  @Test
  void aCreationThatWasCutOffIsBegunAgain() throws IOException {
    Path log = Path.of(location, Metrics.TABLE.name(), "_delta_log");
    Files.createDirectories(log.resolve("_commits"));
    Files.writeString(log.resolve(".00000000000000000000.json.5f3a.tmp"), "{\"commitInfo\":");
    lake.append(Metrics.TABLE, metrics(0, 1), key("score", 0));
    assertThat(lake.read(Metrics.TABLE).count()).isEqualTo(1);

    Path other = Files.createDirectories(Path.of(location, Rejects.TABLE.name(), "_delta_log"));
    Files.writeString(other.resolve("notes.txt"), "mine");
    assertThatThrownBy(() -> lake.read(Rejects.TABLE)).isInstanceOf(DataException.class)
        .hasMessageContaining("is neither a table nor what is left of one");
  }

  @Test
  void everyTableIsMadeAsDefined() {
    for (Table table : TABLES) {
      assertThat(lake.version(table)).isZero();
      Dataset<Row> rows = lake.read(table);
      assertThat(rows.columns()).containsExactlyElementsOf(table.fields().stream().map(Field::name).toList());
      for (Field field : table.fields()) {
        StructField column = rows.schema().apply(field.name());
        assertThat(column.dataType().catalogString()).isEqualTo(field.type().catalogString());
        assertThat(column.getComment().get()).isEqualTo(field.doc());
      }
      Row detail = spark.sql("DESCRIBE DETAIL " + lake.sqlName(table)).first();
      assertThat(detail.<String>getAs("description")).isEqualTo(table.doc());
      assertThat(detail.<String>getList(detail.fieldIndex("partitionColumns")))
          .containsExactlyElementsOf(table.partitions().stream().map(Field::name).toList());
      Map<String, String> properties = detail.getJavaMap(detail.fieldIndex("properties"));
      assertThat(properties).containsEntry("delta.appendOnly", String.valueOf(table.appendOnly()))
          .doesNotContainKey("delta.setTransactionRetentionDuration");
      table.checks().forEach((name, condition) ->
          assertThat(properties).containsEntry("delta.constraints." + name, condition));
    }
  }

  @Test
  void secondCommitUnderAKeyIsNone() {
    Commit first = lake.append(Metrics.TABLE, metrics(0, 1.5, 2.5), key("score", 0));
    lake.append(Metrics.TABLE, metrics(1, 3.5), key("score", 1));
    lake.append(Metrics.TABLE, metrics(1, 9), key("other", 0));
    Commit again = Lake.open(spark, location).append(Metrics.TABLE, metrics(0, 7.5), key("score", 0));
    assertThat(first).isEqualTo(new Commit(1, 2, Digest.of(metrics(0, 1.5, 2.5), Metrics.TABLE).text(), false));
    assertThat(again).isEqualTo(new Commit(1, 2, first.digest(), true));
    assertThat(lake.version(Metrics.TABLE)).isEqualTo(3);
    assertThat(values(lake.read(Metrics.TABLE))).containsExactly(1.5, 2.5, 3.5, 9.0);
  }

  @Test
  void transactionAndMetadataAreInTheLog() {
    CommitKey key = new CommitKey("run", "score", 4, Map.of("recipe", "r\"1", "input.prompts", "3"));
    lake.append(Metrics.TABLE, metrics(0, 1), key);
    Row newest = spark.sql("DESCRIBE HISTORY " + lake.sqlName(Metrics.TABLE)).filter("version = 1").first();
    assertThat(newest.<String>getAs("userMetadata")).isEqualTo("{\"input.prompts\":\"3\",\"recipe\":\"r\\\"1\","
        + "\"rows\":1,\"digest\":\"" + Digest.of(metrics(0, 1), Metrics.TABLE).text() + "\"}");
    Row written = spark.read().json(location + "/metrics/_delta_log/00000000000000000001.json")
        .filter("txn IS NOT NULL").select("txn.appId", "txn.version").first();
    assertThat(written.getString(0)).isEqualTo("run/score/metrics");
    assertThat(written.getLong(1)).isEqualTo(4);
    // Delta's own writer sees it too, and skips
    spark.createDataFrame(metrics(0, 2), Metrics.TABLE.schema()).write().format("delta").mode("append")
        .option("txnAppId", "run/score/metrics").option("txnVersion", 4).save(location + "/metrics");
    assertThat(values(lake.read(Metrics.TABLE))).containsExactly(1.0);
  }

  @Test
  void numbersMustRise() {
    lake.append(Metrics.TABLE, metrics(3, 1), key("score", 3));
    assertThatThrownBy(() -> lake.append(Metrics.TABLE, metrics(2, 1), key("score", 2)))
        .isInstanceOf(DataException.class).hasMessage("metrics: run/score/metrics has committed a later number than 2, "
            + "and no commit of that number is in the log. Numbers must rise: use another run or stage to write an "
            + "earlier iteration again");
  }

  @Test
  void manyRunsOutgrowTheChecksumAndAreStillKnown() {
    spark.conf().set("spark.databricks.delta.setTransactionsInCrc.maxAllowed", "1");
    spark.conf().set("spark.databricks.delta.allFilesInCrc.thresholdNumFiles", "1");
    try {
      for (int i = 0; i < 3; i++) {
        lake.append(Metrics.TABLE, metrics(i, i), key("stage" + i, 0));
      }
      assertThat(lake.append(Metrics.TABLE, metrics(0, 9), key("stage1", 0)))
          .isEqualTo(new Commit(2, 1, Digest.of(metrics(1, 1), Metrics.TABLE).text(), true));
      assertThat(values(lake.read(Metrics.TABLE))).containsExactly(0.0, 1.0, 2.0);
    } finally {
      spark.conf().set("spark.databricks.delta.setTransactionsInCrc.maxAllowed", "1000");
      spark.conf().set("spark.databricks.delta.allFilesInCrc.thresholdNumFiles", "200");
    }
  }

  @Test
  void readsArePinned() {
    lake.append(Metrics.TABLE, metrics(0, 1), key("a", 0));
    Dataset<Row> before = lake.read(Metrics.TABLE);
    Dataset<Row> pinned = lake.read(Metrics.TABLE, 1);
    lake.append(Metrics.TABLE, metrics(1, 2), key("a", 1));
    assertThat(values(before)).containsExactly(1.0);
    assertThat(values(pinned)).containsExactly(1.0);
    assertThat(values(lake.read(Metrics.TABLE, 1))).containsExactly(1.0);
    assertThat(values(lake.read(Metrics.TABLE, 0))).isEmpty();
    assertThat(values(lake.read(Metrics.TABLE, 2))).containsExactly(1.0, 2.0);
    assertThat(values(lake.read(Metrics.TABLE, "run", 1))).containsExactly(2.0);
    assertThat(values(lake.read(Metrics.TABLE, "another", 1))).isEmpty();
  }

  @Test
  void partitionsOfRowsOnExecutors() {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      rows.add(reward(i % 2, i, "ok", 0.5 * i));
    }
    Dataset<Row> data = spark.createDataFrame(rows, Rewards.TABLE.schema()).repartition(7)
        .select("value", "status", "millis", "function", "message", "token_values", "run_id", "iteration", "wave",
            "prompt_id", "group_id", "sample", "name");   // any order
    Commit commit = lake.append(Rewards.TABLE, data, key("score", 0));
    assertThat(commit).isEqualTo(new Commit(1, 40, Digest.of(rows, Rewards.TABLE).text(), false));
    assertThat(Digest.of(lake.read(Rewards.TABLE), Rewards.TABLE).text()).isEqualTo(commit.digest());
    assertThat(lake.read(Rewards.TABLE, "run", 1).count()).isEqualTo(20);
    assertThat(lake.append(Rewards.TABLE, data.limit(0), key("score", 1)))
        .isEqualTo(new Commit(2, 0, Digest.EMPTY.text(), false));
  }

  @Test
  void rowsAreEvaluatedOnceInOneJob() throws Exception {
    lake.append(Metrics.TABLE, metrics(0, 1), key("a", 0));
    var evaluated = spark.sparkContext().longAccumulator();
    Dataset<Row> rows = spark.createDataFrame(metrics(1, 1, 2, 3), Metrics.TABLE.schema()).repartition(3)
        .map((MapFunction<Row, Row>) row -> {
          evaluated.add(1);
          return row;
        }, Encoders.row(Metrics.TABLE.schema()));
    AtomicInteger jobs = new AtomicInteger();
    SparkListener listener = new SparkListener() {
      @Override
      public void onJobStart(SparkListenerJobStart job) {
        jobs.incrementAndGet();
      }
    };
    spark.sparkContext().addSparkListener(listener);
    Commit commit = lake.append(Metrics.TABLE, rows, key("a", 1));
    lake.read(Metrics.TABLE, "run", 1).collectAsList();
    spark.sparkContext().listenerBus().waitUntilEmpty();
    spark.sparkContext().removeSparkListener(listener);
    assertThat(commit.rows()).isEqualTo(3);
    assertThat(evaluated.value()).isEqualTo(3);
    assertThat(jobs.get()).isEqualTo(2);   // one writes, one reads: none replays the log
  }

  @Test
  void constraintsRefuseRows() {
    Row wrong = reward(0, 1, "fine", 1.0);
    assertThatThrownBy(() -> lake.append(Rewards.TABLE, List.of(wrong), key("score", 0)))
        .hasStackTraceContaining("status_known");
    Dataset<Row> absent = spark.createDataFrame(metrics(0, 1), Metrics.TABLE.schema())
        .withColumn("value", functions.lit(null).cast("double"));
    assertThatThrownBy(() -> lake.append(Metrics.TABLE, absent, key("score", 0)))
        .hasStackTraceContaining("NOT NULL constraint violated for column: value");
    assertThat(lake.version(Rewards.TABLE)).isZero();
    assertThat(lake.version(Metrics.TABLE)).isZero();
    lake.append(Rewards.TABLE, List.of(reward(0, 1, "ok", 1.0)), key("score", 0));
    assertThatThrownBy(() -> spark.sql("DELETE FROM " + lake.sqlName(Rewards.TABLE)))
        .hasStackTraceContaining("append");
  }

  @Test
  void aFailingWriteCommitsNothing() {
    Dataset<Row> failing = spark.createDataFrame(metrics(0, 1, 2, 3), Metrics.TABLE.schema()).repartition(2)
        .map((MapFunction<Row, Row>) row -> {
          if (Metrics.VALUE.<Double>of(row) == 3) {
            throw new IllegalStateException("the third row");
          }
          return row;
        }, Encoders.row(Metrics.TABLE.schema()));
    assertThatThrownBy(() -> lake.append(Metrics.TABLE, failing, key("score", 0)))
        .hasStackTraceContaining("the third row");
    assertThat(lake.version(Metrics.TABLE)).isZero();
    assertThat(lake.append(Metrics.TABLE, metrics(0, 5), key("score", 0)).repeated()).isFalse();
    assertThat(values(lake.read(Metrics.TABLE))).containsExactly(5.0);
  }

  @Test
  void columnsMustFit() {
    Dataset<Row> rows = spark.createDataFrame(metrics(0, 1), Metrics.TABLE.schema());
    assertThatThrownBy(() -> lake.append(Metrics.TABLE, rows.drop("name"), key("score", 0)))
        .isInstanceOf(DataException.class).hasMessage("metrics: the rows have the columns "
            + "[run_id, iteration, stage, value], the table has [run_id, iteration, stage, name, value]");
    assertThatThrownBy(() -> lake.append(Metrics.TABLE, rows.withColumn("more", functions.lit(1)), key("score", 0)))
        .isInstanceOf(DataException.class).hasMessageContaining("more");
    assertThatThrownBy(() -> lake.append(Metrics.TABLE, rows.withColumn("value", functions.lit("x")), key("score", 0)))
        .isInstanceOf(DataException.class)
        .hasMessage("metrics: column value of the rows is string, not double; cast it");
    assertThatThrownBy(() -> lake.append(Metrics.TABLE, List.of(RowFactory.create("run", 1)), key("score", 0)))
        .isInstanceOf(DataException.class).hasMessage("metrics: a row has 2 columns, the table has 5: [run,1]");
    List<Row> bare = List.of(RowFactory.create("run", 0, "score", "m0", 1.0));
    assertThat(lake.append(Metrics.TABLE, bare, key("score", 0)).digest())
        .isEqualTo(Digest.of(metrics(0, 1), Metrics.TABLE).text());
  }

  @Test
  void anotherVersionsTableIsRefused() {
    spark.sql("SELECT 'r' AS run_id, 1 AS iteration, 's' AS stage, 'n' AS name").write().format("delta")
        .save(location + "/metrics");
    assertThatThrownBy(() -> lake.read(Metrics.TABLE)).isInstanceOf(DataException.class)
        .hasMessage("metrics: the table at %s/metrics has no column value; another version made it. Use another "
            + "lake, or add the column", location);
    spark.sql("SELECT 'r' AS run_id, 1 AS iteration, 'n' AS name, 'k' AS key, 'v' AS value").write().format("delta")
        .save(location + "/states");
    assertThatThrownBy(() -> lake.read(States.TABLE)).isInstanceOf(DataException.class)
        .hasMessage("states: column value of the table at %s/states is string, not double. Use another lake", location);
  }

  @Test
  void columnsOfOthersAreLeftAlone() {
    lake.append(Metrics.TABLE, metrics(0, 1), key("score", 0));
    spark.sql("ALTER TABLE " + lake.sqlName(Metrics.TABLE) + " ADD COLUMN remark STRING");
    Lake again = Lake.open(spark, location + "/");
    again.append(Metrics.TABLE, metrics(1, 2), key("score", 1));
    assertThat(again.read(Metrics.TABLE).columns()).doesNotContain("remark");
    assertThat(values(again.read(Metrics.TABLE))).containsExactly(1.0, 2.0);
  }

  @Test
  void replacesAnIteration() {
    lake.append(States.TABLE, List.of(state(0, 1), state(1, 2)), key("estimate", 0));
    Dataset<Row> rows = spark.createDataFrame(List.of(state(1, 7), state(1, 8)), States.TABLE.schema());
    Commit commit = lake.replace(States.TABLE, "run", 1, rows, key("again", 0));
    assertThat(commit).isEqualTo(new Commit(2, 2, Digest.of(rows, States.TABLE).text(), false));
    assertThat(values(lake.read(States.TABLE))).containsExactly(1.0, 7.0, 8.0);
    assertThat(lake.replace(States.TABLE, "run", 1, rows, key("again", 0)))
        .isEqualTo(new Commit(2, 2, commit.digest(), true));
    assertThatThrownBy(() -> lake.replace(States.TABLE, "run", 0, rows, key("again", 1)))
        .hasStackTraceContaining("iteration");   // rows of another iteration
    assertThatThrownBy(() -> lake.replace(Rewards.TABLE, "run", 0, rows, key("again", 1)))
        .isInstanceOf(DataException.class)
        .hasMessage("rewards: rows are never replaced; write iteration 0 again under another run");
  }

  @Test
  void runIdsAreNoSql() {
    String run = "it's \\' OR 1=1";
    Row row = States.TABLE.row(Map.of(States.RUN_ID, run, States.ITERATION, 0, States.NAME, "n", States.KEY, "",
        States.VALUE, 3.0));
    lake.append(States.TABLE, List.of(state(0, 1), row), key("a", 0));
    lake.replace(States.TABLE, run, 0, spark.createDataFrame(List.of(row), States.TABLE.schema()), key("b", 0));
    assertThat(values(lake.read(States.TABLE))).containsExactly(1.0, 3.0);
  }

  @Test
  void threadsCommitToDifferentTables() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(2);
    try {
      Future<Commit> one = threads.submit(() -> lake.append(Metrics.TABLE, metrics(0, 1), key("a", 0)));
      Future<Commit> two = threads.submit(() -> lake.append(States.TABLE, List.of(state(0, 2)), key("a", 0)));
      assertThat(List.of(one.get().version(), two.get().version())).containsExactly(1L, 1L);
    } finally {
      threads.shutdown();
    }
    assertThat(values(lake.read(Metrics.TABLE))).containsExactly(1.0);
    assertThat(values(lake.read(States.TABLE))).containsExactly(2.0);
  }

  @Test
  void oneOfTwoThatCommitTheSameAtOnceWins() throws Exception {
    lake.append(Metrics.TABLE, metrics(0, 1), key("a", 0));
    CyclicBarrier both = new CyclicBarrier(2);
    Lake other = Lake.open(spark, location);
    other.version(Metrics.TABLE);
    ExecutorService threads = Executors.newFixedThreadPool(2);
    List<Commit> commits = new ArrayList<>();
    try {
      List<Future<Commit>> futures = new ArrayList<>();
      for (Lake each : List.of(lake, other)) {
        Callable<Commit> commit = () -> {
          both.await();
          return each.append(Metrics.TABLE, metrics(1, 2), key("a", 1));
        };
        futures.add(threads.submit(commit));
      }
      for (Future<Commit> future : futures) {
        commits.add(future.get());
      }
    } finally {
      threads.shutdown();
    }
    assertThat(commits).extracting(Commit::repeated).containsExactlyInAnyOrder(true, false);
    assertThat(commits).extracting(Commit::version).containsExactly(2L, 2L);
    assertThat(values(lake.read(Metrics.TABLE))).containsExactly(1.0, 2.0);
  }

  @Test
  void tablesOfASchema() {
    Lake named = Lake.open(spark, "spark_catalog.layers_" + System.nanoTime());
    Commit commit = named.append(Metrics.TABLE, metrics(0, 1, 2), key("a", 0));
    named.append(States.TABLE, List.of(state(0, 1), state(1, 2)), key("a", 0));
    Dataset<Row> better = spark.createDataFrame(List.of(state(1, 5)), States.TABLE.schema());
    named.replace(States.TABLE, "run", 1, better, key("b", 0));
    assertThat(commit.version()).isEqualTo(1);
    assertThat(values(spark.sql("SELECT value FROM " + named.sqlName(Metrics.TABLE)))).containsExactly(1.0, 2.0);
    assertThat(values(named.read(Metrics.TABLE, 1))).containsExactly(1.0, 2.0);
    assertThat(values(named.read(States.TABLE))).containsExactly(1.0, 5.0);
    assertThat(named.append(Metrics.TABLE, metrics(0, 1, 2), key("a", 0)).repeated()).isTrue();
  }

  @Test
  void aRelativePathIsFromTheWorkingDirectory() {
    lake.append(Metrics.TABLE, metrics(0, 1, 2), key("a", 0));
    String relative = Path.of("").toAbsolutePath().relativize(Path.of(location)).toString();
    assertThat(relative).startsWith("..");
    Lake same = Lake.open(spark, relative);
    assertThat(values(same.read(Metrics.TABLE))).containsExactly(1.0, 2.0);
    same.append(States.TABLE, List.of(state(0, 1)), key("a", 0));
    assertThat(values(lake.read(States.TABLE))).containsExactly(1.0);
    assertThat(same.sqlName(States.TABLE)).isEqualTo("delta.`file:" + location + "/states`");
  }

  @Test
  void aLocationIsNeeded() {
    assertThatThrownBy(() -> Lake.open(spark, " ")).hasMessage("a lake needs a path or a schema, got ' '");
    assertThatThrownBy(() -> Lake.open(spark, "lake")).hasMessage("the lake lake names a schema, and the catalog of "
        + "this session forgets it at the end. For a folder write ./lake");
    assertThatThrownBy(() -> new CommitKey("run", "", 0, Map.of())).hasMessageContaining("needs a run and a stage");
    assertThatThrownBy(() -> new CommitKey("run", "a", -1, Map.of())).hasMessageContaining("must be >= 0, got -1");
  }

  private static CommitKey key(String stage, long number) {
    return new CommitKey("run", stage, number, Map.of());
  }

  private static List<Row> metrics(int iteration, double... values) {
    List<Row> rows = new ArrayList<>();
    for (double value : values) {
      rows.add(Metrics.TABLE.row(Map.of(Metrics.RUN_ID, "run", Metrics.ITERATION, iteration, Metrics.STAGE, "score",
          Metrics.NAME, "m" + rows.size(), Metrics.VALUE, value)));
    }
    return rows;
  }

  private static Row state(int iteration, double value) {
    return States.TABLE.row(Map.of(States.RUN_ID, "run", States.ITERATION, iteration, States.NAME, "n" + value,
        States.KEY, "", States.VALUE, value));
  }

  private static Row reward(int iteration, int sample, String status, double value) {
    Map<Field, Object> values = new HashMap<>(Map.of(Rewards.RUN_ID, "run", Rewards.ITERATION, iteration,
        Rewards.WAVE, 0, Rewards.PROMPT_ID, "p", Rewards.GROUP_ID, "p", Rewards.SAMPLE, sample,
        Rewards.NAME, "exact", Rewards.STATUS, status, Rewards.MILLIS, System.nanoTime(), Rewards.FUNCTION, "Exact[]"));
    values.put(Rewards.VALUE, value);
    return Rewards.TABLE.row(values);
  }

  private static List<Double> values(Dataset<Row> rows) {
    return rows.select("value").as(Encoders.DOUBLE()).collectAsList().stream().sorted().toList();
  }
}
