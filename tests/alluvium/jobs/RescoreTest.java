package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.spark.Contrast;
import alluvium.tables.Advantages;
import alluvium.tables.Metrics;
import alluvium.tables.RecipeException;
import alluvium.tables.Rewards;
import alluvium.tables.Stages;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class RescoreTest {
  private static final String NAME = "judged";
  private static final Path RECIPE = TinyRuns.file(TinyRuns.GRPO);
  private static final Recipe GRPO = Recipe.read(RECIPE);
  private static final Path FLIPPED = TinyRuns.file(TinyRuns.GRPO.replace("weights: {correct: 1}",
      "weights: {correct: -1}"));

  @BeforeAll
  static void twoIterations() {
    Iterate.main(TinyRuns.arguments(NAME, RECIPE, "--source", TinyRuns.SOURCE, "--iterations", "2", "--policy",
        TinyRuns.POLICY.toString()));
  }

  private static String[] arguments(Path recipe, String name, String... more) {
    List<String> all = new ArrayList<>(List.of("--source", TinyRuns.SOURCE, "--name", name));
    all.addAll(List.of(more));
    return TinyRuns.arguments(NAME, recipe, all.toArray(String[]::new));
  }

  private static Contrast.Found rescore(Path recipe, String name, String cluster) {
    Options options = TinyRuns.options(NAME);
    options.cluster = cluster;
    Recipe read = Recipe.read(recipe);
    try (Run run = Run.open("test", options, read.digest())) {
      return Rescore.rescore(run, read, GRPO, TinyRuns.SOURCE, name, 0, 9);
    }
  }

  /** Groups of the run whose rewards differ. */
  private static long mixed() {
    Map<String, Set<Double>> values = new HashMap<>();
    for (Row row : TinyRuns.rows(NAME, Rewards.TABLE)) {
      values.computeIfAbsent(Rewards.ITERATION.of(row) + "/" + Rewards.GROUP_ID.of(row), g -> new HashSet<>())
          .add(Rewards.VALUE.of(row));
    }
    return values.values().stream().filter(v -> v.size() > 1).count();
  }

  @Test
  void theSameRecipeChangesNothing() {
    Rescore.main(arguments(RECIPE, "same"));
    String key = "judged.rescored.same";
    assertThat(TinyRuns.digest(TinyRuns.rows(key, Rewards.TABLE), Rewards.TABLE))
        .isEqualTo(TinyRuns.digest(TinyRuns.rows(NAME, Rewards.TABLE), Rewards.TABLE));
    assertThat(TinyRuns.rows(key, Advantages.TABLE)).isEmpty();
    for (int i = 0; i < 2; i++) {
      double right = TinyRuns.rows(NAME, Rewards.TABLE, i).stream().filter(r -> Rewards.VALUE.<Double>of(r) == 1)
          .count();
      assertThat(TinyRuns.metric(key, i, "rescored_right_to_right.correct")).isEqualTo(right);
      assertThat(TinyRuns.metric(key, i, "rescored_wrong_to_wrong.correct")).isEqualTo(32 - right);
      assertThat(TinyRuns.metric(key, i, "rescored_right_to_wrong.correct")).isZero();
      assertThat(TinyRuns.metric(key, i, "rescored_groups")).isEqualTo(4);
      assertThat(TinyRuns.metric(key, i, "rescored_groups_flipped")).isZero();
      assertThat(TinyRuns.metric(key, i, "rescored_unmatched")).isZero();
    }
    assertThat(TinyRuns.rows(key, Stages.TABLE)).hasSize(2).allMatch(r -> Stages.STAGE.of(r).equals("rescore")
        && Stages.ROWS.<Long>of(r) == 32);
  }

  @Test
  void whatIsRightBecomesWorthLessAndEveryGroupThatTrainsFlips() {
    Contrast.Found found = rescore(FLIPPED, "flipped", "conf/clusters/local.yaml");
    assertThat(mixed()).isPositive();
    assertThat(found.flippedGroups()).isEqualTo(mixed()).isEqualTo(found.credited());
    assertThat(found.flippedCompletions()).isEqualTo(8 * mixed());
    assertThat(found.groups()).isEqualTo(8);
    assertThat(found.worst()).hasSize((int) mixed());
    assertThat(Rescore.table(found)).contains(String.format("an advantage changes sign in %d of 8 groups", mixed()))
        .contains("correct old \\ new").contains(found.worst().get(0).promptId());
  }

  @Test
  void itGoesOnWhereItWasAndRepeatsNothing() {
    Rescore.main(arguments(RECIPE, "halves", "--to", "0"));
    assertThat(TinyRuns.rows("judged.rescored.halves", Rewards.TABLE)).hasSize(32);
    Rescore.main(arguments(RECIPE, "halves"));
    Contrast.Found again = rescore(RECIPE, "halves", "conf/clusters/local.yaml");
    Contrast.Found once = rescore(RECIPE, "whole", "conf/clusters/local.yaml");
    assertThat(again).isEqualTo(once);
    assertThat(TinyRuns.rows("judged.rescored.halves", Stages.TABLE)).hasSize(2);
    assertThat(TinyRuns.digest(TinyRuns.rows("judged.rescored.halves", Rewards.TABLE), Rewards.TABLE))
        .isEqualTo(TinyRuns.digest(TinyRuns.rows("judged.rescored.whole", Rewards.TABLE), Rewards.TABLE));
    assertThat(TinyRuns.digest(TinyRuns.rows("judged.rescored.halves", Metrics.TABLE), Metrics.TABLE))
        .isEqualTo(TinyRuns.digest(TinyRuns.rows("judged.rescored.whole", Metrics.TABLE), Metrics.TABLE));
  }

  @Test
  void partitionsDoNotMatter() {
    Path seven = TinyRuns.file("slots: 7\nthreadsPerTask: 1\ndriverMemoryMebibytes: 512\nspark: {}\n");
    Contrast.Found few = rescore(FLIPPED, "few", "conf/clusters/local.yaml");
    Contrast.Found many = rescore(FLIPPED, "many", seven.toString());
    assertThat(many).isEqualTo(few);
    assertThat(TinyRuns.digest(TinyRuns.rows("judged.rescored.many", Rewards.TABLE), Rewards.TABLE))
        .isEqualTo(TinyRuns.digest(TinyRuns.rows("judged.rescored.few", Rewards.TABLE), Rewards.TABLE));
    assertThat(TinyRuns.digest(TinyRuns.rows("judged.rescored.many", Metrics.TABLE), Metrics.TABLE))
        .isEqualTo(TinyRuns.digest(TinyRuns.rows("judged.rescored.few", Metrics.TABLE), Metrics.TABLE));
  }

  @Test
  void otherNamesOfRewardsNeedTheOldRecipe() {
    Path renamed = TinyRuns.file(TinyRuns.GRPO.replace("{correct: {NumericAnswer", "{exact: {NumericAnswer")
        .replace("weights: {correct: 1}", "weights: {exact: 1}"));
    assertThatThrownBy(() -> Rescore.main(arguments(renamed, "renamed"))).isInstanceOf(RecipeException.class)
        .hasMessage("--old: run judged was judged by the rewards [correct], and the recipe that is to say how they"
            + " count has [exact]. Give the recipe of the run as --old.");
    Rescore.main(arguments(renamed, "renamed", "--old", RECIPE.toString()));
    assertThat(TinyRuns.metric("judged.rescored.renamed", 1, "rescored_groups_flipped")).isZero();
    assertThat(TinyRuns.rows("judged.rescored.renamed", Rewards.TABLE)).hasSize(64)
        .allMatch(r -> Rewards.NAME.of(r).equals("exact"));
  }

  @Test
  void aNameStandsForOneRecipeAndGrowsAtItsEnd() {
    Rescore.main(arguments(RECIPE, "taken", "--from", "1"));
    assertThatThrownBy(() -> Rescore.main(arguments(FLIPPED, "taken"))).isInstanceOf(RecipeException.class)
        .hasMessage("--name: judged.rescored.taken holds the verdicts of the recipe of digest " + GRPO.digest()
            + ", this one has " + Recipe.read(FLIPPED).digest() + ". Give another name.");
    assertThatThrownBy(() -> Rescore.main(arguments(RECIPE, "taken"))).isInstanceOf(RecipeException.class)
        .hasMessage("--from: judged.rescored.taken has iteration 1 already, and iterations are added in rising order,"
            + " so not 0 any more. Give another --name.");
    assertThatThrownBy(() -> Rescore.main(arguments(RECIPE, "no/name"))).isInstanceOf(RecipeException.class)
        .hasMessageContaining("--name must be letters");
  }
}
