package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.evaluations.PassAtK;
import alluvium.prompts.Split;
import alluvium.rewards.Drop;
import alluvium.rewards.Sample;
import alluvium.rewards.Verdict;
import alluvium.rewards.Verifier;
import alluvium.spark.PolicyHandle;
import alluvium.tables.DataException;
import alluvium.tables.Evaluations;
import alluvium.tables.RecipeException;
import alluvium.tables.Rewards;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Row;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class EvaluateTest {
  private static final Offset<Double> CLOSE = Offset.offset(1e-12);

  /** Right for an even number of characters; fails on three. */
  record Even() implements Verifier {
    @Override
    public double right() {
      return 1;
    }

    @Override
    public double wrong() {
      return 0;
    }

    @Override
    public Verdict verdict(Sample sample) {
      if (sample.completion().length() == 3) {
        throw new IllegalStateException("three");
      }
      return Verdict.ok(sample.completion().length() % 2 == 0 ? 1 : 0, "");
    }
  }

  private static Recipe recipe(Verifier verifier) {
    Recipe base = TinyRuns.recipe(TinyRuns.GRPO.replace("maxTokens: 2", "maxTokens: 4"));
    return new Recipe(base.prompts(), base.rollouts(), Map.of("correct", verifier), new Drop(10, 2, 1),
        base.aggregation(), base.selection(),
        base.advantage(), base.objective(), base.normalizer(), base.regularizers(), base.reference(), base.optimizer(),
        base.steps());
  }

  private static Map<String, Row> byName(List<Row> rows) {
    Map<String, Row> byName = new TreeMap<>();
    rows.forEach(row -> assertThat(byName.put(Evaluations.NAME.of(row), row)).isNull());
    return byName;
  }

  /** By prompt: completions judged, and those that are right. */
  private static Map<String, int[]> counts(String name, int iteration, int wave) {
    Map<String, int[]> counts = new HashMap<>();
    for (Row row : TinyRuns.rows(name + ".heldout", Rewards.TABLE, iteration)) {
      if (Rewards.WAVE.<Integer>of(row) == wave && !Rewards.VALUE.absentIn(row)) {
        int[] count = counts.computeIfAbsent(Rewards.PROMPT_ID.of(row), p -> new int[2]);
        count[0]++;
        count[1] += Rewards.VALUE.<Double>of(row) == 1 ? 1 : 0;
      }
    }
    return counts;
  }

  private static void assertValue(Map<String, Row> rows, String name, double value) {
    assertThat(Evaluations.VALUE.<Double>of(rows.get(name))).as(name).isCloseTo(value, CLOSE);
    assertThat(Evaluations.LOW.<Double>of(rows.get(name))).as(name).isLessThanOrEqualTo(value + 1e-12);
    assertThat(Evaluations.HIGH.<Double>of(rows.get(name))).as(name).isGreaterThanOrEqualTo(value - 1e-12);
  }

  @Test
  void sharesGainsAndWhatFailed() {
    Recipe recipe = recipe(new Even());
    String name = "evaluated";
    try (Run run = TinyRuns.started(name, recipe)) {
      PolicyHandle policy = run.handle(run.requirePolicy(0));
      Map<String, Row> rows = byName(Evaluate.evaluate(run, recipe, policy, TinyRuns.SOURCE, 0, 6));
      assertThat(rows).containsOnlyKeys("greedy_accuracy", "sampled_accuracy", "pass@2", "pass@4");
      Map<String, int[]> sampled = counts(name, 0, 0);
      Map<String, int[]> greedy = counts(name, 0, 1);
      assertThat(sampled).hasSize(TinyRuns.HELD_OUT);
      assertValue(rows, "greedy_accuracy", greedy.values().stream().mapToDouble(c -> c[1]).average().orElseThrow());
      assertValue(rows, "sampled_accuracy", sampled.values().stream().mapToDouble(c -> (double) c[1] / c[0]).average()
          .orElseThrow());
      for (int k : new int[] {2, 4}) {
        assertValue(rows, "pass@" + k, sampled.values().stream().filter(c -> c[0] >= k)
            .mapToDouble(c -> PassAtK.estimate(c[0], c[1], k)).average().orElseThrow());
      }
      long failed = TinyRuns.rows(name + ".heldout", Rewards.TABLE, 0).stream().filter(Rewards.VALUE::absentIn).count();
      assertThat(failed).isPositive();
      for (Row row : rows.values()) {
        assertThat(Evaluations.FAILED.<Long>of(row)).isEqualTo(failed);
        assertThat(Evaluations.POLICY_VERSION.<String>of(row)).isEqualTo(policy.version());
        assertThat(Evaluations.SPLIT.<String>of(row)).isEqualTo(Split.HELDOUT);
      }
      assertThat(byName(Evaluate.evaluate(run, recipe, policy, TinyRuns.SOURCE, 0, 6))).isEqualTo(rows);
      Iterate.iterate(run, recipe, TinyRuns.SOURCE, 1, 1, 6);
      Map<String, Row> later = byName(Evaluate.rows(run, 1));
      assertThat(later).containsKeys("greedy_accuracy", "greedy_accuracy_gain", "sampled_accuracy_gain");
      assertValue(later, "sampled_accuracy_gain", counts(name, 1, 0).entrySet().stream().mapToDouble(
          e -> (double) e.getValue()[1] / e.getValue()[0] - (double) sampled.get(e.getKey())[1] / sampled.get(e
          .getKey())[0])
          .average().orElseThrow());
    }
  }

  /** Knows no answer. */
  record Broken() implements Verifier {
    @Override
    public double right() {
      return 1;
    }

    @Override
    public double wrong() {
      return 0;
    }

    @Override
    public Verdict verdict(Sample sample) {
      throw new IllegalStateException("broken");
    }
  }

  @Test
  void aVerifierThatAlwaysFailsMeasuresNothing() {
    Recipe recipe = recipe(new Broken());
    try (Run run = TinyRuns.started("unmeasured", recipe)) {
      List<Row> rows = Evaluate.evaluate(run, recipe, run.handle(run.requirePolicy(0)), TinyRuns.SOURCE, 0, 2);
      assertThat(rows).hasSize(3).allMatch(r -> Double.isNaN(Evaluations.VALUE.<Double>of(r))
          && Evaluations.PROMPT_COUNT.<Long>of(r) == 0 && Evaluations.FAILED.<Long>of(r) == 3L * TinyRuns.HELD_OUT);
      assertThat(rows).allMatch(r -> Evaluations.LOW.<Double>of(r) == 0 && Evaluations.HIGH.<Double>of(r) == 1);
    }
  }

  @Test
  void theMainMeasuresAPolicyAndWrongArgumentsAreRefused() {
    Path recipe = TinyRuns.file(TinyRuns.GRPO);
    TinyRuns.started("measured", Recipe.read(recipe)).close();
    Evaluate.main(TinyRuns.arguments("measured", recipe, "--source", TinyRuns.SOURCE, "--iteration", "0", "--samples",
        "1"));
    assertThat(byName(TinyRuns.rows("measured", Evaluations.TABLE))).containsOnlyKeys("greedy_accuracy",
        "sampled_accuracy");
    assertThatThrownBy(() -> Evaluate.main(TinyRuns.arguments("measured", recipe, "--source", TinyRuns.SOURCE,
        "--iteration",
        "7"))).isInstanceOf(DataException.class).hasMessageContaining("run measured has no policy for iteration 7");
    for (String samples : List.of("0", "-1")) {
      assertThatThrownBy(() -> Evaluate.main(TinyRuns.arguments("measured", recipe, "--source", TinyRuns.SOURCE,
          "--iteration", "0", "--samples", samples))).isInstanceOf(RecipeException.class)
          .hasMessage("--samples must be >= 1, got " + samples);
    }
  }
}
