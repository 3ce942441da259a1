package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import alluvium.optimizers.MiniBatches;
import alluvium.prompts.Uniform;
import alluvium.regularizers.Forward;
import alluvium.regularizers.FullKl;
import alluvium.regularizers.Regularizer;
import alluvium.rewards.KlToReference;
import alluvium.rollouts.Sampling;
import alluvium.selections.MixedGroups;
import alluvium.selections.Selection;
import alluvium.tables.Advantages;
import alluvium.tables.Metrics;
import alluvium.tables.Policies;
import alluvium.tables.Rewards;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every recipe of conf/, made small, through whole iterations. */
class EveryRecipeTest {
  static List<Path> recipes() throws IOException {
    return RecipeTest.rewarded();
  }

  /** The method, with few and short completions and small batches. */
  private static Recipe small(Recipe r, List<Regularizer> regularizers) {
    Sampling s = r.rollouts();
    Selection selection = r.selection() instanceof MixedGroups mixed ? new MixedGroups(mixed.metric(), 2)
        : r.selection();
    return new Recipe(new Uniform(3, 6), new Sampling(3, s.temperature(), s.topK(), s.topP(), s.minP(), s.stop(),
        s.stopIds(), 2), r.rewards(), r.aggregation(), selection, r.advantage(), r.objective(), r.normalizer(),
        regularizers, r.reference(), r.optimizer(), new MiniBatches(1, 2, 2, 4));
  }

  private static Map<String, Double> metrics(String run, int iteration) {
    Map<String, Double> metrics = new HashMap<>();
    TinyRuns.rows(run, Metrics.TABLE, iteration).forEach(row -> metrics.put(Metrics.NAME.of(row),
        Metrics.VALUE.of(row)));
    return metrics;
  }

  @ParameterizedTest
  @MethodSource("recipes")
  void trainsFromEndToEnd(Path file) {
    String name = "every-" + file.getFileName();
    Recipe recipe = small(Recipe.read(file), Recipe.read(file).regularizers());
    try (Run run = TinyRuns.started(name, recipe)) {
      Iterate.iterate(run, recipe, TinyRuns.SOURCE, 1, 0, 1);
    }
    Map<String, Double> metrics = metrics(name, 0);
    assertThat(metrics).containsKeys("loss", "gradient_norm", "learning_rate", "ratio_mean", "clip_fraction", "kl_step",
        "logp_mismatch", "reward_mean", "reward_std", "accuracy", "entropy", "length_mean", "groups", "rows_failed",
        "steps",
        "seconds_total").allSatisfy((metric, value) -> assertThat(value).as(metric).isFinite());
    assertThat(metrics.get("ratio_mean")).isBetween(0.9, 1.1);
    assertThat(metrics.get("logp_mismatch")).isLessThan(1e-4);
    assertThat(metrics.get("entropy")).isBetween(1.9, Math.log(8) + 1e-6);
    assertThat(metrics.get("rows_failed")).isZero();
    assertThat(metrics.get("accuracy")).isBetween(0.0, 1.0);
    assertThat(TinyRuns.versions(name)).hasSize(2);
    assertThat(TinyRuns.rows(name, Advantages.TABLE)).anyMatch(Advantages.DROPPED::absentIn);
    assertThat(TinyRuns.rows(name, Rewards.TABLE).stream().map(r -> Rewards.NAME.<String>of(r))
        .collect(Collectors.toSet()))
        .isEqualTo(recipe.rewards().keySet());
    if (recipe.rewards().values().stream().anyMatch(KlToReference.class::isInstance)) {
      assertThat(TinyRuns.rows(name, Rewards.TABLE)).filteredOn(r -> !Rewards.TOKEN_VALUES.absentIn(r)).isNotEmpty()
          .allMatch(r -> Math.abs(Rewards.VALUE.<Double>of(r)) < 1e-4);    // the policy is still the reference
    }
    boolean credited = TinyRuns.rows(name, Advantages.TABLE).stream().anyMatch(r -> Advantages.DROPPED.absentIn(r)
        && (Advantages.ADVANTAGE.absentIn(r) || Advantages.ADVANTAGE.<Double>of(r) != 0));
    assertThat(metrics.get("gradient_norm") > 0).isEqualTo(credited);
  }

  @Test
  void penaltiesPullTowardsTheFirstPolicy() {
    Recipe grpo = Recipe.read(Path.of("conf/grpo.yaml"));
    Map<String, List<Regularizer>> penalties = Map.of("k", grpo.regularizers(), "full",
        List.of(new FullKl(0.04f, new Forward())));
    penalties.forEach((kind, regularizers) -> {
      String name = "penalty-" + kind;
      Recipe slow = small(grpo, regularizers);
      Recipe recipe = new Recipe(slow.prompts(), slow.rollouts(), slow.rewards(), slow.aggregation(), slow.selection(),
          slow.advantage(), slow.objective(), slow.normalizer(), slow.regularizers(), slow.reference(),
          TinyRuns.recipe(TinyRuns.GRPO).optimizer(), slow.steps());
      try (Run run = TinyRuns.started(name, recipe)) {
        Iterate.iterate(run, recipe, TinyRuns.SOURCE, 2, 0, 1);
      }
      assertThat(new HashSet<>(TinyRuns.versions(name).values())).hasSize(3);
      Map<String, Double> second = metrics(name, 1);
      assertThat(second.get("kl_reference")).as(kind).isGreaterThan(1e-6);
      assertThat(second.get("loss")).as(kind).isFinite();
    });
  }

  @Test
  void anOptimizersStateIsTheRunsOwn() {
    String plain = TinyRuns.GRPO.replace("samples: 8", "samples: 1");    // groups of one: no gradient, equal policies
    Map<String, String> optimizers = Map.of("adam", plain, "nesterov", plain.replaceAll("AdamW: .*",
        "Nesterov: {learningRate: 0.1, momentum: 0.9, maxNorm: 1, schedule: {Constant: {warmup: 0}}}}"));
    optimizers.forEach((name, yaml) -> {
      try (Run run = TinyRuns.started("state-" + name, TinyRuns.recipe(yaml))) {
        Iterate.iterate(run, TinyRuns.recipe(yaml), TinyRuns.SOURCE, 1, 0, 1);
      }
    });
    assertThat(TinyRuns.versions("state-adam").get(1)).isEqualTo(TinyRuns.versions("state-nesterov").get(1));
    optimizers.forEach((name, yaml) -> {
      try (Run run = TinyRuns.started("state-" + name, TinyRuns.recipe(yaml))) {
        Row row = run.requirePolicy(1);
        assertThat(Policies.OPTIMIZER_URI.absentIn(row)).isFalse();
        assertThat(Learner.load(run, row, TinyRuns.recipe(yaml).optimizer()).slots())
            .hasSize(TinyRuns.recipe(yaml).optimizer().slots().size());
      }
    });
  }
}
