package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.rewards.Drop;
import alluvium.rewards.Faulty;
import alluvium.rewards.NumericAnswer;
import alluvium.rewards.WeightedSum;
import alluvium.rewards.Zero;
import alluvium.spark.Lake;
import alluvium.spark.TestSession;
import alluvium.tables.Evaluations;
import alluvium.tables.Policies;
import alluvium.tables.Rewards;
import alluvium.tables.Table;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;

class FaultsTest {
  private static final NumericAnswer SOUND = new NumericAnswer(1, 0, 1e-6);

  @Test
  void theArmsDifferInGraderAndInWhatBecomesOfFailures() {
    Recipe base = TinyRuns.recipe(TinyRuns.GRPO);
    List<Faults.Arm> arms = Faults.arms(base, 0.25);
    assertThat(arms).extracting(Faults.Arm::name).containsExactly("clean", "drop", "zero");
    assertThat(arms).extracting(a -> a.recipe().rewards().get("graded"))
        .containsExactly(SOUND, new Faulty(SOUND, 0.25), new Faulty(SOUND, 0.25));
    assertThat(arms).extracting(a -> a.recipe().onError())
        .containsExactly(new Drop(10, 2, 1), new Drop(10, 2, 1), new Zero(10, 1));
    for (Faults.Arm arm : arms) {
      assertThat(arm.recipe().rewards().get("correct")).isEqualTo(SOUND);
      assertThat(Evaluate.verifier(arm.recipe())).contains("correct");
      assertThat(arm.recipe().aggregation()).isEqualTo(new WeightedSum(Map.of("correct", 0.0, "graded", 1.0)));
      assertThat(arm.recipe().optimizer()).isEqualTo(base.optimizer());
    }
    assertThatThrownBy(() -> Faults.arms(Recipe.read(Path.of("conf/dapo.yaml")), 0.1))
        .hasMessageStartingWith("Faults takes a recipe with one reward, a verifier, and a selection that looks at");
  }

  @Test
  void theTable() {
    Faults.Accuracy low = new Faults.Accuracy(0.25, 0.5, 0.25, 0.125, 0.375);
    Faults.Accuracy high = new Faults.Accuracy(0.5, 0.5, 0, -0.125, 0.125);
    // gains 25 and 0 points: mean 12.5, std 25 / sqrt(2) = 17.7
    assertThat(Faults.table(List.of(new Faults.Outcome("clean", 0, 0, low, high),
        new Faults.Outcome("zero", 0, 3, low, low), new Faults.Outcome("zero", 1, 4, high, low)))).isEqualTo("""
        | arm | seed | failed | greedy before | after | gain [95%] | sampled before | after | gain [95%] |
        | --- | --- | --- | --- | --- | --- | --- | --- | --- |
        | clean | 0 | 0 | 25.0% | 50.0% | +25.0 [+12.5, +37.5] | 50.0% | 50.0% | +0.0 [-12.5, +12.5] |
        | zero | 0 | 3 | 25.0% | 50.0% | +25.0 [+12.5, +37.5] | 25.0% | 50.0% | +25.0 [+12.5, +37.5] |
        | zero | 1 | 4 | 50.0% | 50.0% | +0.0 [-12.5, +12.5] | 25.0% | 50.0% | +25.0 [+12.5, +37.5] |
        | **clean** | mean of 1 | 0 | 25.0% | 50.0% | +25.0 (std 0.0) | 50.0% | 50.0% | +0.0 (std 0.0) |
        | **zero** | mean of 2 | 4 | 37.5% | 50.0% | +12.5 (std 17.7) | 25.0% | 50.0% | +25.0 (std 0.0) |
        """);
  }

  @Test
  void theThreeArmsStartAlikeAndOnlyTheFaultyGraderFails() {
    String lake = TestSession.newFolder().resolve("lake").toString();
    Path recipe = TinyRuns.file(TinyRuns.GRPO.replace("tolerance: 1.0e-6", "tolerance: 0.5")
        .replace("maxTokens: 2", "maxTokens: 4"));
    Path supervised = TinyRuns.file("""
        objective:  {NegativeLogLikelihood: {}}
        normalizer: {PerToken: {}}
        optimizer:  {AdamW: {learningRate: 1.0e-2, beta1: 0.9, beta2: 0.95, eps: 1.0e-8, weightDecay: 0, maxNorm: 1,
                      schedule: {Constant: {warmup: 0}}}}
        steps:      {Batches: {count: 20, size: 16, shards: 2, microBatch: 8}}
        """);
    Path scratch = TinyRuns.file("layers: 1\nhidden: 16\nheads: 2\nkvHeads: 2\nintermediate: 32\nmaxPositions: 16\n"
        + "vocabulary: {Characters: {}}\n");
    Faults.main("--lake", lake, "--seeds", "1", "--seed", "5", "--iterations", "2", "--share", "1", "--tasks", "40",
        "--held-out", "6", "--recipe", recipe.toString(), "--supervised", supervised.toString(), "--scratch",
        scratch.toString());
    Map<String, Map<Integer, String>> versions = new HashMap<>();
    for (Row row : rows(lake, Policies.TABLE)) {
      versions.computeIfAbsent(Policies.RUN_ID.of(row), r -> new HashMap<>()).merge(Policies.ITERATION.of(row),
          Policies.POLICY_VERSION.of(row), (base, main) -> main);
    }
    assertThat(List.of("main.clean.5", "main.drop.5", "main.zero.5")).allSatisfy(run -> {
      assertThat(versions.get(run)).containsOnlyKeys(0, 1, 2);
      assertThat(versions.get(run).get(0)).isEqualTo(versions.get("main.clean.5").get(0));
    });
    Map<String, Long> failed = new HashMap<>();
    for (Row row : rows(lake, Rewards.TABLE)) {
      if (Rewards.VALUE.absentIn(row)) {
        failed.merge(Rewards.RUN_ID.<String>of(row) + " " + Rewards.NAME.of(row), 1L, Long::sum);
      }
    }
    assertThat(failed).containsOnlyKeys("main.drop.5 graded", "main.zero.5 graded");
    assertThat(rows(lake, Evaluations.TABLE).stream().filter(r -> Evaluations.ITERATION.<Integer>of(r) == 2)
        .map(r -> Evaluations.NAME.<String>of(r)).collect(Collectors.toSet())).contains("greedy_accuracy_gain",
        "sampled_accuracy_gain");
  }

  private static List<Row> rows(String lake, Table table) {
    return Lake.open(TestSession.spark(), lake).read(table).collectAsList();
  }
}
