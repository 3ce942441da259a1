package alluvium.jobs;

import alluvium.prompts.Split;
import alluvium.rewards.Reward;
import alluvium.rewards.Verifier;
import alluvium.spark.PolicyHandle;
import alluvium.spark.Verdicts;
import alluvium.tables.Prompts;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import picocli.CommandLine.Option;

/** Reward scoring: completions in, one verdict per completion and reward function out. */
public final class Score {
  static final String STAGE = "score";

  private Score() {}

  static final class Arguments extends Options {
    @Option(names = "--recipe", required = true, description = "recipe, such as conf/grpo.yaml")
    String recipe;

    @Option(names = "--source", required = true, description = "source of the prompts, as given to Ingest")
    String source;

    @Option(names = "--iteration", required = true, description = "0-based iteration")
    int iteration;

    @Option(names = "--wave", defaultValue = "0", description = "0-based wave (default: ${DEFAULT-VALUE})")
    int wave;
  }

  public static void main(String... args) {
    Arguments arguments = new Arguments();
    if (!arguments.parse("Score", args)) {
      return;
    }
    Recipe recipe = Recipe.read(Path.of(arguments.recipe));
    try (Run run = Run.open("score", arguments, recipe.digest())) {
      int iteration = arguments.iteration;
      if (run.ledger().done(STAGE, iteration, arguments.wave)) {
        Console.line("score      already done for iteration %d of run %s", iteration, run.id());
        return;
      }
      run.ledger().pin(Rollouts.TABLE);
      Dataset<Row> rollouts = run.rows(Rollouts.TABLE, iteration).filter(Rollouts.WAVE.col().equalTo(arguments.wave));
      Dataset<Row> rewards = score(rollouts, run.prompts(arguments.source, Split.TRAIN), recipe,
          Update.references(run, recipe, iteration)).cache();
      Map<String, Double> metrics = metrics(rewards, recipe);
      run.ledger().submit(entry(rewards, iteration, arguments.wave, 0));
      run.ledger().await();
      Console.line("score      iteration %d: %s", iteration, metrics);
    }
  }

  /** The verdicts of all the recipe's reward functions on all completions. */
  static Dataset<Row> score(Dataset<Row> rollouts, Dataset<Row> prompts, Recipe recipe, List<PolicyHandle> reference) {
    return new Verdicts(recipe.rewards(), reference, recipe.rollouts().logpTemperature()).over(rollouts, prompts);
  }

  static Ledger.Entry entry(Dataset<Row> rewards, int iteration, int wave, double seconds) {
    return new Ledger.Entry(STAGE, iteration, wave, List.of(new Ledger.Data(Rewards.TABLE, rewards)),
        List.of(Rollouts.TABLE, Prompts.TABLE), Map.of("score", seconds), () -> { });
  }

  /** Accuracy of each verifier and the mean of every other reward, over verdicts that are ok; and how many failed. */
  static Map<String, Double> metrics(Dataset<Row> rewards, Recipe recipe) {
    Map<String, Double> values = new TreeMap<>();
    long failed = 0;
    for (Row row : rewards.groupBy(Rewards.NAME.col()).agg(functions.avg(Rewards.VALUE.col()),
        functions.sum(functions.when(Rewards.VALUE.col().isNull(), 1L).otherwise(0L))).collectAsList()) {
      Reward reward = recipe.rewards().get(row.getString(0));
      double mean = row.isNullAt(1) ? Double.NaN : row.getDouble(1);
      values.put("reward_mean." + row.getString(0), mean);
      if (reward instanceof Verifier judge) {
        String suffix = Evaluate.verifier(recipe).orElse("").equals(row.getString(0)) ? "" : "." + row.getString(0);
        values.put("accuracy" + suffix, (mean - judge.wrong()) / (judge.right() - judge.wrong()));
      }
      failed += row.getLong(2);
    }
    values.put("rows_failed", (double) failed);
    return values;
  }
}
