package alluvium.jobs;

import alluvium.objectives.Loss;
import alluvium.objectives.LossSums;
import alluvium.policies.Checkpoint;
import alluvium.policies.Tensors;
import alluvium.regularizers.Regularizer.Needs;
import alluvium.spark.GradientShards;
import alluvium.spark.PolicyHandle;
import alluvium.spark.Stepping;
import alluvium.spark.UpdateShards;
import alluvium.tables.Advantages;
import alluvium.tables.Metrics;
import alluvium.tables.Policies;
import alluvium.tables.Rollouts;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Row;

/** Policy optimisation: advantages and rollouts in, the policy that the next iteration starts from out. */
public final class Update {
  static final String STAGE = "update";

  private Update() {}

  public static void main(String... args) {
    StageOptions arguments = new StageOptions();
    if (!arguments.parse("Update", args)) {
      return;
    }
    Options.atLeast(0, "--iteration", arguments.iteration);
    Recipe recipe = Recipe.read(Path.of(arguments.recipe));
    try (Run run = Run.open("update", arguments, recipe.digest())) {
      int iteration = arguments.iteration;
      run.goesOn(Iterate.WORK, Settings.of(recipe, run.seed()));
      if (run.ledger().done(STAGE, iteration, 0)) {
        Console.line("update     already done for iteration %d of run %s", iteration, run.id());
        return;
      }
      run.ledger().pin(Advantages.TABLE);
      run.ledger().pin(Rollouts.TABLE);
      Learner learner = Learner.load(run, run.requirePolicy(iteration), recipe.optimizer());
      JavaRDD<Row> advantages = run.rows(Advantages.TABLE, Estimate.STAGE, iteration).javaRDD();
      JavaRDD<Row> rollouts = run.rows(Rollouts.TABLE, Generate.STAGE, iteration).javaRDD();
      Updated updated = update(run, recipe, learner, advantages, rollouts, references(run, recipe, iteration),
          iteration);
      run.ledger().submit(entry(run, updated, iteration, Map.of(), () -> { }));
      run.ledger().await();
      Console.line("update     iteration %d: %s", iteration, updated.metrics());
    }
  }

  /**
   * What an update made.
   *
   * @param metrics by name
   * @param seconds in which executors computed
   */
  record Updated(Learner learner, Map<String, Double> metrics, double seconds) {}

  /**
   * What the optimizer made of an iteration, in memory.
   *
   * @param slots the optimizer's moments
   * @param steps taken since the run began
   * @param taken in this iteration, in order
   */
  record Stepped(Checkpoint checkpoint, List<Tensors> slots, long steps, List<Stepping.Step> taken) {}

  /**
   * The optimizer steps of one iteration, and the new policy's folder. Nothing is visible until the entry is
   * committed.
   */
  static Updated update(Run run, Recipe recipe, Learner learner, JavaRDD<Row> advantages, JavaRDD<Row> rollouts,
      List<PolicyHandle> reference, int iteration) {
    Stepped stepped = step(run, recipe, learner, advantages, rollouts, reference, iteration);
    Row row = run.publish(stepped.checkpoint(), iteration + 1, Run.MAIN, Optional.of(learner.version()),
        recipe.optimizer().slots(), stepped.slots(), stepped.steps());
    return new Updated(new Learner(stepped.checkpoint(), stepped.slots(), stepped.steps(), row, run.handle(row)),
        metrics(stepped.taken()), stepped.taken().stream().mapToDouble(Stepping.Step::seconds).sum());
  }

  /** The optimizer steps of one iteration; leaves no file. */
  static Stepped step(Run run, Recipe recipe, Learner learner, JavaRDD<Row> advantages, JavaRDD<Row> rollouts,
      List<PolicyHandle> reference, int iteration) {
    double temperature = recipe.rollouts().logpTemperature();
    List<PolicyHandle> consulted = recipe.regularizers().stream().anyMatch(r -> r.needs() == Needs.FULL_REFERENCE)
        ? reference : List.of();
    GradientShards shards = new GradientShards(learner.handle(), consulted,
        new Loss(recipe.objective(), recipe.regularizers(), recipe.normalizer()), temperature, recipe.steps()
        .microBatch());
    List<Tensors> slots = new ArrayList<>();
    learner.slots().forEach(s -> slots.add(s.copy()));
    Stepping stepping = new Stepping(JavaSparkContext.fromSparkContext(run.spark().sparkContext()), shards,
        recipe.optimizer(), learner.checkpoint().weights().copy(), slots, learner.steps());
    List<Stepping.Step> steps = new ArrayList<>();
    try (UpdateShards batch = UpdateShards.of(advantages, rollouts, recipe.steps(), reference, temperature, run.seed(),
        iteration)) {
      for (int epoch = 0; epoch < recipe.steps().epochs(); epoch++) {
        for (int part = 0; part < batch.miniBatches(); part++) {
          steps.add(stepping.step(batch.miniBatch(part)));
        }
      }
    }
    Checkpoint checkpoint = new Checkpoint(learner.checkpoint().config(), stepping.weights(), learner.checkpoint()
        .files());
    return new Stepped(checkpoint, stepping.slots(), stepping.steps(), steps);
  }

  /** The reference policy that the recipe's penalties or rewards compare with, or none. */
  static List<PolicyHandle> references(Run run, Recipe recipe, int iteration) {
    int at = recipe.reference().iteration(iteration);
    return at < 0 ? List.of() : List.of(run.handle(run.requirePolicy(at)));
  }

  /** The commit of an update, with the iteration's metrics. */
  static Ledger.Entry entry(Run run, Updated updated, int iteration, Map<String, Double> more, Runnable after) {
    Map<String, Double> metrics = new TreeMap<>(more);
    metrics.putAll(updated.metrics());
    return new Ledger.Entry(STAGE, iteration, 0,
        List.of(new Ledger.Rows(Policies.TABLE, List.of(updated.learner().row())),
            new Ledger.Rows(Metrics.TABLE, Measured.rows(run.id(), iteration, STAGE, metrics))),
        List.of(Advantages.TABLE, Rollouts.TABLE), Map.of("update", updated.seconds()), after);
  }

  private static Map<String, Double> metrics(List<Stepping.Step> steps) {
    LossSums all = LossSums.NONE;
    double loss = 0;
    double norm = 0;
    List<Stepping.Step> taken = steps.stream().filter(s -> s.sums().denominator() != 0).toList();
    for (Stepping.Step step : taken) {
      all = all.plus(step.sums());
      loss += step.loss();
      norm += step.gradientNorm();
    }
    Map<String, Double> values = new TreeMap<>();
    values.put("steps", (double) taken.size());
    values.put("learning_rate", steps.get(steps.size() - 1).learningRate());
    if (taken.isEmpty()) {
      return values;
    }
    values.put("loss", loss / taken.size());
    values.put("gradient_norm", norm / taken.size());
    values.put("ratio_mean", all.ratio() / all.tokens());
    values.put("clip_fraction", all.clipped() / all.tokens());
    values.put("kl_step", all.kl() / all.tokens());
    values.put("logp_mismatch", taken.get(0).sums().mismatch());
    if (all.referenceKl() != 0) {
      values.put("kl_reference", all.referenceKl() / all.tokens());
    }
    return values;
  }
}
