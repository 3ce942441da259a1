package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.tables.Advantages;
import alluvium.tables.DataException;
import alluvium.tables.Rewards;
import alluvium.tables.Stages;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Iterations with a grader that dies on every right answer. */
class FailedRewardsTest {
  private static final String FREE = "failing-free";
  private static long failed;

  private static String recipe(String onError) {
    return TinyRuns.GRPO.replace("{NumericAnswer: {right: 1, wrong: 0, tolerance: 1.0e-6}}",
        "{Faulty: {verifier: {NumericAnswer: {right: 1, wrong: 0, tolerance: 1.0e-6}}, share: 1}}")
        .replace("Drop: {timeoutSeconds: 10, leastOk: 2, maxErrorShare: 0.1}", onError);
  }

  private static String drop(double maxErrorShare) {
    return recipe("Drop: {timeoutSeconds: 10, leastOk: 2, maxErrorShare: " + maxErrorShare + "}");
  }

  private static void iterate(String name, String recipe) {
    Recipe parsed = TinyRuns.recipe(recipe);
    try (Run run = TinyRuns.started(name, parsed)) {
      Iterate.iterate(run, parsed, TinyRuns.SOURCE, 1, 0, 1);
    }
  }

  private static List<String> stages(String name) {
    return TinyRuns.rows(name, Stages.TABLE).stream().map(row -> Stages.STAGE.<String>of(row)).sorted().toList();
  }

  @BeforeAll
  static void aRunThatNeverStops() {
    iterate(FREE, drop(1));
    failed = TinyRuns.rows(FREE, Rewards.TABLE).stream().filter(Rewards.VALUE::absentIn).count();
  }

  @Test
  void whatFailedIsCountedAndDoesNotTrain() {
    assertThat(failed).isBetween(1L, 31L);
    assertThat(TinyRuns.metric(FREE, 0, "rows_failed")).isEqualTo(failed);
    assertThat(TinyRuns.metric(FREE, 0, "reward_failed.correct")).isEqualTo(failed);
    assertThat(TinyRuns.metric(FREE, 0, "reward_failed.correct.error")).isEqualTo(failed);
    assertThat(TinyRuns.metric(FREE, 0, "groups_too_few_ok")).isZero();
    assertThat(TinyRuns.rows(FREE, Advantages.TABLE)).filteredOn(row -> !Advantages.DROPPED.absentIn(row))
        .hasSize((int) failed).allMatch(row -> Advantages.DROPPED.of(row).equals("reward correct: error"));
  }

  @Test
  void zeroTrainsOnThemWhileTheTableStillSaysThatTheyFailed() {
    iterate("failing-zero", recipe("Zero: {timeoutSeconds: 10, maxErrorShare: 1}"));
    assertThat(TinyRuns.digest(TinyRuns.rows("failing-zero", Rewards.TABLE), Rewards.TABLE))
        .isEqualTo(TinyRuns.digest(TinyRuns.rows(FREE, Rewards.TABLE), Rewards.TABLE));
    assertThat(TinyRuns.rows("failing-zero", Advantages.TABLE)).hasSize(32)
        .allMatch(row -> Advantages.DROPPED.absentIn(row) && Advantages.REWARD.<Double>of(row) == 0);
    assertThat(TinyRuns.metric("failing-zero", 0, "rows_failed")).isEqualTo(failed);
    assertThat(TinyRuns.metric("failing-zero", 0, "reward_mean")).isZero();
  }

  @Test
  void aShareAtTheLimitIsAllowed() {
    iterate("failing-at", drop(failed / 32.0));
    assertThat(TinyRuns.versions("failing-at")).isEqualTo(TinyRuns.versions(FREE));
  }

  @Test
  void oneAboveItStopsTheRunAfterTheRewardsAreKeptAndEachTimeAgain() {
    String name = "failing-above";
    Path file = TinyRuns.file(drop(Math.nextDown(failed / 32.0)));
    String message = "rewards: iteration 0, wave 0 of run failing-above: correct failed " + failed + " of 32 times"
        + " (error " + failed + "), mostly with " + failed + " x 'IllegalStateException: the answer cannot be parsed'."
        + " onError.Drop.maxErrorShare is " + Math.nextDown(failed / 32.0) + ". The rows are in the table rewards. Mend"
        + " the reward and start another run, or raise maxErrorShare; this run ends here whenever it is started again.";
    String[] sourced = TinyRuns.arguments(name, file, "--source", TinyRuns.SOURCE, "--iteration", "0");
    List<Runnable> ways = List.of(() -> iterate(name, StrictYaml.text(file)),
        () -> iterate(name, StrictYaml.text(file)), () -> Score.main(sourced),
        () -> Estimate.main(TinyRuns.arguments(name, file, "--iteration", "0")));
    for (Runnable way : ways) {
      assertThatThrownBy(way::run).isInstanceOf(DataException.class).hasMessage(message);
      assertThat(stages(name)).containsExactly("adopt", "generate", "score");
      List<Row> kept = TinyRuns.rows(name, Rewards.TABLE);
      assertThat(TinyRuns.digest(kept, Rewards.TABLE))
          .isEqualTo(TinyRuns.digest(TinyRuns.rows(FREE, Rewards.TABLE), Rewards.TABLE));
    }
  }

  @Test
  void scoringByItselfKeepsTheRewardsBeforeItStops() {
    String name = "failing-score";
    Path file = TinyRuns.file(drop(0));
    try (Run run = TinyRuns.started(name, Recipe.read(file))) {
      assertThat(run.policy(0)).isPresent();
    }
    String[] sourced = TinyRuns.arguments(name, file, "--source", TinyRuns.SOURCE, "--iteration", "0");
    Generate.main(sourced);
    assertThatThrownBy(() -> Score.main(sourced)).isInstanceOf(DataException.class)
        .hasMessageContaining("correct failed " + failed + " of 32 times");
    assertThat(stages(name)).containsExactly("adopt", "generate", "score");
    assertThat(TinyRuns.rows(name, Rewards.TABLE)).hasSize(32);
  }

  @Test
  void groupsWithTooFewRewardsAreLeftOutAndCounted() {
    String name = "failing-few";
    iterate(name, recipe("Drop: {timeoutSeconds: 10, leastOk: 8, maxErrorShare: 1}"));    // all eight of a group
    long hit = TinyRuns.rows(FREE, Rewards.TABLE).stream().filter(Rewards.VALUE::absentIn)
        .map(row -> Rewards.GROUP_ID.<String>of(row)).distinct().count();
    assertThat(hit).isPositive();
    assertThat(TinyRuns.metric(name, 0, "groups_too_few_ok")).isEqualTo(hit);
    assertThat(TinyRuns.metric(name, 0, "groups_dropped")).isEqualTo(hit);
    assertThat(TinyRuns.rows(name, Advantages.TABLE)).filteredOn(row -> !Advantages.DROPPED.absentIn(row))
        .hasSize((int) (8 * hit)).allMatch(row -> Advantages.DROPPED.<String>of(row)
            .matches("reward correct: error|group: [0-7] of 8 completions have all rewards, fewer than 8"));
  }
}
