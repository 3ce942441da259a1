package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import alluvium.optimizers.MiniBatches;
import alluvium.optimizers.Optimizer;
import alluvium.prompts.Split;
import alluvium.prompts.Uniform;
import alluvium.regularizers.Forward;
import alluvium.regularizers.FullKl;
import alluvium.regularizers.Regularizer;
import alluvium.rewards.KlToReference;
import alluvium.rollouts.Sampling;
import alluvium.selections.MixedGroups;
import alluvium.selections.Selection;
import alluvium.spark.PolicyHandle;
import alluvium.tables.Advantages;
import alluvium.tables.Policies;
import alluvium.tables.Rewards;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every recipe of conf/, made small, through every stage. */
class EveryRecipeTest {
  private static Run run;

  @BeforeAll
  static void start() {
    run = TinyRuns.started("every", TinyRuns.recipe(TinyRuns.GRPO));
  }

  @AfterAll
  static void stop() {
    run.close();
  }

  static List<Path> recipes() throws IOException {
    return RecipeTest.rewarded();
  }

  /** The method, with few and short completions and small batches. */
  private static Recipe small(Recipe r, List<Regularizer> regularizers) {
    Sampling s = r.rollouts();
    Selection selection = r.selection() instanceof MixedGroups mixed ? new MixedGroups(mixed.metric(), 2) : r
        .selection();
    return new Recipe(new Uniform(4, 8), new Sampling(2, s.temperature(), s.topK(), s.topP(), s.minP(), s.stop(),
        s.stopIds(), 2), r.rewards(), r.onError(), r.aggregation(), selection, r.advantage(), r.objective(),
        r.normalizer(), regularizers, r.reference(), r.optimizer(), new MiniBatches(1, 2, 2, 4));
  }

  /** What an iteration made, of which nothing is committed. */
  private record Made(Map<String, Double> metrics, List<Row> rewards, List<Row> advantages, Learner learner) {}

  private static Made iteration(Run run, Recipe recipe, Learner learner, List<PolicyHandle> reference, int iteration) {
    Dataset<Row> prompts = run.prompts(TinyRuns.SOURCE, Split.TRAIN);
    List<Row> chosen = Generate.rows(prompts, recipe.prompts().choose(Generate.ids(prompts), run.seed(), iteration, 0));
    Generate.Generated generated = Generate.generate(run, recipe, learner.handle(), chosen, iteration, 0);
    JavaRDD<Row> rewards = Score.score(generated.rollouts(), chosen, recipe, reference);
    Map<String, Double> metrics = new HashMap<>(Generate.metrics(generated.tallies(), generated.seconds()));
    metrics.putAll(Score.metrics(rewards, recipe));
    Estimate.Estimated estimated = Estimate.estimate(run, recipe, rewards, generated.rollouts(), Set.of(), iteration,
        Optional.empty());
    metrics.putAll(estimated.metrics());
    Update.Updated updated = Update.update(run, recipe, learner, estimated.advantages(), generated.rollouts(),
        reference,
        iteration);
    metrics.putAll(updated.metrics());
    return new Made(metrics, rewards.collect(), estimated.advantages().collect(), updated.learner());
  }

  @ParameterizedTest
  @MethodSource("recipes")
  void trainsFromEndToEnd(Path file) {
    Recipe recipe = small(Recipe.read(file), Recipe.read(file).regularizers());
    Learner start = Learner.load(run, run.requirePolicy(0), recipe.optimizer());
    Made made = iteration(run, recipe, start, Update.references(run, recipe, 0), 0);
    Map<String, Double> metrics = made.metrics();
    assertThat(metrics).containsKeys("loss", "gradient_norm", "learning_rate", "ratio_mean", "clip_fraction", "kl_step",
        "logp_mismatch", "reward_mean", "reward_std", "entropy", "length_mean", "groups", "rows_failed",
        "steps")
        .allSatisfy((metric, value) -> assertThat(value).as(metric).isFinite());
    assertThat(metrics.get("ratio_mean")).isBetween(0.9, 1.1);
    assertThat(metrics.get("logp_mismatch")).isLessThan(1e-4);
    assertThat(metrics.get("entropy")).isBetween(1.9, Math.log(8) + 1e-6);
    assertThat(metrics.get("rows_failed")).isZero();
    if (Evaluate.verifier(recipe).isPresent()) {
      assertThat(metrics.get("accuracy")).isBetween(0.01, 0.9);
    }
    assertThat(metrics.get("gradient_norm")).isPositive();
    assertThat(made.learner().version()).isNotEqualTo(start.version());
    assertThat(Policies.PARENT.<String>of(made.learner().row())).isEqualTo(start.version());
    assertThat(made.rewards().stream().map(r -> Rewards.NAME.<String>of(r)).collect(Collectors.toSet()))
        .isEqualTo(recipe.rewards().keySet());
    if (recipe.rewards().values().stream().anyMatch(KlToReference.class::isInstance)) {
      assertThat(made.rewards()).filteredOn(r -> !Rewards.TOKEN_VALUES.absentIn(r)).isNotEmpty()
          .allMatch(r -> Math.abs(Rewards.VALUE.<Double>of(r)) < 1e-4);    // the policy is still the reference
      assertThat(made.advantages()).noneMatch(Advantages.TOKEN_ADVANTAGES::absentIn);
    }
    made.learner().checkpoint().weights().values().forEach(values -> {
      for (float value : values) {
        assertThat(value).isFinite();
      }
    });
  }

  @Test
  void penaltiesCompareWithTheFirstPolicy() {
    Recipe grpo = Recipe.read(Path.of("conf/grpo.yaml"));
    Optimizer fast = TinyRuns.recipe(TinyRuns.GRPO).optimizer();
    for (Regularizer penalty : List.of(grpo.regularizers().get(0), new FullKl(0.04f, new Forward()))) {
      Recipe slow = small(grpo, List.of(penalty));
      Recipe recipe = new Recipe(slow.prompts(), slow.rollouts(), slow.rewards(), slow.onError(), slow.aggregation(),
          slow.selection(), slow.advantage(), slow.objective(), slow.normalizer(), slow.regularizers(),
          slow.reference(), fast, slow.steps());
      Learner start = Learner.load(run, run.requirePolicy(0), fast);
      Made first = iteration(run, recipe, start, List.of(start.handle()), 0);
      Made second = iteration(run, recipe, first.learner(), List.of(start.handle()), 1);
      assertThat(second.metrics().get("kl_reference")).as(penalty.toString()).isGreaterThan(1e-6);
      Recipe free = small(recipe, List.of());
      Made without = iteration(run, free, first.learner(), List.of(), 1);
      assertThat(second.metrics().get("loss")).as(penalty.toString()).isGreaterThan(without.metrics().get("loss"));
      assertThat(second.learner().version()).isNotEqualTo(without.learner().version());
    }
  }
}
