package alluvium.jobs;

import alluvium.advantages.MovingAdvantage;
import alluvium.spark.Credit;
import alluvium.tables.Advantages;
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
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Row;

/** Advantage estimation: rewards in, one credit per completion out. */
public final class Estimate {
  static final String STAGE = "estimate";

  private Estimate() {}

  public static void main(String... args) {
    StageOptions arguments = new StageOptions();
    if (!arguments.parse("Estimate", args)) {
      return;
    }
    Options.atLeast(0, "--iteration", arguments.iteration);
    Recipe recipe = Recipe.read(Path.of(arguments.recipe));
    try (Run run = Run.open("estimate", arguments, recipe.digest())) {
      int iteration = arguments.iteration;
      if (run.ledger().done(STAGE, iteration, 0)) {
        Console.line("estimate   already done for iteration %d of run %s", iteration, run.id());
        return;
      }
      Score.stop(run, recipe, iteration);
      run.ledger().pin(Rewards.TABLE);
      run.ledger().pin(Rollouts.TABLE);
      Estimated estimated = estimate(run, recipe, run.rows(Rewards.TABLE, iteration).javaRDD(),
          run.rows(Rollouts.TABLE, iteration).javaRDD(), Set.of(), iteration, Optional.empty());
      run.ledger().submit(estimated.entry(run, iteration, 0));
      run.ledger().await();
      Console.line("estimate   iteration %d: %s", iteration, estimated.metrics());
    }
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
   * The credit of an iteration's completions.
   *
   * @param surplus keys of groups beyond what the update batch holds
   * @param known the carried number, where the iteration before ran in this process; else it is read from the states
   */
  static Estimated estimate(Run run, Recipe recipe, JavaRDD<Row> rewards, JavaRDD<Row> rollouts, Set<String> surplus,
      int iteration, Optional<Double> known) {
    List<Row> states = new ArrayList<>();
    double carried = recipe.advantage() instanceof MovingAdvantage moving
        ? known.orElseGet(() -> carried(run, moving, iteration)) : 0;
    Optional<Double> next = Optional.empty();
    Credit.Estimated estimated = credit(recipe, carried, surplus).over(rewards, rollouts, run.slots());
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

  /** The recipe's way from rewards to credit. */
  static Credit credit(Recipe recipe, double carried, Set<String> surplus) {
    return new Credit(recipe.aggregation(), recipe.onError(), recipe.selection(), recipe.advantage(), carried, surplus);
  }

  private static double carried(Run run, MovingAdvantage moving, int iteration) {
    return run.lake().read(States.TABLE).filter(States.RUN_ID.col().equalTo(run.id())
        .and(States.ITERATION.col().equalTo(iteration)).and(States.NAME.col().equalTo(moving.state()))).collectAsList()
        .stream().findFirst().map(States.VALUE::<Double>of).orElse(moving.initial());
  }
}
