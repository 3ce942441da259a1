package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.spark.Lake;
import alluvium.spark.TestSession;
import alluvium.tables.Advantages;
import alluvium.tables.DataException;
import alluvium.tables.Metrics;
import alluvium.tables.Policies;
import alluvium.tables.RecipeException;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import alluvium.tables.Stages;
import alluvium.tables.States;
import alluvium.tables.Table;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class RerunTest {
  private static final String NAME = "rerun";
  private static final Path RECIPE = TinyRuns.file(TinyRuns.GRPO
      .replace("samples: 8", "samples: 5").replace("EveryGroup: {}", "MixedGroups: {metric: correct, maxRounds: 3}")
      .replace("Grpo: {eps: 1.0e-6}", "MovingBaseline: {decay: 0.5, initial: 1}")
      .replace("regularizers: []", "regularizers: [{Kl: {beta: 0.1, estimator: {K3: {}}, gradient: {Direct: {}}}}]")
      .replace("NoReference", "Initial"));

  @BeforeAll
  static void twoIterations() {
    Iterate.main(TinyRuns.arguments(NAME, RECIPE, "--source", TinyRuns.SOURCE, "--iterations", "2", "--policy",
        TinyRuns.POLICY.toString()));
  }

  private static String[] arguments(String run, String... more) {
    List<String> all = new ArrayList<>(List.of("--source", TinyRuns.SOURCE));
    all.addAll(List.of(more));
    return TinyRuns.arguments(run, RECIPE, all.toArray(String[]::new));
  }

  /** All that a job could leave behind. */
  private static List<String> traces() throws IOException {
    Lake lake = Lake.open(TestSession.spark(), TinyRuns.LAKE.toString());
    List<String> traces = new ArrayList<>();
    for (Table table : List.of(Rollouts.TABLE, Rewards.TABLE, Advantages.TABLE, States.TABLE, Metrics.TABLE,
        Policies.TABLE, Stages.TABLE)) {
      traces.add(table.name() + " " + lake.version(table));
    }
    try (Stream<Path> files = Files.walk(TinyRuns.LAKE.resolve("_policy_files"))) {
      files.sorted().forEach(f -> traces.add(f.toString()));
    }
    return traces;
  }

  @Test
  void everyStageOfAnIterationIsAsItWasAndNothingIsWritten() throws IOException {
    List<String> before = traces();
    try (Run run = TinyRuns.open(NAME, Recipe.read(RECIPE).digest())) {
      for (int iteration = 0; iteration < 2; iteration++) {
        List<Rerun.Line> lines = Rerun.rerun(run, Recipe.read(RECIPE), TinyRuns.SOURCE, iteration);
        int at = iteration;
        long waves = TinyRuns.rows(NAME, Stages.TABLE, at).stream()
            .filter(r -> Stages.STAGE.of(r).equals(Generate.STAGE)).count();
        List<String> names = new ArrayList<>();
        for (int wave = 0; wave < waves; wave++) {
          names.addAll(List.of("generate wave " + wave, "score wave " + wave));
        }
        names.addAll(List.of("estimate", "update", "policy", "optimizer"));
        assertThat(lines).extracting(Rerun.Line::name).containsExactlyElementsOf(names);
        assertThat(lines).allMatch(Rerun.Line::equal);
        assertThat(lines).extracting(Rerun.Line::again).doesNotContain("-");
        assertThat(lines.get(lines.size() - 2).again()).isEqualTo(TinyRuns.versions(NAME).get(iteration + 1));
      }
    }
    Rerun.main(arguments(NAME, "--iteration", "1"));
    assertThat(traces()).isEqualTo(before);
  }

  @Test
  void anotherSeedIsSeenAtTheFirstStage() {
    assertThatThrownBy(() -> Rerun.main(arguments(NAME, "--iteration", "0", "--seed", "1")))
        .isInstanceOf(DataException.class).hasMessageMatching("iteration 0 of run rerun is another one at generate wave"
            + " 0: recorded (20-[0-9a-f]{32}), stored now \\1, computed again (?!\\1)20-[0-9a-f]{32}\\. Give the seed,"
            + " the prompts' source and the version of the code that the run had\\.");
  }

  @Test
  void aRewardThatWasChangedByHandIsSeenAtScore() {
    String run = "rerun-changed";
    Iterate.main(arguments(run, "--iterations", "1", "--policy", TinyRuns.POLICY.toString()));
    String rewards = "delta.`" + TinyRuns.LAKE.resolve("rewards") + "`";
    TestSession.spark().sql("ALTER TABLE " + rewards + " SET TBLPROPERTIES ('delta.appendOnly' = 'false')");
    TestSession.spark().sql("UPDATE " + rewards + " SET value = 1 - value WHERE run_id = '" + run
        + "' AND iteration = 0 AND wave = 0 AND sample = 3");
    TestSession.spark().sql("ALTER TABLE " + rewards + " SET TBLPROPERTIES ('delta.appendOnly' = 'true')");
    assertThatThrownBy(() -> Rerun.main(arguments(run, "--iteration", "0"))).isInstanceOf(DataException.class)
        .hasMessageMatching("iteration 0 of run rerun-changed is another one at score wave 0: recorded"
            + " (20-[0-9a-f]{32}), stored now (?!\\1)20-[0-9a-f]{32}, computed again \\1\\. The rows were changed after"
            + " the stage had finished: restore the version of the table that the manifest's outputs name\\.");
  }

  @Test
  void anotherRecipeAndAnIterationThatIsNotFinished() {
    Path other = TinyRuns.file(TinyRuns.GRPO);
    assertThatThrownBy(() -> Rerun.main(TinyRuns.arguments(NAME, other, "--source", TinyRuns.SOURCE, "--iteration",
        "0"))).isInstanceOf(RecipeException.class).hasMessage("--recipe: iteration 0 of run rerun was made with the"
            + " recipe of digest " + Recipe.read(RECIPE).digest() + ", this one has " + Recipe.read(other).digest()
            + ". Give the recipe of the run.");
    assertThatThrownBy(() -> Rerun.main(arguments(NAME, "--iteration", "2"))).isInstanceOf(DataException.class)
        .hasMessage("stages: iteration 2 of run rerun is not finished: its update is not in the manifest. Run Iterate"
            + " first, or name a finished iteration.");
  }

  @Test
  void whatIsComparedAndWhatIsNot() {
    assertThat(new Rerun.Line("score", 0, "a", "a", "a").equal()).isTrue();
    assertThat(new Rerun.Line("score", 0, "b", "a", "a").equal()).isFalse();
    assertThat(new Rerun.Line("score", 0, "a", "b", "a").equal()).isFalse();
    assertThat(new Rerun.Line("score", 0, "a", "a", "b").equal()).isFalse();
    assertThat(new Rerun.Line("policy", -1, "-", "a", "a").equal()).isTrue();
    assertThat(new Rerun.Line("generate", 3, "a", "a", "-").equal()).isFalse();
    assertThat(Rerun.table(List.of(new Rerun.Line("score", 2, "1-ab", "1-ab", "1-cd")))).isEqualTo(String.format(
        "  stage             recorded               stored                 again                  equal%n"
        + "  score wave 2      1-ab                   1-ab                   1-cd                   NO%n"));
  }
}
