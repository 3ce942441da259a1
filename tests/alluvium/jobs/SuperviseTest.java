package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.policies.Checkpoint;
import alluvium.prompts.Task;
import alluvium.spark.Demonstrations;
import alluvium.spark.PolicyHandle;
import alluvium.spark.Rows;
import alluvium.spark.TestSession;
import alluvium.spark.TinyPolicies;
import alluvium.tables.DataException;
import alluvium.tables.Metrics;
import alluvium.tables.Policies;
import alluvium.tables.Stages;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;

class SuperviseTest {
  private static final String RECIPE = """
      objective:  {NegativeLogLikelihood: {}}
      normalizer: {PerToken: {}}
      optimizer:  {AdamW: {learningRate: 1.0e-2, beta1: 0.9, beta2: 0.95, eps: 1.0e-8, weightDecay: 0, maxNorm: 1,
                      schedule: {Constant: {warmup: 0}}}}
      steps:      {Batches: {count: 12, size: 12, shards: 2, microBatch: 4}}
      """;
  private static final String SCRATCH = "layers: 1\nhidden: 16\nheads: 2\nkvHeads: 1\nintermediate: 32\n"
      + "maxPositions: 24\nvocabulary: {Characters: {}}\n";

  @Test
  void lossFallsAndTheRunHasABaseAndAMainPolicy() {
    Path recipe = TinyRuns.file(RECIPE);
    Path scratch = TinyRuns.file(SCRATCH);
    for (int time = 0; time < 2; time++) {    // the second time does nothing
      Supervise.main(TinyRuns.arguments("supervised", recipe, "--source", TinyRuns.SOURCE, "--scratch", scratch
          .toString()));
    }
    Map<Integer, Double> loss = new TreeMap<>();
    for (Row row : TinyRuns.rows("supervised", Metrics.TABLE)) {
      if (Metrics.NAME.of(row).equals("loss")) {
        assertThat(loss.put(Metrics.ITERATION.of(row), Metrics.VALUE.of(row))).isNull();
      }
    }
    assertThat(loss).hasSize(12);
    assertThat(loss.get(0)).isCloseTo(Math.log(8), org.assertj.core.data.Offset.offset(0.1));    // of 8 tokens
    assertThat(loss.get(11)).isLessThan(loss.get(0) - 0.4);
    List<Row> policies = TinyRuns.rows("supervised", Policies.TABLE);
    assertThat(policies).hasSize(2).allMatch(r -> Policies.ITERATION.<Integer>of(r) == 0);
    Row main = policies.stream().filter(r -> Policies.ROLE.of(r).equals(Run.MAIN)).findFirst().orElseThrow();
    Row base = policies.stream().filter(r -> Policies.ROLE.of(r).equals(Run.BASE)).findFirst().orElseThrow();
    assertThat(Policies.PARENT.<String>of(main)).isEqualTo(Policies.POLICY_VERSION.of(base));
    assertThat(Policies.PARENT.absentIn(base)).isTrue();
    assertThat(TinyRuns.rows("supervised", Stages.TABLE)).hasSize(1);
  }

  @Test
  void slotsAndTheOrderOfRowsDoNotMatter() {
    SupervisedRecipe recipe = SupervisedRecipe.parse(RECIPE.replace("count: 12", "count: 3"), "recipe");
    Checkpoint start = TinyPolicies.checkpoint(5);
    PolicyHandle handle = TinyPolicies.handle(start);
    try (Run run = TinyRuns.open("fitted", "")) {
      var prompts = run.prompts(TinyRuns.SOURCE, "train");
      Set<Map<String, String>> digests = new HashSet<>();
      for (int slots : Rows.SLICES) {
        var examples = Demonstrations.of(prompts.repartition(slots), handle, start.config()).examples();
        Supervise.Fitted fitted = Supervise.fit(TestSession.spark().sparkContext(), recipe, start, handle, examples, 9,
            slots);
        digests.add(fitted.checkpoint().write(TestSession.newFolder().resolve("fitted")));
      }
      assertThat(digests).hasSize(1);
      var examples = Demonstrations.of(prompts, handle, start.config()).examples();
      Supervise.Fitted other = Supervise.fit(TestSession.spark().sparkContext(), recipe, start, handle, examples, 10,
          2);
      assertThat(other.checkpoint().write(TestSession.newFolder().resolve("other"))).isNotIn(digests);
    }
  }

  @Test
  void aSourceWithoutSolutionsIsRefused() {
    try (Run run = TinyRuns.open("ingest.unsolved", "")) {
      Ingest.ingest(run, List.of(Task.of("unsolved", "1+1=", Optional.of("2"))), 0, 0);
    }
    for (String source : List.of("unsolved", "nowhere")) {
      assertThatThrownBy(() -> Supervise.main(TinyRuns.arguments("unsolved-" + source, TinyRuns.file(RECIPE),
          "--source",
          source, "--policy", TinyRuns.POLICY.toString()))).isInstanceOf(DataException.class)
          .hasMessage("prompts: source " + source
          + " has no training task with a solution. Ingest one, or name another "
              + "source.");
      assertThat(TinyRuns.versions("unsolved-" + source)).isEmpty();
    }
  }
}
