package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.spark.CommitKey;
import alluvium.spark.Rows;
import alluvium.tables.Advantages;
import alluvium.tables.DataException;
import alluvium.tables.Field;
import alluvium.tables.Policies;
import alluvium.tables.Prompts;
import alluvium.tables.RecipeException;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class TraceTest {
  private static final String NAME = "traced";
  private static final String FORK = "traced-fork";
  private static final Path RECIPE = TinyRuns.file(TinyRuns.GRPO
      .replace("perIteration: 2, shards: 2", "perIteration: 1, shards: 2")
      .replace("regularizers: []", "regularizers: [{Kl: {beta: 0.1, estimator: {K3: {}}, gradient: {Direct: {}}}}]")
      .replace("NoReference", "Initial"));
  private static final Recipe READ = Recipe.read(RECIPE);

  /** A run of two iterations, and another one that goes on from its first policy with another seed. */
  @BeforeAll
  static void aRunAndAFork() {
    Iterate.main(TinyRuns.arguments(NAME, RECIPE, "--source", TinyRuns.SOURCE, "--iterations", "2", "--policy",
        TinyRuns.POLICY.toString(), "--seed", "11"));
    try (Run run = TinyRuns.open(FORK, READ.digest())) {
      List<Row> copies = new ArrayList<>();
      for (Row row : TinyRuns.rows(NAME, Policies.TABLE)) {
        if (Policies.ITERATION.<Integer>of(row) <= 1) {
          Map<Field, Object> values = new HashMap<>();
          Policies.TABLE.fields().stream().filter(f -> !f.absentIn(row)).forEach(f -> values.put(f, f.of(row)));
          values.put(Policies.FILES, row.getJavaMap(row.fieldIndex(Policies.FILES.name())));
          values.put(Policies.RUN_ID, FORK);
          copies.add(Policies.TABLE.row(values));
        }
      }
      run.lake().append(Policies.TABLE, copies, new CommitKey(FORK, "fork", 0, Map.of()));
    }
    String[] sourced = TinyRuns.arguments(FORK, RECIPE, "--source", TinyRuns.SOURCE, "--iteration", "1", "--seed",
        "12");
    String[] plain = TinyRuns.arguments(FORK, RECIPE, "--iteration", "1", "--seed", "12");
    Generate.main(sourced);
    Score.main(sourced);
    Estimate.main(plain);
    Update.main(plain);
  }

  private static Run open() {
    return TinyRuns.open(NAME, READ.digest());
  }

  private static List<Row> behind(String version) {
    try (Run run = open()) {
      return run.spark().sql(Trace.back(run, version).sql()).collectAsList();
    }
  }

  private static TreeSet<String> touched(String prompt) {
    try (Run run = open()) {
      TreeSet<String> places = new TreeSet<>();
      Trace.forward(run, prompt).policies().stream()
          .filter(r -> List.of(NAME, FORK).contains(r.<String>getAs(TraceQuery.RUN)))
          .forEach(r -> places.add(r.getAs(TraceQuery.RUN) + " " + Policies.ITERATION.<Integer>of(r) + " "
              + Policies.POLICY_VERSION.<String>of(r)));
      return places;
    }
  }

  @Test
  void behindAPolicyAreTheCompletionsOfAllUpdatesBeforeIt() {
    Map<Integer, String> versions = TinyRuns.versions(NAME);
    assertThat(behind(versions.get(1))).hasSize(32);    // 4 prompts of 8
    List<Row> rows = behind(versions.get(2));
    assertThat(rows).hasSize(64);
    Map<List<Object>, Row> rollouts = new HashMap<>();
    Map<List<Object>, Row> rewards = new HashMap<>();
    Map<List<Object>, Row> advantages = new HashMap<>();
    Map<String, String> texts = new HashMap<>();
    TinyRuns.rows(NAME, Rollouts.TABLE).forEach(r -> rollouts.put(key(r), r));
    TinyRuns.rows(NAME, Rewards.TABLE).forEach(r -> rewards.put(key(r), r));
    TinyRuns.rows(NAME, Advantages.TABLE).forEach(r -> advantages.put(key(r), r));
    TinyRuns.all(Prompts.TABLE).forEach(r -> texts.put(Prompts.PROMPT_ID.of(r), Prompts.TEXT.of(r)));
    for (Row row : rows) {
      List<Object> key = key(row);
      int iteration = Advantages.ITERATION.of(row);
      assertThat(Policies.POLICY_VERSION.<String>of(row)).isEqualTo(versions.get(iteration + 1));
      assertThat(row.<String>getAs("sampled_by")).isEqualTo(versions.get(iteration));
      assertThat(row.<String>getAs("run")).isEqualTo(NAME);
      assertThat(Rollouts.TOKENS.ints(row)).isEqualTo(Rollouts.TOKENS.ints(rollouts.get(key)));
      assertThat(Rollouts.LOGP.floats(row)).isEqualTo(Rollouts.LOGP.floats(rollouts.get(key)));
      assertThat(row.<String>getAs("completion")).isEqualTo(Rollouts.TEXT.of(rollouts.get(key)));
      assertThat(row.<String>getAs("prompt")).isEqualTo(texts.get(Rollouts.PROMPT_ID.<String>of(row)));
      assertThat(row.<String, Double>getJavaMap(row.fieldIndex("rewards")))
          .isEqualTo(Map.of("correct", Rewards.VALUE.<Double>of(rewards.get(key))));
      assertThat(row.<String, String>getJavaMap(row.fieldIndex("status"))).isEqualTo(Map.of("correct", "ok"));
      assertThat(Advantages.ADVANTAGE.<Double>of(row)).isEqualTo(Advantages.ADVANTAGE.<Double>of(advantages.get(key)));
    }
    assertThat(rows.stream().map(TraceTest::key).distinct()).hasSize(64);
  }

  private static List<Object> key(Row row) {
    return List.of(Rollouts.ITERATION.of(row), Rollouts.WAVE.of(row), Rollouts.GROUP_ID.of(row),
        Rollouts.SAMPLE.of(row));
  }

  @Test
  void aForkLeadsIntoTheRunThatItLeft() {
    String version = TinyRuns.versions(FORK).get(2);
    try (Run run = open()) {
      Trace.Back back = Trace.back(run, version);
      assertThat(back.line()).containsExactly(new Lineage.Origin(NAME, 0), new Lineage.Origin(FORK, 1));
      List<Row> counts = run.spark().sql(TraceQuery.counts(back.sql())).collectAsList();
      assertThat(counts).extracting(r -> r.<String>getAs("run")).containsExactly(NAME, FORK);
      assertThat(counts).extracting(r -> r.<Long>getAs("completions")).containsExactly(32L, 32L);
      assertThat(counts).extracting(r -> r.<Long>getAs("trained")).containsExactly(32L, 32L);
      assertThat(Trace.verify(run, READ, back).relative()).isLessThan(1e-5);
    }
  }

  @Test
  void aPromptLeadsToThePoliciesThatItWentIntoAndNoOthers() {
    TreeSet<String> first = Rows.distinct(TinyRuns.rows(NAME, Rollouts.TABLE, 0), Rollouts.PROMPT_ID);
    TreeSet<String> second = Rows.distinct(TinyRuns.rows(NAME, Rollouts.TABLE, 1), Rollouts.PROMPT_ID);
    TreeSet<String> forked = Rows.distinct(TinyRuns.rows(FORK, Rollouts.TABLE, 1), Rollouts.PROMPT_ID);
    TreeSet<String> all = new TreeSet<>(first);
    all.addAll(second);
    all.addAll(forked);
    Map<TreeSet<String>, String> found = new HashMap<>();
    for (String prompt : all) {
      TreeSet<String> expected = new TreeSet<>();
      String one = " 1 " + TinyRuns.versions(NAME).get(1);
      if (first.contains(prompt)) {
        expected.add(NAME + one);
        expected.add(FORK + one);
      }
      if (first.contains(prompt) || second.contains(prompt)) {
        expected.add(NAME + " 2 " + TinyRuns.versions(NAME).get(2));
      }
      if (first.contains(prompt) || forked.contains(prompt)) {
        expected.add(FORK + " 2 " + TinyRuns.versions(FORK).get(2));
      }
      found.put(expected, prompt);
    }
    assertThat(found).hasSizeGreaterThan(1);    // prompts of the first iteration, and others: one of each kind is asked
    found.forEach((expected, prompt) -> assertThat(touched(prompt)).as(prompt).isEqualTo(expected));
  }

  @Test
  void theGradientFollowsFromTheRowsAlone() {
    try (Run run = open()) {
      for (int iteration = 0; iteration < 2; iteration++) {
        Trace.Back back = Trace.back(run, TinyRuns.versions(NAME).get(iteration + 1));
        GradientCheck check = Trace.verify(run, READ, back);
        assertThat(check.steps()).isEqualTo(1);
        assertThat(check.completions()).isEqualTo(32);
        assertThat(check.recordedNorm()).isEqualTo(TinyRuns.metric(NAME, iteration, "gradient_norm")).isPositive();
        assertThat(check.relative()).isLessThan(1e-5);
        check.require(back.last());
      }
    }
  }

  @Tag("long")
  @Test
  void aGradientOfOtherRowsIsRefused() {
    Lineage.Origin update = new Lineage.Origin(NAME, 1);
    List<Row> rows = behind(TinyRuns.versions(NAME).get(2)).stream()
        .filter(r -> Advantages.ITERATION.<Integer>of(r) == 1).toList();
    try (Run run = open()) {
      GradientCheck check = GradientCheck.of(run, READ, update, rows.subList(1, 32));
      assertThat(check.completions()).isEqualTo(31);
      assertThatThrownBy(() -> check.require(update)).isInstanceOf(DataException.class)
          .hasMessageStartingWith("update 1 of run traced does not follow from its rows: gradient norm from 31"
              + " completions");
      assertThatThrownBy(() -> GradientCheck.of(run, TinyRuns.recipe(TinyRuns.GRPO), update, rows))
          .isInstanceOf(RecipeException.class).hasMessageContaining("Give the recipe of run traced.");
    }
  }

  @Tag("long")
  @Test
  void ofSeveralStepsItSaysThatTheNormsAreNotCompared() {
    String name = "traced-steps";
    Path recipe = TinyRuns.file(TinyRuns.GRPO);
    Iterate.main(TinyRuns.arguments(name, recipe, "--source", TinyRuns.SOURCE, "--iterations", "1", "--policy",
        TinyRuns.POLICY.toString(), "--seed", "11"));
    try (Run run = TinyRuns.open(name, "")) {
      Trace.Back back = Trace.back(run, TinyRuns.versions(name).get(1));
      GradientCheck check = Trace.verify(run, Recipe.read(recipe), back);
      assertThat(check.steps()).isEqualTo(2);
      assertThat(check.mismatch()).isLessThan(1e-4);
      assertThat(check.text()).contains("so the norms are not compared");
      check.require(back.last());
    }
    new GradientCheck(1, 1, 2, 5, 1, 0).require(new Lineage.Origin(name, 0));
    assertThatThrownBy(() -> new GradientCheck(1, 1, 2, 1, 1, 0.5).require(new Lineage.Origin(name, 0)))
        .isInstanceOf(DataException.class);
  }

  @Tag("long")
  @Test
  void theMainsPrintBothWays() {
    String version = TinyRuns.versions(NAME).get(2);
    String prompt = Rollouts.PROMPT_ID.of(TinyRuns.rows(NAME, Rollouts.TABLE, 0).get(0));
    Trace.main(TinyRuns.arguments(NAME, RECIPE, "--policy", version, "--rows", "3", "--verify"));
    Trace.main(TinyRuns.arguments(NAME, RECIPE, "--prompt", prompt, "--rows", "1"));
  }

  @Test
  void whatCannotBeTraced() {
    assertThatThrownBy(() -> behind("nothing")).isInstanceOf(DataException.class).hasMessage("policies: no run's main"
        + " line has a policy of version nothing. Look the version up in the table of policies.");
    String start = TinyRuns.versions(NAME).get(0);
    assertThatThrownBy(() -> behind(start)).isInstanceOf(DataException.class).hasMessage("policies: " + start
        + " was made by no update of this lake, so no completion is behind it. Name the version of a later policy.");
    try (Run run = open()) {
      assertThatThrownBy(() -> Trace.forward(run, "it's \\ not")).isInstanceOf(DataException.class)
          .hasMessage("advantages: no update batch has a completion of prompt it's \\ not. Look the id up in the table"
              + " of prompts.");
    }
    assertThatThrownBy(() -> Trace.main(TinyRuns.arguments(NAME, RECIPE))).isInstanceOf(RecipeException.class)
        .hasMessage("Trace needs --policy VERSION or --prompt ID, one of the two");
    assertThatThrownBy(() -> Trace.main("--lake", "x", "--policy", "v", "--verify")).isInstanceOf(RecipeException.class)
        .hasMessage("--verify needs --policy VERSION and --recipe FILE, the recipe that the run had");
  }

  @Test
  void updatesOfARunThatFollowOneAnotherAreOneCondition() {
    assertThat(Lineage.stretches(List.of(new Lineage.Origin("a", 0), new Lineage.Origin("a", 1),
        new Lineage.Origin("b", 2), new Lineage.Origin("b", 3)))).containsExactly(new Lineage.Stretch("a", 0, 1),
            new Lineage.Stretch("b", 2, 3));
  }
}
