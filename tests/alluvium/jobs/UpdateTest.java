package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.policies.Checkpoint;
import alluvium.policies.Tensors;
import alluvium.prompts.Split;
import alluvium.spark.TinyPolicies;
import alluvium.tables.Advantages;
import alluvium.tables.DataException;
import alluvium.tables.Field;
import alluvium.tables.Policies;
import alluvium.tables.Rollouts;
import alluvium.tables.Stages;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;

/** What happens where numbers are none: nothing is committed, and the old policy stays. */
class UpdateTest {
  private static final Path RECIPE = TinyRuns.file(TinyRuns.GRPO);
  private static final Recipe GRPO = Recipe.read(RECIPE);

  private static void generated(Run run) {
    List<String> ids = Generate.ids(run.prompts(TinyRuns.SOURCE, Split.TRAIN));
    List<Row> chosen = Generate.rows(run.prompts(TinyRuns.SOURCE, Split.TRAIN), GRPO.prompts().choose(ids, run.seed(),
        0, 0));
    Generate.Generated made = Generate.generate(run, GRPO, run.handle(run.requirePolicy(0)), chosen, 0, 0);
    run.ledger().submit(made.entry(run, 0, 0));
    run.ledger().await();
    List<Row> credits = new ArrayList<>();
    for (Row rollout : run.rows(Rollouts.TABLE, Generate.STAGE, 0).collectAsList()) {
      Map<Field, Object> values = new HashMap<>();
      for (Field key : List.of(Advantages.RUN_ID, Advantages.ITERATION, Advantages.WAVE, Advantages.PROMPT_ID,
          Advantages.GROUP_ID, Advantages.SAMPLE)) {
        values.put(key, key.of(rollout));
      }
      values.put(Advantages.ADVANTAGE, Rollouts.SAMPLE.<Integer>of(rollout) == 0 ? Double.NaN : 1.0);
      credits.add(Advantages.TABLE.row(values));
    }
    run.ledger().submit(new Ledger.Entry(Estimate.STAGE, 0, 0, List.of(new Ledger.Rows(Advantages.TABLE, credits)),
        List.of(), Map.of(), () -> { }));
    run.ledger().await();
  }

  private static void assertUntouched(String name) {
    assertThat(TinyRuns.rows(name, Policies.TABLE)).hasSize(1)
        .allMatch(r -> Policies.ITERATION.<Integer>of(r) == 0);
    assertThat(TinyRuns.rows(name, Stages.TABLE)).noneMatch(r -> Stages.STAGE.of(r).equals(Update.STAGE));
  }

  @Test
  void anAdvantageThatIsNoNumberAndASourceThatIsAnother() {
    try (Run run = TinyRuns.started("nan-advantage", GRPO)) {
      generated(run);
    }
    assertThatThrownBy(() -> Update.main(TinyRuns.arguments("nan-advantage", RECIPE, "--iteration", "0")))
        .isInstanceOf(DataException.class).hasMessageMatching("the loss of examples 000000/[0-9a-f]{16}/\\d to "
            + "000000/[0-9a-f]{16}/\\d is NaN: the step is refused.*");
    assertUntouched("nan-advantage");
    assertThatThrownBy(() -> Score.main(TinyRuns.arguments("nan-advantage", RECIPE, "--source", "another",
        "--iteration",
        "0"))).isInstanceOf(DataException.class)
        .hasMessageMatching("prompts: task [0-9a-f]{16} is not there\\. Ingest its source again, or name its source.");
    assertThatThrownBy(() -> Generate.main(TinyRuns.arguments("nan-advantage", RECIPE, "--source", "another",
        "--iteration", "0", "--wave", "1"))).isInstanceOf(DataException.class)
        .hasMessageContaining("nothing to generate");
  }

  @Test
  void aPolicyWithAWeightThatIsNoNumber() {
    Checkpoint sound = TinyPolicies.checkpoint(3);
    Tensors weights = sound.weights().copy();
    weights.of("model.norm.weight")[0] = Float.NaN;
    Checkpoint poisoned = new Checkpoint(sound.config(), weights, sound.files());
    String name = "nan-weight";
    try (Run run = TinyRuns.open(name, GRPO.digest())) {
      Row row = run.publish(poisoned, 0, Run.MAIN, Optional.empty(), List.of(), List.of(), 0);
      run.ledger().submit(new Ledger.Entry("adopt", 0, 0, List.of(new Ledger.Rows(Policies.TABLE, List.of(row))), List
          .of(),
          Map.of(), () -> { }));
    }
    assertThatThrownBy(() -> Iterate.main(TinyRuns.arguments(name, RECIPE, "--source", TinyRuns.SOURCE, "--iterations",
        "1")))
        .isInstanceOf(DataException.class);
    assertUntouched(name);
  }

  @Test
  void aPolicyThatIsNotThere() {
    assertThatThrownBy(() -> Update.main(TinyRuns.arguments("nothing", RECIPE, "--iteration", "3")))
        .isInstanceOf(DataException.class)
        .hasMessage("policies: run nothing has no policy for iteration 3. Run Supervise, "
            + "or Update for iteration 2, first.");
    assertThatThrownBy(() -> Iterate.main(TinyRuns.arguments("nothing", RECIPE, "--source", TinyRuns.SOURCE,
        "--iterations",
        "1"))).isInstanceOf(DataException.class).hasMessageContaining("has no policy for iteration 0. Run Supervise");
  }

  @Test
  void anOptimizersStateIsItsPolicysOwnWhereWeightsAreEqual() {
    Checkpoint checkpoint = TinyPolicies.checkpoint(3);
    Tensors zeros = checkpoint.weights().zeros();
    List<Tensors> fresh = List.of(zeros, zeros);
    List<Tensors> later = List.of(checkpoint.weights(), zeros);
    List<String> names = GRPO.optimizer().slots();
    try (Run run = TinyRuns.open("moments", GRPO.digest())) {
      Row first = run.publish(checkpoint, 0, Run.MAIN, Optional.empty(), names, fresh, 1);
      Row second = run.publish(checkpoint, 1, Run.MAIN, Optional.empty(), names, later, 2);
      Row other = run.publish(checkpoint, 2, Run.MAIN, Optional.empty(), names.subList(0, 1), fresh.subList(0, 1), 3);
      assertThat(Policies.POLICY_VERSION.<String>of(second)).isEqualTo(Policies.POLICY_VERSION.of(first));
      assertThat(Policies.OPTIMIZER_URI.<String>of(other)).isNotEqualTo(Policies.OPTIMIZER_URI.of(first));
      for (int i = 0; i < zeros.size(); i++) {
        assertThat(Learner.load(run, first, GRPO.optimizer()).slots().get(0).values().get(i)).isEqualTo(zeros.values()
            .get(i));
        assertThat(Learner.load(run, second, GRPO.optimizer()).slots().get(0).values().get(i))
            .isEqualTo(checkpoint.weights().values().get(i));
      }
      assertThatThrownBy(() -> Learner.load(run, other, GRPO.optimizer())).isInstanceOf(DataException.class)
          .hasMessageContaining("the optimizer's state belongs to another policy or another optimizer");
    }
  }
}
