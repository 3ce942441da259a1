package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import alluvium.jobs.ReportData.CompletionView;
import alluvium.jobs.ReportData.Count;
import alluvium.jobs.ReportData.EvaluationPoint;
import alluvium.jobs.ReportData.GroupView;
import alluvium.jobs.ReportData.Histogram;
import alluvium.jobs.ReportData.Point;
import alluvium.jobs.ReportData.PolicyVersion;
import alluvium.jobs.ReportData.Query;
import alluvium.jobs.ReportData.Series;
import alluvium.jobs.ReportData.StageTime;
import alluvium.spark.TestSession;
import alluvium.tables.Advantages;
import alluvium.tables.Evaluations;
import alluvium.tables.Metrics;
import alluvium.tables.Policies;
import alluvium.tables.Prompts;
import alluvium.tables.Rejects;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import alluvium.tables.Stages;
import alluvium.tables.Table;
import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ReportQueryTest {
  private static final Object ABSENT = null;
  private static SparkSession spark;

  @BeforeAll
  static void start() {
    spark = TestSession.spark();
  }

  @Test
  void seriesAreSortedAndThinned() {
    List<Row> rows = new ArrayList<>();
    IntStream.range(0, 5000).map(i -> 4999 - i).forEach(i -> rows.add(row("run", i, "update", "loss",
        i == 1234 ? 9.0 : 1.0 / (i + 1))));
    rows.add(row("run", 1, "generate", "entropy", 0.5));
    rows.add(row("run", 0, "generate", "entropy", Double.NaN));
    List<Series> series = ReportQuery.series(table(Metrics.TABLE, rows));
    assertEquals(2, series.size());
    assertEquals(new Series("generate", "entropy", List.of(new Point(0, Double.NaN), new Point(1, 0.5))),
        series.get(0));
    assertEquals("loss", series.get(1).name());
    assertThat(series.get(1).points()).hasSizeLessThanOrEqualTo(2000).contains(new Point(0, 1), new Point(1234, 9),
        new Point(4999, 1.0 / 5000));
  }

  @Test
  void evaluationsAndPoliciesComeInOrder() {
    assertEquals(List.of(new EvaluationPoint(0, "p0", "sums", "heldout", "pass@2", .25, .125, .5, 2, 8, 1),
            new EvaluationPoint(3, "p3", "sums", "heldout", "pass@2", .5, .25, .75, 2, 8, 0)),
        ReportQuery.evaluations(table(Evaluations.TABLE, List.of(
            row("run", 3, "p3", "sums", "heldout", "pass@2", .5, .25, .75, 8L, 2, 0L),
            row("run", 0, "p0", "sums", "heldout", "pass@2", .25, .125, .5, 8L, 2, 1L)))));
    assertEquals(List.of(new PolicyVersion(0, "main", "p0", "", "file:/p0", 0),
            new PolicyVersion(1, "main", "p1", "p0", "file:/p1", 4)),
        ReportQuery.policies(table(Policies.TABLE, List.of(
            row("run", 1, "main", "p1", "p0", "file:/p1", Map.of(), "file:/o1", 4L, "digest"),
            row("run", 0, "main", "p0", ABSENT, "file:/p0", Map.of(), ABSENT, 0L, "digest")))));
  }

  @Test
  void secondsOfWavesAddUp() {
    assertEquals(List.of(new StageTime(0, "generate", "commit", .5), new StageTime(0, "generate", "decode", 5),
            new StageTime(1, "score", "call", 1)),
        ReportQuery.times(table(Stages.TABLE, List.of(stage(1, "score", 0, Map.of("call", 1.0)),
            stage(0, "generate", 0, Map.of("decode", 2.0, "commit", .5)),
            stage(0, "generate", 1, Map.of("decode", 3.0))))));
  }

  @Test
  void rewardHistogramsShareTheirBins() {
    // 0 to 1 in at most 24 bins: 0.05 wide, 20 bins; 0.95 falls into the last, and so does 1; no reward, no count
    List<Histogram> histograms = ReportQuery.rewardHistograms(table(Advantages.TABLE, List.of(
        credit(0, "a", 0, 0.0, 0.0), credit(0, "a", 1, 0.05, 0.0), credit(0, "a", 2, 0.3, 0.0),
        credit(1, "a", 0, 1.0, 0.0), credit(1, "a", 1, 0.95, 0.0), credit(1, "a", 2, ABSENT, ABSENT),
        credit(2, "a", 0, ABSENT, ABSENT))));
    assertEquals(2, histograms.size());
    assertEquals(0, histograms.get(0).low());
    assertEquals(.05, histograms.get(0).width(), 1e-12);
    assertEquals(counts(20, 0, 1, 6), histograms.get(0).counts());
    assertEquals(counts(20, 19, 19), histograms.get(1).counts());
  }

  @Test
  void lengthHistogramsHaveWholeBins() {
    // lengths 1, 3, 3: width 2/24 -> 0.1 -> 1 token; bins [1, 2), [2, 3]
    List<Histogram> histograms = ReportQuery.lengthHistograms(table(Rollouts.TABLE, List.of(rollout(0, "a", 0, "x", 1),
        rollout(0, "a", 1, "x", 3), rollout(0, "a", 2, "x", 3))));
    assertEquals(List.of(new Histogram(0, ReportData.LENGTH, 1, 1, List.of(1L, 2L))), histograms);
    assertEquals(List.of(), ReportQuery.lengthHistograms(table(Rollouts.TABLE, List.of())));
  }

  @Test
  void widthsAreRoundNumbers() {
    assertEquals(1, ReportQuery.width(3, 3));
    assertEquals(.05, ReportQuery.width(0, 1), 1e-12);      // 0.0417
    assertEquals(2, ReportQuery.width(0, 48), 1e-12);
    assertEquals(2.5, ReportQuery.width(-10, 50), 1e-12);   // 60/24 = 2.5
    assertEquals(10, ReportQuery.width(0, 200), 1e-12);     // 8.33
  }

  @Test
  void countsComeLargestFirst() {
    Dataset<Row> rewards = table(Rewards.TABLE, List.of(verdict(0, "a", 0, "ok", 1.0, ABSENT),
        verdict(0, "a", 1, "timeout", ABSENT, "slow"), verdict(1, "a", 1, "ok", 0.0, ABSENT)));
    assertEquals(List.of(new Count("exact", "ok", 2), new Count("exact", "timeout", 1)),
        ReportQuery.verdicts(rewards));
    Dataset<Row> advantages = table(Advantages.TABLE, List.of(credit(0, "a", 0, 1.0, 0.5),
        dropped(0, "a", 1, 0.0, "all rewards equal"), dropped(0, "a", 2, 0.0, "all rewards equal"),
        dropped(0, "a", 3, ABSENT, "reward failed")));
    assertEquals(List.of(new Count("estimate", "all rewards equal", 2), new Count("estimate", "reward failed", 1)),
        ReportQuery.drops(advantages));
    assertEquals(List.of(new Count("sums, ingest", "no answer", 1)), ReportQuery.rejects(table(Rejects.TABLE,
        List.of(row("sums", "ingest", "4", "no answer", "{}")))));
  }

  @Test
  void bestAndWorstGroupsOfTheLastIteration() {
    Dataset<Row> prompts = table(Prompts.TABLE, List.of(
        row("a", "sums", "train", "1 + 1?", ABSENT, "2", ABSENT, Map.of()),
        row("b", "sums", "train", ABSENT, List.of(row("system", "Add."), row("user", "2 + 2?")), ABSENT, ABSENT,
            Map.of())));
    Dataset<Row> rollouts = table(Rollouts.TABLE, List.of(rollout(0, "a", 0, "old", 1), rollout(1, "a", 0, "two", 2),
        rollout(1, "a", 1, "2", 1), rollout(1, "b", 0, "y".repeat(3000), 3), rollout(1, "b", 1, "five", 2)));
    Dataset<Row> rewards = table(Rewards.TABLE, List.of(verdict(0, "a", 0, "ok", 9.0, ABSENT),
        verdict(1, "a", 0, "ok", 0.5, "extracted two"), verdict(1, "a", 1, "ok", 1.0, ABSENT),
        verdict(1, "b", 0, "timeout", ABSENT, "slow"), verdict(1, "b", 1, "ok", 0.0, ABSENT)));
    Dataset<Row> advantages = table(Advantages.TABLE, List.of(credit(0, "a", 0, 9.0, 0.0), credit(1, "a", 0, .5, -1.0),
        credit(1, "a", 1, 1.0, 1.0), dropped(1, "b", 0, ABSENT, "reward failed"), credit(1, "b", 1, 0.0, 0.0)));
    GroupView a = new GroupView(1, "a", "1 + 1?", "2", .75, List.of(
        new CompletionView(1, "2", 1, "ok", "", 1, "", 1, "stop"),
        new CompletionView(0, "two", .5, "ok", "extracted two", -1, "", 2, "stop")));
    GroupView b = new GroupView(1, "b", "system: Add.\n\nuser: 2 + 2?", "", 0, List.of(
        new CompletionView(1, "five", 0, "ok", "", 0, "", 2, "stop"),
        new CompletionView(0, "y".repeat(2001), Double.NaN, "timeout", "slow", Double.NaN, "reward failed", 3,
            "stop")));
    assertEquals(List.of(a, b), ReportQuery.best(prompts, rollouts, rewards, advantages));
    assertEquals(List.of(b, a), ReportQuery.worst(prompts, rollouts, rewards, advantages));
    Dataset<Row> unseen = rewards.where("sample = 0");   // a completion that no reward has seen
    assertEquals("skipped", ReportQuery.best(prompts, rollouts, unseen, advantages).get(0).completions().get(0)
        .status());
    assertEquals(List.of(), ReportQuery.best(prompts, rollouts, rewards, table(Advantages.TABLE, List.of())));
  }

  @Test
  void groupsAndCompletionsAreBounded() {
    List<Row> prompts = new ArrayList<>();
    List<Row> rollouts = new ArrayList<>();
    List<Row> rewards = new ArrayList<>();
    List<Row> advantages = new ArrayList<>();
    for (int g = 0; g < 20; g++) {
      String id = "g" + (10 + g);
      prompts.add(row(id, "sums", "train", "?", ABSENT, ABSENT, ABSENT, Map.of()));
      for (int s = 0; s < 20; s++) {
        rollouts.add(rollout(0, id, s, "x", 1));
        rewards.add(verdict(0, id, s, "ok", (double) g, ABSENT));
        advantages.add(credit(0, id, s, (double) g, 0.0));
      }
    }
    List<GroupView> best = ReportQuery.best(table(Prompts.TABLE, prompts), table(Rollouts.TABLE, rollouts),
        table(Rewards.TABLE, rewards), table(Advantages.TABLE, advantages));
    assertEquals(List.of("g29", "g28", "g27", "g26", "g25", "g24", "g23", "g22"),
        best.stream().map(GroupView::groupId).toList());
    assertThat(best).allSatisfy(g -> assertEquals(16, g.completions().size()));
  }

  @Test
  void theQueriesRun() {
    table(Evaluations.TABLE, List.of(row("it's \\ run", 0, "p0", "sums", "heldout", "pass@2", .25, .125, .5, 8L, 2,
        1L))).createOrReplaceTempView("v_evaluations");
    table(Advantages.TABLE, List.of(credit(0, "a", 0, 0.0, 0.5), credit(1, "a", 0, 0.0, -2.0),
        credit(1, "b", 0, 1.0, 0.5))).createOrReplaceTempView("v_advantages");
    table(Rollouts.TABLE, List.of(rollout(1, "a", 0, "wrong", 2), rollout(1, "b", 0, "right", 2)))
        .createOrReplaceTempView("v_rollouts");
    assertEquals(1, spark.sql(ReportQuery.queries("it's \\ run", t -> "v_" + t).get(0).sql()).count());
    List<Query> queries = ReportQuery.queries("run", t -> "v_" + t);
    assertEquals("[[a,2,0.0]]", spark.sql(queries.get(1).sql()).collectAsList().toString());
    assertEquals("[[a,0,0.0,-2.0,wrong], [b,0,1.0,0.5,right]]", spark.sql(queries.get(2).sql()).collectAsList()
        .toString());
  }

  private static Dataset<Row> table(Table table, List<Row> rows) {
    return spark.createDataFrame(rows, table.schema());
  }

  private static Row row(Object... values) {
    return RowFactory.create(values);
  }

  private static Row stage(int iteration, String stage, int wave, Map<String, Double> seconds) {
    return row("run", iteration, stage, wave, "done", Map.of(), Map.of(), Map.of(), 1L, "digest", seconds, "0.1.0",
        "recipe", new Timestamp(0));
  }

  private static Row credit(int iteration, String group, int sample, Object reward, Object advantage) {
    return row("run", iteration, 0, group, group, sample, reward, advantage, ABSENT, ABSENT, ABSENT);
  }

  private static Row dropped(int iteration, String group, int sample, Object reward, String reason) {
    return row("run", iteration, 0, group, group, sample, reward, ABSENT, ABSENT, ABSENT, reason);
  }

  private static Row verdict(int iteration, String group, int sample, String status, Object value, Object message) {
    return row("run", iteration, 0, group, group, sample, "exact", value, ABSENT, status, message, 1L, "Exact[]");
  }

  private static Row rollout(int iteration, String group, int sample, String text, int length) {
    List<Integer> tokens = IntStream.range(0, length).boxed().toList();
    List<Float> logp = tokens.stream().map(t -> -1f).toList();
    return row("run", iteration, 0, 0, group, group, sample, "p", ABSENT, List.of(1), tokens, logp, ABSENT, ABSENT,
        ABSENT, "stop", 5L, text, false);
  }

  private static List<Long> counts(int bins, int... hits) {
    Long[] counts = new Long[bins];
    Arrays.fill(counts, 0L);
    IntStream.of(hits).forEach(h -> counts[h]++);
    return List.of(counts);
  }
}
