package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.policies.Checkpoint;
import alluvium.prompts.Task;
import alluvium.spark.TestSession;
import alluvium.spark.TinyPolicies;
import alluvium.tables.Advantages;
import alluvium.tables.DataException;
import alluvium.tables.Policies;
import alluvium.tables.Rollouts;
import alluvium.tables.Runs;
import alluvium.tables.Stages;
import alluvium.tables.States;
import alluvium.tables.Table;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A run goes on as what it was begun as, or says what has changed; what was changed on purpose is a fork. */
class ResumeTest {
  private static final Path RECIPE = TinyRuns.file(TinyRuns.GRPO
      .replace("Grpo: {eps: 1.0e-6}", "MovingBaseline: {decay: 0.5, initial: 1}"));

  private static void iterate(String run, Path recipe, int iterations, String... more) {
    List<String> all = new ArrayList<>(List.of("--source", TinyRuns.SOURCE, "--iterations",
        String.valueOf(iterations)));
    all.addAll(List.of(more));
    Iterate.main(TinyRuns.arguments(run, recipe, all.toArray(String[]::new)));
  }

  private static void begin(String run) {
    iterate(run, RECIPE, 1, "--policy", TinyRuns.POLICY.toString());
  }

  private static Path changed(String from, String to) {
    return TinyRuns.file(TinyRuns.GRPO.replace("Grpo: {eps: 1.0e-6}", "MovingBaseline: {decay: 0.5, initial: 1}")
        .replace(from, to));
  }

  @Test
  void whatChangedIsNamedKeyByKey() {
    begin("resumed");
    Path other = changed("microBatch: 8", "microBatch: 4");
    assertThatThrownBy(() -> iterate("resumed", other, 2)).isInstanceOf(DataException.class).hasMessage(String.format(
        "run resumed was begun with other settings, and would not be one run any more:%n"
            + "  recipe.steps.microBatch was 8, is 4%n"
            + "Set them back, start another --run, or go on from its last finished iteration as a run of another name"
            + " with Iterate --fork NAME."));
    Path estimator = changed("MovingBaseline: {decay: 0.5, initial: 1}", "BatchMean: {}");
    assertThatThrownBy(() -> iterate("resumed", estimator, 2, "--seed", "3")).isInstanceOf(DataException.class)
        .hasMessageContaining("  recipe.advantage was MovingBaseline, is BatchMean")
        .hasMessageContaining("  recipe.advantage.decay was 0.5, is absent").hasMessageContaining("  seed was 0, is 3");
    for (Runnable stage : List.<Runnable>of(
        () -> Generate.main(TinyRuns.arguments("resumed", other, "--source", TinyRuns.SOURCE, "--iteration", "1")),
        () -> Score.main(TinyRuns.arguments("resumed", other, "--source", TinyRuns.SOURCE, "--iteration", "1")),
        () -> Estimate.main(TinyRuns.arguments("resumed", other, "--iteration", "1")),
        () -> Update.main(TinyRuns.arguments("resumed", other, "--iteration", "1")))) {
      assertThatThrownBy(stage::run).hasMessageContaining("recipe.steps.microBatch was 8, is 4");
    }
    assertThat(TinyRuns.rows("resumed", Stages.TABLE, 1)).isEmpty();
    iterate("resumed", changed("  #", "  # a comment changes nothing"), 2);
    assertThat(TinyRuns.versions("resumed")).hasSize(3);
  }

  @Test
  void anotherPolicyTokenizerOrCodeIsNamed() throws Exception {
    begin("repoliced");
    Path other = TinyPolicies.folder(TinyPolicies.checkpoint(4));
    assertThatThrownBy(() -> iterate("repoliced", RECIPE, 2, "--policy", other.toString()))
        .isInstanceOf(DataException.class).hasMessageMatching("(?s).*\\n  policy\\.model\\.safetensors was "
            + "[0-9a-f]{64}, is [0-9a-f]{64}\\n.*").hasMessageNotContaining("policy.tokenizer.json");
    Path tokens = Files.createDirectories(TestSession.newFolder().resolve("policy"));
    for (String name : Checkpoint.digests(TinyRuns.POLICY).keySet()) {
      Files.copy(TinyRuns.POLICY.resolve(name), tokens.resolve(name));
    }
    Files.writeString(tokens.resolve("tokenizer.json"), Files.readString(tokens.resolve("tokenizer.json")) + "\n");
    assertThatThrownBy(() -> iterate("repoliced", RECIPE, 2, "--policy", tokens.toString()))
        .isInstanceOf(DataException.class).hasMessageContaining("  policy.tokenizer.json was ")
        .hasMessageNotContaining("model.safetensors");
    iterate("repoliced", RECIPE, 2, "--policy", TinyRuns.POLICY.toString());

    Row begun = TinyRuns.rows("repoliced", Runs.TABLE).stream().filter(r -> Runs.WORK.of(r).equals(Iterate.WORK))
        .findFirst().orElseThrow();
    Map<String, String> settings = begun.getJavaMap(begun.fieldIndex(Runs.SETTINGS.name()));
    assertThat(settings.get("code")).isEqualTo(Code.VERSION).matches("0\\.1\\.0\\+[0-9a-f]{12}");
    assertThat(new Settings(settings).with("code", "0.1.0+0123456789ab").differences(settings))
        .containsExactly("code was " + Code.VERSION + ", is 0.1.0+0123456789ab");
  }

  @Test
  void otherPromptsAreNamedAndPromptsOfAnotherSourceAreNot() {
    try (Run run = TinyRuns.open("ingest.growing", "")) {
      Ingest.ingest(run, List.of(task("growing", "0+0=", "0"), task("growing", "1+0=", "1"),
          task("growing", "2+0=", "2"), task("growing", "0+1=", "1")), 0, 0);
    }
    String[] source = {"--policy", TinyRuns.POLICY.toString(), "--source", "growing"};
    Iterate.main(TinyRuns.arguments("grown", RECIPE, with(source, "--iterations", "1")));
    try (Run run = TinyRuns.open("ingest.unrelated", "")) {
      Ingest.ingest(run, List.of(task("unrelated", "1+1=", "2")), 0, 0);
    }
    Iterate.main(TinyRuns.arguments("grown", RECIPE, with(source, "--iterations", "2")));
    try (Run run = TinyRuns.open("ingest.growing", "")) {
      Ingest.ingest(run, List.of(task("growing", "0+2=", "2")), 0, 1);
    }
    assertThatThrownBy(() -> Iterate.main(TinyRuns.arguments("grown", RECIPE, with(source, "--iterations", "3"))))
        .isInstanceOf(DataException.class).hasMessageMatching("(?s).*\\n  input\\.prompts was 4-[0-9a-f]{32},"
            + " is 5-[0-9a-f]{32}\\n.*");
    Iterate.main(TinyRuns.arguments("grown", RECIPE, "--source", "growing", "--iterations", "3", "--fork", "grown-on"));
    assertThat(TinyRuns.versions("grown-on")).hasSize(4);
  }

  private static Task task(String source, String question, String answer) {
    return Task.of(source, question, Optional.of(answer));
  }

  private static String[] with(String[] some, String... more) {
    List<String> all = new ArrayList<>(List.of(some));
    all.addAll(List.of(more));
    return all.toArray(String[]::new);
  }

  @Tag("long")
  @Test
  void aForkGoesOnWhereItsParentStood() {
    iterate("parent", RECIPE, 3, "--policy", TinyRuns.POLICY.toString());
    Fork.main("--lake", TinyRuns.LAKE.toString(), "--run", "parent", "--to", "same", "--at", "1");
    Fork.main("--lake", TinyRuns.LAKE.toString(), "--run", "parent", "--to", "same", "--at", "1");
    iterate("same", RECIPE, 3);
    assertThat(TinyRuns.versions("same")).isEqualTo(TinyRuns.versions("parent"));
    for (Table table : List.of(Rollouts.TABLE, Advantages.TABLE)) {
      List<Row> before = TinyRuns.rows("parent", table).stream().filter(r -> Rollouts.ITERATION.<Integer>of(r) > 0)
          .toList();
      assertThat(TinyRuns.rows("same", table, 0)).isEmpty();
      assertThat(TinyRuns.digest(TinyRuns.rows("same", table), table)).isEqualTo(TinyRuns.digest(before, table));
    }
    assertThat(TinyRuns.rows("same", States.TABLE)).hasSize(3);

    Path hotter = changed("learningRate: 1.0e-2", "learningRate: 2.0e-2");
    iterate("parent", hotter, 4, "--fork", "hotter");
    assertThat(TinyRuns.versions("hotter")).hasSize(5);
    assertThat(TinyRuns.versions("parent")).hasSize(4);
    iterate("hotter", hotter, 5);
    assertThat(TinyRuns.versions("hotter")).hasSize(6);
    Row begun = TinyRuns.rows("hotter", Runs.TABLE).stream().filter(r -> Runs.WORK.of(r).equals("fork")).findFirst()
        .orElseThrow();
    assertThat(Runs.PARENT.<String>of(begun)).isEqualTo("parent");
    assertThat(Runs.FIRST_ITERATION.<Integer>of(begun)).isEqualTo(3);

    assertThatThrownBy(() -> Fork.main("--lake", TinyRuns.LAKE.toString(), "--run", "parent", "--to", "same", "--at",
        "2")).isInstanceOf(DataException.class).hasMessage("run same is already a fork of run parent at iteration 1."
            + " Name another new run.");
    assertThatThrownBy(() -> Fork.main("--lake", TinyRuns.LAKE.toString(), "--run", "hotter", "--to", "parent"))
        .isInstanceOf(DataException.class).hasMessage("run parent is there already. Name another new run.");
    assertThatThrownBy(() -> Fork.main("--lake", TinyRuns.LAKE.toString(), "--run", "parent", "--to", "far", "--at",
        "9")).isInstanceOf(DataException.class).hasMessageContaining("run parent has no policy for iteration 9");
  }

  @Tag("long")
  @Test
  void aForkIntoAnotherLakeIsOfShallowClones() {
    iterate("source", RECIPE, 2, "--policy", TinyRuns.POLICY.toString());
    String into = TestSession.newFolder().resolve("clone").toString();
    Fork.main("--lake", TinyRuns.LAKE.toString(), "--run", "source", "--to", "branch", "--at", "1", "--into", into);
    Iterate.main("--lake", into, "--run", "branch", "--recipe", RECIPE.toString(), "--source", TinyRuns.SOURCE,
        "--iterations", "2");
    var policies = TestSession.spark().read().format("delta").load(into + "/policies")
        .filter(Policies.RUN_ID.col().equalTo("branch").and(Policies.ITERATION.col().equalTo(2)));
    assertThat(Policies.POLICY_VERSION.<String>of(policies.first())).isEqualTo(TinyRuns.versions("source").get(2));
    assertThat(TinyRuns.rows("branch", Policies.TABLE)).as("the old lake knows nothing of it").isEmpty();
  }

  @Test
  void aTableEditedByHandIsNamedAtTheNextStage() {
    iterate("edited", RECIPE, 0, "--policy", TinyRuns.POLICY.toString());
    String[] sourced = TinyRuns.arguments("edited", RECIPE, "--source", TinyRuns.SOURCE, "--iteration", "0");
    String[] plain = TinyRuns.arguments("edited", RECIPE, "--iteration", "0");
    assertThatThrownBy(() -> Score.main(sourced)).isInstanceOf(DataException.class)
        .hasMessage("stages: generate of iteration 0 of run edited is not done. Run it first.");
    Generate.main(sourced);
    edit("rollouts", "text = '2'", "sample = 0");
    assertThatThrownBy(() -> Score.main(sourced)).isInstanceOf(DataException.class).hasMessageMatching(
        "rollouts: the rows that generate committed for iteration 0 of run edited have been changed since: their digest"
            + " was 32-[0-9a-f]{32}, is 32-[0-9a-f]{32}\\. Restore the version of the table that stages.outputs names,"
            + " or fork the run before that iteration\\.");
    TestSession.spark().sql("RESTORE TABLE delta.`" + TinyRuns.LAKE + "/rollouts` TO VERSION AS OF " + output(
        "generate", "rollouts"));
    Score.main(sourced);
    Estimate.main(plain);
    edit("advantages", "advantage = advantage + 1", "sample = 3");
    assertThatThrownBy(() -> Update.main(plain)).hasMessageStartingWith("advantages: the rows that estimate committed");
    assertThatThrownBy(() -> iterate("edited", RECIPE, 1)).hasMessageStartingWith("advantages: the rows that estimate");
    edit("advantages", "advantage = advantage - 1", "sample = 3");
    edit("policies", "optimizer_steps = 7", "iteration = 0");
    assertThatThrownBy(() -> Update.main(plain)).hasMessageStartingWith("policies: the rows that adopt committed");
  }

  private static long output(String stage, String table) {
    Row row = TinyRuns.rows("edited", Stages.TABLE).stream().filter(r -> Stages.STAGE.of(r).equals(stage)).findFirst()
        .orElseThrow();
    return row.<String, Long>getJavaMap(row.fieldIndex(Stages.OUTPUTS.name())).get(table);
  }

  private static void edit(String table, String change, String where) {
    String name = "delta.`" + TinyRuns.LAKE + "/" + table + "`";
    var spark = TestSession.spark();
    spark.sql("ALTER TABLE " + name + " SET TBLPROPERTIES ('delta.appendOnly' = 'false')");
    spark.sql("UPDATE " + name + " SET " + change + " WHERE run_id = 'edited' AND " + where);
    spark.sql("ALTER TABLE " + name + " SET TBLPROPERTIES ('delta.appendOnly' = 'true')");
  }

  @Test
  void twoOfOneRunAtOnce() {
    begin("wanted");
    try (Run first = TinyRuns.open("wanted", "")) {
      assertThat(first.policy(1)).isPresent();
      assertThatThrownBy(() -> iterate("wanted", RECIPE, 2)).isInstanceOf(DataException.class)
          .hasMessageStartingWith("run wanted is held by ");
      Report.main(TinyRuns.arguments("wanted", RECIPE, "--output",
          TestSession.newFolder().resolve("report.html").toString()));    // to look is allowed
    }
    iterate("wanted", RECIPE, 2);
  }
}
