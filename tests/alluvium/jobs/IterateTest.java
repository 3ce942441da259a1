package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.prompts.Split;
import alluvium.spark.Rows;
import alluvium.tables.Advantages;
import alluvium.tables.Metrics;
import alluvium.tables.Policies;
import alluvium.tables.RecipeException;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import alluvium.tables.Stages;
import alluvium.tables.States;
import alluvium.tables.Table;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class IterateTest {
  private static final String THROUGH = "through";
  private static final Offset<Double> CLOSE = Offset.offset(1e-12);
  private static final Path MOVING = TinyRuns.file(TinyRuns.GRPO
      .replace("Grpo: {eps: 1.0e-6}", "MovingBaseline: {decay: 0.5, initial: 1}")
      .replace("regularizers: []", "regularizers: [{Kl: {beta: 0.1, estimator: {K3: {}}, gradient: {Direct: {}}}}]")
      .replace("NoReference", "Initial"));

  private static final String WAVES = TinyRuns.GRPO.replace("samples: 8", "samples: 5")
      .replace("EveryGroup: {}", "MixedGroups: {metric: correct, maxRounds: 6}");

  private static final Map<String, List<Row>> KNOWN = new HashMap<>();

  private static List<Row> through(Table table) {
    return KNOWN.computeIfAbsent(table.name(), t -> TinyRuns.rows(THROUGH, table));
  }

  private static void iterate(String name, Recipe recipe, int iterations) {
    try (Run run = TinyRuns.started(name, recipe)) {
      Iterate.iterate(run, recipe, TinyRuns.SOURCE, iterations, 0, 1);
    }
  }

  private static void main(String name, int iterations, String... more) {
    List<String> all = new ArrayList<>(List.of("--source", TinyRuns.SOURCE, "--iterations", String.valueOf(iterations),
        "--policy", TinyRuns.POLICY.toString()));
    all.addAll(List.of(more));
    Iterate.main(TinyRuns.arguments(name, MOVING, all.toArray(String[]::new)));
  }

  @BeforeAll
  static void twoIterationsInOneGo() {
    iterate(THROUGH, Recipe.read(MOVING), 2);
  }

  /** Everything but clocks is as in the run that went through, row by row, and nothing is there twice. */
  private static void assertAsThrough(String name, int iterations) {
    for (Table table : List.of(Rollouts.TABLE, Rewards.TABLE, Advantages.TABLE, Stages.TABLE, States.TABLE,
        Metrics.TABLE,
        Policies.TABLE)) {
      Map<List<Object>, Row> rows = byKey(TinyRuns.rows(name, table), table);
      Map<List<Object>, Row> through = byKey(through(table), table);
      boolean next = table.equals(Policies.TABLE) || table
          .equals(States.TABLE);    // what the next iteration starts with
      through.keySet().removeIf(key -> (Integer) key.get(0) >= (next ? iterations + 1 : iterations));
      if (table.equals(Metrics.TABLE)) {    // a restart measures no generation
        through.keySet().retainAll(rows.keySet());
      }
      assertThat(rows.keySet()).as("%s %s", name, table.name()).isEqualTo(through.keySet());
      if (List.of(Rollouts.TABLE, Rewards.TABLE, Advantages.TABLE, States.TABLE).contains(table)) {
        assertThat(TinyRuns.digest(List.copyOf(rows.values()), table)).as("%s %s", name, table.name())
            .isEqualTo(TinyRuns.digest(List.copyOf(through.values()), table));
      }
      if (table.equals(Policies.TABLE)) {
        assertThat(Rows.distinct(List.copyOf(rows.values()), Policies.POLICY_VERSION)).as(name)
            .isEqualTo(Rows.distinct(List.copyOf(through.values()), Policies.POLICY_VERSION)).hasSize(iterations + 1);
      }
    }
  }

  /** Rows by their key without the run, iteration first. */
  private static Map<List<Object>, Row> byKey(List<Row> rows, Table table) {
    Map<List<Object>, Row> byKey = new HashMap<>();
    for (Row row : rows) {
      List<Object> key = new ArrayList<>(List.of(Stages.ITERATION.<Integer>of(row)));
      table.keys().stream().filter(k -> !k.equals(Stages.RUN_ID)).forEach(k -> key.add(k.of(row)));
      assertThat(byKey.put(key, row)).as("%s %s", table.name(), key).isNull();
    }
    return byKey;
  }

  @Test
  void everyStageIsInTheManifestOnceWithItsRows() {
    Set<String> stages = new TreeSet<>();
    TinyRuns.rows(THROUGH, Stages.TABLE).forEach(row -> stages.add(Stages.ITERATION.of(row) + " " + Stages.STAGE.of(row)
        + " " + Stages.WAVE.of(row) + " " + Stages.ROWS.of(row)));
    assertThat(stages).containsExactly("0 adopt 0 1", "0 estimate 0 32", "0 generate 0 32", "0 score 0 32",
        "0 update 0 1",
        "1 estimate 0 32", "1 generate 0 32", "1 score 0 32", "1 update 0 1");
    Map<Integer, String> versions = TinyRuns.versions(THROUGH);
    assertThat(new HashSet<>(versions.values())).hasSize(3);
    for (int i = 0; i < 2; i++) {
      assertThat(Rows.distinct(TinyRuns.rows(THROUGH, Rollouts.TABLE, i), Rollouts.POLICY_VERSION))
          .containsExactly(versions.get(i));
    }
    for (Row row : TinyRuns.rows(THROUGH, Policies.TABLE)) {
      int iteration = Policies.ITERATION.of(row);
      assertThat(Policies.OPTIMIZER_STEPS.<Long>of(row)).isEqualTo(2L * iteration);
      assertThat(Policies.PARENT.absentIn(row) ? "none" : Policies.PARENT.<String>of(row))
          .isEqualTo(versions.getOrDefault(iteration - 1, "none"));
    }
  }

  @Test
  void theMovingBaselineIsCarriedFromIterationToIteration() {
    Map<Integer, Double> states = new TreeMap<>();
    TinyRuns.rows(THROUGH, States.TABLE).forEach(row -> states.put(States.ITERATION.of(row), States.VALUE.of(row)));
    double carried = 1;
    Map<Integer, Double> expected = new TreeMap<>();
    for (int i = 0; i < 2; i++) {
      for (Row row : TinyRuns.rows(THROUGH, Advantages.TABLE, i)) {
        assertThat(Advantages.ADVANTAGE.<Double>of(row)).isEqualTo(Advantages.REWARD.<Double>of(row) - states
            .getOrDefault(
            i, carried));
      }
      double mean = TinyRuns.rows(THROUGH, Rewards.TABLE, i).stream().mapToDouble(Rewards.VALUE::<Double>of).average()
          .orElseThrow();
      carried = 0.5 * carried + 0.5 * mean;
      expected.put(i + 1, carried);
    }
    assertThat(states).hasSize(2);
    expected.forEach((iteration, value) -> assertThat(states.get(iteration)).isCloseTo(value, CLOSE));
  }

  @Test
  void aRunThatStopsAndContinuesIsTheSameRun() {
    main("stopped", 1);
    assertThat(TinyRuns.versions("stopped")).hasSize(2);
    main("stopped", 2);
    main("stopped", 2);
    assertAsThrough("stopped", 2);
  }

  @Test
  void aCrashBetweenStagesIsContinued() {
    Recipe recipe = Recipe.read(MOVING);
    for (int iteration = 0; iteration < 2; iteration++) {
      try (Run run = TinyRuns.started("crashed", recipe)) {
        Dataset<Row> prompts = run.prompts(TinyRuns.SOURCE, Split.TRAIN);
        List<Row> chosen = Generate.rows(prompts, recipe.prompts().choose(Generate.ids(prompts), run.seed(), iteration,
            0));
        Generate.Generated made = Generate.generate(run, recipe, run.handle(run.requirePolicy(iteration)), chosen,
            iteration, 0);
        run.ledger().submit(made.entry(run, iteration, 0));
        if (iteration > 0) {
          JavaRDD<Row> rewards = Score.score(made.rollouts(), chosen, recipe, Update.references(run, recipe,
              iteration));
          run.ledger().submit(Score.entry(run, rewards, iteration, 0, 0));
          run.ledger().submit(Estimate.estimate(run, recipe, rewards, made.rollouts(), Set.of(), iteration,
              Optional.empty()).entry(run, iteration, 0));
        }
      }
      assertThat(TinyRuns.versions("crashed")).hasSize(iteration + 1);
      iterate("crashed", recipe, iteration + 1);
      assertThat(TinyRuns.metric("crashed", iteration, "accuracy"))
          .isEqualTo(TinyRuns.metric(THROUGH, iteration, "accuracy"));
    }
    assertAsThrough("crashed", 2);
  }

  @Test
  void singleStagesMakeTheSamePolicyAndDoNothingTheSecondTime() {
    main("stages", 0);
    String[] sourced = TinyRuns.arguments("stages", MOVING, "--source", TinyRuns.SOURCE, "--iteration", "0");
    String[] plain = TinyRuns.arguments("stages", MOVING, "--iteration", "0");
    for (int time = 0; time < 2; time++) {
      Generate.main(sourced);
      Score.main(sourced);
      Estimate.main(plain);
      Update.main(plain);
    }
    assertAsThrough("stages", 1);
  }

  @Test
  void slotsDoNotMatter() {
    Path cluster = TinyRuns.file("slots: 7\nthreadsPerTask: 1\ndriverMemoryMebibytes: 512\nspark: {}\n");
    main("slots", 1, "--cluster", cluster.toString());
    assertAsThrough("slots", 1);
  }

  @Test
  void anotherSeedIsAnotherRun() {
    main("seed", 1, "--seed", "1");
    assertThat(TinyRuns.versions("seed").get(0)).isEqualTo(TinyRuns.versions(THROUGH).get(0));
    assertThat(TinyRuns.versions("seed").get(1)).isNotEqualTo(TinyRuns.versions(THROUGH).get(1));
  }

  @Test
  void wavesAreDrawnUntilEnoughGroupsAreMixed() {
    Recipe recipe = TinyRuns.recipe(WAVES);
    String name = "waves-full";
    iterate(name, recipe, 1);
    int waves = (int) TinyRuns.rows(name, Stages.TABLE).stream().filter(r -> Stages.STAGE.of(r).equals("generate"))
        .count();
    assertThat(waves).isBetween(2, 5);
    List<String> mixed = mixedInDrawOrder(name, recipe, waves);
    assertThat(mixed.size()).isGreaterThan(4);    // so that there is a surplus
    assertThat(mixedInDrawOrder(name, recipe, waves - 1)).hasSizeLessThan(4);
    List<String> trained = new ArrayList<>();
    for (Row row : TinyRuns.rows(name, Advantages.TABLE)) {
      String group = Advantages.GROUP_ID.of(row);
      if (Advantages.DROPPED.absentIn(row)) {
        trained.add(group);
      } else {
        assertThat(Advantages.DROPPED.<String>of(row)).startsWith(mixed.contains(group)
            ? "group: the update batch was full"
            : "group: refused by MixedGroups");
      }
    }
    assertThat(new HashSet<>(trained)).isEqualTo(new HashSet<>(mixed.subList(0, 4)));
    assertThat(trained).hasSize(20);
    assertThat(TinyRuns.metric(name, 0, "waves")).isEqualTo(waves);
    assertThat(TinyRuns.metric(name, 0, "groups")).isEqualTo(4 * waves);
    assertThat(TinyRuns.metric(name, 0, "groups_dropped")).isEqualTo(4 * waves - 4);
    assertThat(TinyRuns.metric(name, 0, "accuracy")).isCloseTo(TinyRuns.rows(name, Rewards.TABLE).stream()
        .mapToDouble(Rewards.VALUE::<Double>of).average().orElseThrow(), CLOSE);
    assertSameStageByStage(name, waves);
  }

  private static void assertSameStageByStage(String loop, int waves) {
    Path recipe = TinyRuns.file(WAVES);
    String name = "waves-alone";
    TinyRuns.started(name, TinyRuns.recipe(WAVES)).close();
    for (int wave = 0; wave < waves; wave++) {
      String[] of = TinyRuns.arguments(name, recipe, "--source", TinyRuns.SOURCE, "--iteration", "0", "--wave",
          String.valueOf(wave));
      Generate.main(of);
      Score.main(of);
    }
    assertThatThrownBy(() -> Estimate.main(TinyRuns.arguments(name, recipe, "--iteration", "0")))
        .isInstanceOf(RecipeException.class).hasMessageContaining("give the prompts' --source");
    Estimate.main(TinyRuns.arguments(name, recipe, "--iteration", "0", "--source", TinyRuns.SOURCE));
    assertThat(credits(name)).isEqualTo(credits(loop)).anyMatch(line -> line.contains("batch was full"));
  }

  private static List<String> credits(String name) {
    return TinyRuns.rows(name, Advantages.TABLE).stream().map(row -> Advantages.WAVE.of(row) + " "
        + Advantages.GROUP_ID.of(row) + " " + Advantages.SAMPLE.of(row) + " " + (Advantages.ADVANTAGE.absentIn(row)
        ? "" : Advantages.ADVANTAGE.of(row)) + " " + (Advantages.DROPPED.absentIn(row) ? ""
        : Advantages.DROPPED.of(row))).sorted().toList();
  }

  @Test
  void whatThereIsTrainsWhereTheRoundsAreOver() {
    Recipe recipe = TinyRuns.recipe(TinyRuns.GRPO.replace("perIteration: 4, samples: 8", "perIteration: 6, samples: 2")
        .replace("EveryGroup: {}", "MixedGroups: {metric: correct, maxRounds: 2}")
        .replace("epochs: 1, perIteration: 2", "epochs: 1, perIteration: 6"));
    String name = "waves-capped";
    iterate(name, recipe, 1);
    List<String> mixed = mixedInDrawOrder(name, recipe, 2);
    assertThat(mixed.size()).isBetween(1, 5);
    List<Row> trained = TinyRuns.rows(name, Advantages.TABLE).stream().filter(Advantages.DROPPED::absentIn).toList();
    assertThat(Rows.distinct(trained, Advantages.GROUP_ID)).isEqualTo(new TreeSet<>(mixed));
    assertThat(TinyRuns.versions(name).get(1)).isNotEqualTo(TinyRuns.versions(name).get(0));
    assertThat(TinyRuns.metric(name, 0, "steps")).isEqualTo(mixed.size());    // of six mini-batches
    assertThat(TinyRuns.metric(name, 0, "loss")).isFinite();
  }

  @Test
  void anIterationInWhichNothingTrainsLeavesThePolicyAndIsCounted() {
    Recipe recipe = TinyRuns.recipe(TinyRuns.GRPO.replace("samples: 8", "samples: 1")
        .replace("leastOk: 2", "leastOk: 1")
        .replace("EveryGroup: {}", "MixedGroups: {metric: correct, maxRounds: 1}"));
    String name = "untrained";
    iterate(name, recipe, 2);
    assertThat(new HashSet<>(TinyRuns.versions(name).values())).hasSize(1);
    assertThat(TinyRuns.versions(name)).hasSize(3);
    for (int i = 0; i < 2; i++) {
      assertThat(TinyRuns.metric(name, i, "steps")).isZero();
      assertThat(TinyRuns.metric(name, i, "groups_dropped")).isEqualTo(4);
      assertThat(TinyRuns.rows(name, Metrics.TABLE, i)).noneMatch(r -> Metrics.NAME.of(r).equals("loss"));
    }
  }

  /** Groups whose rewards differ, in the order of waves and, within one, of the draw. */
  private static List<String> mixedInDrawOrder(String name, Recipe recipe, int waves) {
    Map<String, Set<Double>> values = new HashMap<>();
    TinyRuns.rows(name, Rewards.TABLE).forEach(row -> values.computeIfAbsent(Rewards.GROUP_ID.of(row),
        g -> new HashSet<>()).add(Rewards.VALUE.of(row)));
    List<String> mixed = new ArrayList<>();
    try (Run run = TinyRuns.open(name, "")) {
      List<String> ids = Generate.ids(run.prompts(TinyRuns.SOURCE, Split.TRAIN));
      for (int wave = 0; wave < waves; wave++) {
        recipe.prompts().choose(ids, run.seed(), 0, wave).stream().filter(id -> values.get(id).size() > 1)
            .forEach(mixed::add);
      }
    }
    return mixed;
  }
}
