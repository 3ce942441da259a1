package alluvium.jobs;

import alluvium.prompts.Split;
import alluvium.rewards.TimeLimit;
import alluvium.spark.PolicyHandle;
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
      if (run.ledger().done(STAGE, iteration, arguments.wave)) {
        stop(run, recipe, iteration);
        Console.line("score      already done for iteration %d of run %s", iteration, run.id());
        return;
      }
      run.ledger().pin(Rollouts.TABLE);
      JavaRDD<Row> rollouts = run.rows(Rollouts.TABLE, iteration)
          .filter(Rollouts.WAVE.col().equalTo(arguments.wave)).javaRDD();
      List<String> ids = rollouts.map(Rollouts.PROMPT_ID::<String>of).distinct().collect();
      List<Row> prompts = Generate.rows(run.prompts(arguments.source, Split.TRAIN), ids);
      JavaRDD<Row> rewards = score(rollouts, prompts, recipe, Update.references(run, recipe, iteration));
      Judged judged = Judged.of(rewards);
      run.ledger().submit(entry(run, rewards, iteration, arguments.wave, 0));
      run.ledger().await();
      Console.line("score      iteration %d: %s", iteration, judged.metrics(recipe));
      stop(run, recipe, rewards, judged, iteration, arguments.wave);
    }
  }

  /** The verdicts of all the recipe's reward functions on all completions, kept on executors once computed. */
  static JavaRDD<Row> score(JavaRDD<Row> rollouts, List<Row> prompts, Recipe recipe, List<PolicyHandle> reference) {
    TimeLimit limit = new TimeLimit(recipe.onError().timeoutSeconds());
    return new Verdicts(recipe.rewards(), reference, recipe.rollouts().logpTemperature(), limit)
        .over(rollouts, prompts).persist(StorageLevel.MEMORY_AND_DISK());
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
    Dataset<Row> rewards = run.rows(Rewards.TABLE, iteration);
    List<Integer> waves = rewards.select(Rewards.WAVE.col()).distinct().as(Encoders.INT()).collectAsList();
    for (int wave : waves.stream().sorted().toList()) {
      JavaRDD<Row> ofWave = rewards.filter(Rewards.WAVE.col().equalTo(wave)).javaRDD();
      stop(run, recipe, ofWave, Judged.of(ofWave), iteration, wave);
    }
  }
}
