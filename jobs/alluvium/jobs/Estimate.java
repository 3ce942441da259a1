package alluvium.jobs;

import alluvium.advantages.MovingAdvantage;
import alluvium.prompts.Split;
import alluvium.spark.Credit;
import alluvium.tables.Advantages;
import alluvium.tables.RecipeException;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import alluvium.tables.States;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Row;
import picocli.CommandLine.Option;

/** Advantage estimation: rewards in, one credit per completion out. */
public final class Estimate {
  static final String STAGE = "estimate";

  private Estimate() {}

  static final class Arguments extends StageOptions {
    @Option(names = "--source", description = "source of the prompts, as given to Ingest; needed after several waves")
    Optional<String> source;
  }

  public static void main(String... args) {
    Arguments arguments = new Arguments();
    if (!arguments.parse("Estimate", args)) {
      return;
    }
    Options.atLeast(0, "--iteration", arguments.iteration);
    Recipe recipe = Recipe.read(Path.of(arguments.recipe));
    try (Run run = Run.open("estimate", arguments, recipe.digest())) {
      int iteration = arguments.iteration;
      run.goesOn(Iterate.WORK, arguments.source.map(source -> Iterate.settings(run, recipe, source))
          .orElseGet(() -> Settings.of(recipe, run.seed())));
      if (run.ledger().done(STAGE, iteration, 0)) {
        Console.line("estimate   already done for iteration %d of run %s", iteration, run.id());
        return;
      }
      Score.stop(run, recipe, iteration);
      Console.line("estimate   iteration %d: %s", iteration,
          estimate(run, recipe, iteration, surplus(run, recipe, iteration, arguments.source)));
    }
  }

  /** Which groups of an iteration's waves are beyond the update batch: the order of their prompts' draw decides. */
  private static Set<String> surplus(Run run, Recipe recipe, int iteration, Optional<String> source) {
    List<Integer> waves = IntStream.iterate(0, wave -> run.ledger().done(Score.STAGE, iteration, wave), w -> w + 1)
        .boxed().toList();
    if (waves.size() < 2) {
      return Set.of();
    }
    String name = source.orElseThrow(() -> new RecipeException("iteration %s of run %s has %s waves: give the prompts' "
        + "--source, for the order of their draw says which groups are beyond the update batch", iteration, run.id(),
        waves.size()));
    List<String> ids = Generate.ids(run.prompts(name, Split.TRAIN));
    return Draw.surplus(recipe, waves.stream().map(wave -> new Draw(
        recipe.prompts().choose(ids, run.seed(), iteration, wave),
        run.rows(Rewards.TABLE, Score.STAGE, iteration, wave).javaRDD())).toList());
  }

  /**
   * Estimates an iteration from table to table, whatever their size, and commits it. Returns its metrics.
   *
   * @param surplus keys of groups beyond what the update batch holds
   */
  static Map<String, Double> estimate(Run run, Recipe recipe, int iteration, Set<String> surplus) {
    run.ledger().pin(Rewards.TABLE);
    run.ledger().pin(Rollouts.TABLE);
    double carried = carried(run, recipe, iteration, Optional.empty());
    Estimated estimated = estimated(run, recipe, iteration, carried, credit(recipe, carried, surplus).streamed(
        run.rows(Rewards.TABLE, Score.STAGE, iteration), run.rows(Rollouts.TABLE, Generate.STAGE, iteration),
        run.slots()));
    run.ledger().submit(estimated.entry(run, iteration, 0));
    run.ledger().await();
    return estimated.metrics();
  }

  /**
   * What estimation made.
   *
   * @param advantages rows of the table of advantages, kept on executors
   * @param states rows of the table of states for the next iteration
   * @param carried the number in them
   */
  record Estimated(JavaRDD<Row> advantages, List<Row> states, Optional<Double> carried, Map<String, Double> metrics) {
    Ledger.Entry entry(Run run, int iteration, double seconds) {
      List<Ledger.Output> outputs = new ArrayList<>(List.of(Ledger.Data.of(run.spark(), Advantages.TABLE, advantages)));
      if (!states.isEmpty()) {
        outputs.add(new Ledger.Rows(States.TABLE, states));
      }
      return new Ledger.Entry(STAGE, iteration, 0, outputs, List.of(Rewards.TABLE, Rollouts.TABLE),
          Map.of("estimate", seconds), () -> { });
    }
  }

  /**
   * The credit of an iteration's completions, which are in memory.
   *
   * @param surplus keys of groups beyond what the update batch holds
   * @param known the carried number, where the iteration before ran in this process; else it is read from the states
   */
  static Estimated estimate(Run run, Recipe recipe, JavaRDD<Row> rewards, JavaRDD<Row> rollouts, Set<String> surplus,
      int iteration, Optional<Double> known) {
    double carried = carried(run, recipe, iteration, known);
    return estimated(run, recipe, iteration, carried,
        credit(recipe, carried, surplus).over(rewards, rollouts, run.slots()));
  }

  /** The recipe's way from rewards to credit. */
  static Credit credit(Recipe recipe, double carried, Set<String> surplus) {
    return new Credit(recipe.aggregation(), recipe.onError(), recipe.selection(), recipe.advantage(), carried, surplus);
  }

  private static Estimated estimated(Run run, Recipe recipe, int iteration, double carried,
      Credit.Estimated estimated) {
    List<Row> states = new ArrayList<>();
    Optional<Double> next = Optional.empty();
    if (recipe.advantage() instanceof MovingAdvantage moving) {
      next = Optional.of(moving.next(carried, estimated.rewards()));
      states.add(States.TABLE.row(Map.of(States.RUN_ID, run.id(), States.ITERATION, iteration + 1, States.NAME,
          moving.state(), States.KEY, "", States.VALUE, next.get())));
    }
    Map<String, Double> metrics = new TreeMap<>();
    metrics.put("reward_mean", estimated.rewards().mean());
    metrics.put("reward_std", estimated.rewards().std());
    metrics.put("groups", (double) estimated.groups());
    metrics.put("groups_all_equal", (double) estimated.equal());
    metrics.put("groups_dropped", (double) estimated.dropped());
    metrics.put("groups_too_few_ok", (double) estimated.tooFewOk());
    return new Estimated(estimated.advantages(), states, next, metrics);
  }

  private static double carried(Run run, Recipe recipe, int iteration, Optional<Double> known) {
    return recipe.advantage() instanceof MovingAdvantage moving
        ? known.or(() -> run.state(moving.state(), iteration)).orElse(moving.initial()) : 0;
  }
}
