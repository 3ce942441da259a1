package alluvium.jobs;

import alluvium.advantages.Moments;
import alluvium.prompts.Split;
import alluvium.rewards.ReferenceReward;
import alluvium.rewards.Verifier;
import alluvium.spark.PolicyHandle;
import alluvium.spark.TaskFailure;
import alluvium.spark.Verdicts;
import alluvium.tables.Prompts;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.storage.StorageLevel;
import scala.Tuple2;

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
    return metrics(run.lake().read(Rewards.TABLE, run.id(), iteration).filter(Rewards.WAVE.col().equalTo(wave))
        .select(Rewards.NAME.col(), Rewards.VALUE.col()).javaRDD(), recipe);
  }

  private static Verdicts verdicts(Recipe recipe, List<PolicyHandle> reference) {
    return new Verdicts(recipe.rewards(), reference, recipe.rollouts().logpTemperature());
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
    Map<String, Double> values = new TreeMap<>();
    Map<String, Moments> moments = new TreeMap<>();
    double failed = 0;
    List<Tuple2<String, Moments>> parts = TaskFailure.surfaced(rewards.mapPartitionsToPair(Score::moments)::collect);
    for (Tuple2<String, Moments> part : parts) {
      if (part._1().isEmpty()) {
        failed += part._2().count();
      } else {
        moments.merge(part._1(), part._2(), Moments::plus);
      }
    }
    moments.forEach((name, all) -> {
      values.put("reward_mean." + name, all.mean());
      if (recipe.rewards().get(name) instanceof Verifier judge) {
        String suffix = Evaluate.verifier(recipe).orElse("").equals(name) ? "" : "." + name;
        values.put("accuracy" + suffix, (all.mean() - judge.wrong()) / (judge.right() - judge.wrong()));
      }
    });
    values.put("rows_failed", failed);
    return values;
  }

  /** Moments by reward name; the failed ones under the empty name. */
  private static Iterator<Tuple2<String, Moments>> moments(Iterator<Row> rows) {
    Map<String, Moments> moments = new TreeMap<>();
    rows.forEachRemaining(row -> {
      boolean failed = Rewards.VALUE.absentIn(row);
      String name = failed ? "" : Rewards.NAME.of(row);
      moments.merge(name, Moments.of(failed ? 0 : Rewards.VALUE.<Double>of(row)), Moments::plus);
    });
    return moments.entrySet().stream().map(e -> new Tuple2<>(e.getKey(), e.getValue())).iterator();
  }
}
