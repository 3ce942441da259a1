package alluvium.jobs;

import alluvium.prompts.Split;
import alluvium.rewards.ReferenceReward;
import alluvium.rewards.TimeLimit;
import alluvium.spark.PolicyHandle;
import alluvium.spark.TaskFailure;
import alluvium.spark.Verdicts;
import alluvium.tables.DataException;
import alluvium.tables.Prompts;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.storage.StorageLevel;

/** Reward scoring: completions in, one verdict per completion and reward function out. */
public final class Score {
  static final String STAGE = "score";

  private Score() {}

  public static void main(String... args) {
    WaveOptions arguments = new WaveOptions();
    if (!arguments.parse("Score", args)) {
      return;
    }
    Options.atLeast(0, "--iteration", arguments.iteration);
    Options.atLeast(0, "--wave", arguments.wave);
    Recipe recipe = Recipe.read(Path.of(arguments.recipe));
    try (Run run = Run.open("score", arguments, recipe.digest())) {
      int iteration = arguments.iteration;
      run.goesOn(Iterate.WORK, Iterate.settings(run, recipe, arguments.source));
      if (run.ledger().done(STAGE, iteration, arguments.wave)) {
        stop(run, recipe, iteration);
        Console.line("score      already done for iteration %d of run %s", iteration, run.id());
        return;
      }
      Console.line("score      iteration %d: %s", iteration,
          score(run, recipe, arguments.source, iteration, arguments.wave));
    }
  }

  /** Scores a wave from table to table, whatever their size, and commits it. Returns its metrics, read back. */
  static Map<String, Double> score(Run run, Recipe recipe, String source, int iteration, int wave) {
    run.ledger().pin(Rollouts.TABLE);
    Dataset<Row> rollouts = run.rows(Rollouts.TABLE, Generate.STAGE, iteration, wave);
    boolean compares = recipe.rewards().values().stream().anyMatch(ReferenceReward.class::isInstance);
    JavaRDD<Row> rewards = verdicts(recipe, compares ? Update.references(run, recipe, iteration) : List.of())
        .over(rollouts, run.prompts(source, Split.TRAIN), run.slots());
    TaskFailure.surfaced(() -> {
      run.ledger().submit(entry(run, rewards, iteration, wave, 0));
      run.ledger().await();
      return iteration;
    });
    JavaRDD<Row> written = judged(run, iteration).filter(Rewards.WAVE.col().equalTo(wave)).javaRDD();
    Judged judged = Judged.of(written);
    stop(run, recipe, written, judged, iteration, wave);
    return judged.metrics(recipe);
  }

  /** What is asked of an iteration's verdicts. */
  private static Dataset<Row> judged(Run run, int iteration) {
    return run.stored(Rewards.TABLE, iteration).select(Rewards.WAVE.col(), Rewards.NAME.col(), Rewards.VALUE.col(),
        Rewards.STATUS.col(), Rewards.MESSAGE.col());
  }

  private static Verdicts verdicts(Recipe recipe, List<PolicyHandle> reference) {
    return new Verdicts(recipe.rewards(), reference, recipe.rollouts().logpTemperature(),
        new TimeLimit(recipe.onError().timeoutSeconds()));
  }

  /** The verdicts of all the recipe's reward functions on all completions, kept on executors once computed. */
  static JavaRDD<Row> score(JavaRDD<Row> rollouts, List<Row> prompts, Recipe recipe, List<PolicyHandle> reference) {
    return verdicts(recipe, reference).over(rollouts, prompts)
        .persist(StorageLevel.MEMORY_AND_DISK());
  }

  static Ledger.Entry entry(Run run, JavaRDD<Row> rewards, int iteration, int wave, double seconds) {
    return new Ledger.Entry(STAGE, iteration, wave, List.of(Ledger.Data.of(run.spark(), Rewards.TABLE, rewards)),
        List.of(Rollouts.TABLE, Prompts.TABLE), Map.of("score", seconds), () -> { });
  }

  /** Accuracy of each verifier and the mean of every other reward, over verdicts that are ok; and how many failed. */
  static Map<String, Double> metrics(JavaRDD<Row> rewards, Recipe recipe) {
    return Judged.of(rewards).metrics(recipe);
  }

  /**
   * Ends the run where a reward failed more often in a wave than the recipe allows. What the run has handed in is
   * committed before, the wave's rewards among it, so that people can look at them and a restart ends here again.
   */
  static void stop(Run run, Recipe recipe, JavaRDD<Row> rewards, Judged judged, int iteration, int wave) {
    List<String> excess = judged.excess(recipe.onError(), rewards);
    if (!excess.isEmpty()) {
      run.ledger().await();
      String choice = recipe.onError().getClass().getSimpleName();
      throw new DataException("rewards: iteration %s, wave %s of run %s: %s. onError.%s.maxErrorShare is %s. The rows"
          + " are in the table rewards. Mend the reward and start another run, or raise maxErrorShare; this run ends"
          + " here whenever it is started again.", iteration, wave, run.id(), String.join("; ", excess), choice,
          recipe.onError().maxErrorShare());
    }
  }

  /** The same of all the waves of an iteration that are in the table of rewards. */
  static void stop(Run run, Recipe recipe, int iteration) {
    Dataset<Row> rewards = judged(run, iteration);
    List<Integer> waves = rewards.select(Rewards.WAVE.col()).distinct().as(Encoders.INT()).collectAsList();
    for (int wave : waves.stream().sorted().toList()) {
      JavaRDD<Row> ofWave = rewards.filter(Rewards.WAVE.col().equalTo(wave)).javaRDD();
      stop(run, recipe, ofWave, Judged.of(ofWave), iteration, wave);
    }
  }
}
