package alluvium.jobs;

import alluvium.policies.Checkpoint;
import alluvium.prompts.Split;
import alluvium.spark.PolicyHandle;
import alluvium.spark.Rollout;
import alluvium.tables.Advantages;
import alluvium.tables.Policies;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import picocli.CommandLine.Option;

/**
 * Runs iterations: Generate, Score, Estimate, Update, and Evaluate at an interval. Continues after the last stage
 * that the
 * manifest says is done, and repeats nothing. A stage that this process ran hands its rows on in memory while they are
 * committed; one that an earlier process ran is read back.
 */
public final class Iterate {
  static final String WORK = "iterate";
  static final String ADOPT = "adopt";

  private Iterate() {}

  static final class Arguments extends Options {
    @Option(names = "--recipe", required = true, description = "recipe, such as conf/grpo.yaml")
    String recipe;

    @Option(names = "--source", required = true, description = "source of the prompts, as given to Ingest")
    String source;

    @Option(names = "--iterations", required = true, description = "how many iterations the run is to have in all")
    int iterations;

    @Option(names = "--policy",
        description = "Hugging Face folder that iteration 0 starts from, where Supervise made none")
    Optional<Path> policy;

    @Option(names = "--evaluate-every", defaultValue = "0",
        description = "iterations between evaluations; 0 for none (default: ${DEFAULT-VALUE})")
    int evaluateEvery;

    @Option(names = "--evaluate-samples", defaultValue = "16",
        description = "completions per held-out prompt (default: ${DEFAULT-VALUE})")
    int evaluateSamples;

    @Option(names = "--fork", description = "name of a new run that goes on from the last finished iteration of --run,"
        + " with whatever is changed")
    Optional<String> fork;

    @Override
    void check() {
      super.check();
      fork.ifPresent(name -> runName("--fork", name));
    }
  }

  public static void main(String... args) {
    Arguments arguments = new Arguments();
    if (!arguments.parse("Iterate", args)) {
      return;
    }
    Options.atLeast(0, "--iterations", arguments.iterations);
    Options.atLeast(0, "--evaluate-every", arguments.evaluateEvery);
    Options.atLeast(1, "--evaluate-samples", arguments.evaluateSamples);
    Recipe recipe = Recipe.read(Path.of(arguments.recipe));
    arguments.policy.ifPresent(Checkpoint::config);
    Optional<String> parent = arguments.fork.map(name -> arguments.run);
    arguments.run = arguments.fork.orElse(arguments.run);
    try (Run run = Run.open("iterate", arguments, recipe.digest())) {
      parent.ifPresent(from -> Fork.fork(run, from, Optional.empty()));
      arguments.policy.ifPresent(folder -> adopt(run, folder));
      iterate(run, recipe, arguments.source, arguments.iterations, arguments.evaluateEvery, arguments.evaluateSamples);
    }
  }

  /**
   * Makes a Hugging Face folder the policy that iteration 0 starts from; where the run has one, it must have been made
   * of the same files.
   */
  static void adopt(Run run, Path folder) {
    run.begin(ADOPT, Settings.ofPolicy(Checkpoint.digests(folder)));
    if (run.policy(0).isEmpty()) {
      Row row = run.publish(Checkpoint.read(folder), 0, Run.MAIN, Optional.empty(), List.of(), List.of(), 0);
      run.ledger().submit(new Ledger.Entry(ADOPT, 0, 0, List.of(new Ledger.Rows(Policies.TABLE, List.of(row))),
          List.of(), Map.of(), () -> { }));
      run.ledger().await();
    }
  }

  /** What the result of a run's iterations depends on. */
  static Settings settings(Run run, Recipe recipe, String source) {
    Row first = run.requirePolicy(run.firstIteration());
    return Settings.of(recipe, run.seed()).with("source", source)
        .with("input.prompts", run.promptsDigest(source, Split.TRAIN))
        .with("policy", new TreeMap<>(first.getJavaMap(first.fieldIndex(Policies.FILES.name()))));
  }

  /** Runs the iterations that are not done yet. */
  static void iterate(Run run, Recipe recipe, String source, int iterations, int evaluateEvery, int evaluateSamples) {
    run.begin(WORK, settings(run, recipe, source));
    Dataset<Row> prompts = run.prompts(source, Split.TRAIN).cache();
    List<String> ids = Generate.ids(prompts);
    int begun = run.firstIteration();
    int first = begun;
    while (first < iterations && run.ledger().done(Update.STAGE, first, 0)) {
      first++;
    }
    if (first > begun) {
      Console.line("iterate    %d of %d iterations of run %s are done", first, iterations, run.id());
    }
    Learner learner = Learner.load(run, run.requirePolicy(first), recipe.optimizer());
    if (first < iterations) {
      estimateMemory(run, recipe, prompts, learner);
    }
    OptionalCarried carried = new OptionalCarried();
    Map<Integer, PolicyHandle> line = new HashMap<>();
    for (int iteration = first; iteration <= iterations; iteration++) {
      line.put(iteration, learner.handle());
      if (evaluateEvery > 0 && (iteration % evaluateEvery == 0 || iteration == iterations)) {
        run.ledger().await();
        List<Row> rows = Evaluate.evaluate(run, recipe, learner.handle(), source, iteration, evaluateSamples);
        Console.line("evaluate   before iteration %d%n%s", iteration, Evaluate.table(rows));
      }
      if (iteration < iterations) {
        learner = new Once(run, recipe, prompts, ids, iteration, learner, carried, reference(run, recipe, iteration,
            line))
            .learner();
      }
    }
    run.ledger().await();
    prompts.unpersist(false);
  }

  /** Says what the iterations will take of memory, and stops where that is not there. */
  private static void estimateMemory(Run run, Recipe recipe, Dataset<Row> prompts, Learner learner) {
    MemoryEstimate estimate = MemoryEstimate.of(learner.checkpoint().config(), recipe, run.slotsOfMachine(),
        MemoryEstimate.longestPrompt(prompts, learner.handle()));
    Console.line("%s", estimate.table());
    estimate.check(Memory.of(run.spark().sparkContext().getConf()));
  }

  private static List<PolicyHandle> reference(Run run, Recipe recipe, int iteration, Map<Integer, PolicyHandle> line) {
    int at = recipe.reference().iteration(iteration);
    return at >= 0 && line.containsKey(at) ? List.of(line.get(at)) : Update.references(run, recipe, iteration);
  }

  /** The number that a moving estimator carries, while its commit may still be under way. */
  static final class OptionalCarried {
    private Optional<Double> value = Optional.empty();
  }

  /** One wave of an iteration. */
  private record Wave(List<String> chosen, JavaRDD<Row> rollouts, JavaRDD<Row> rewards,
      Optional<Generate.Generated> made) {}

  /** One iteration under way. */
  private static final class Once {
    private final Run run;
    private final Recipe recipe;
    private final Dataset<Row> prompts;
    private final List<String> ids;
    private final int iteration;
    private final Learner learner;
    private final OptionalCarried carried;
    private final List<PolicyHandle> reference;
    private final Map<String, Double> metrics = new TreeMap<>();
    private final Map<String, Double> seconds = new LinkedHashMap<>();
    private final long start = System.nanoTime();
    private final double commitsBefore;

    Once(Run run, Recipe recipe, Dataset<Row> prompts, List<String> ids, int iteration, Learner learner,
        OptionalCarried carried, List<PolicyHandle> reference) {
      this.run = run;
      this.recipe = recipe;
      this.prompts = prompts;
      this.ids = ids;
      this.iteration = iteration;
      this.learner = learner;
      this.carried = carried;
      this.reference = reference;
      this.commitsBefore = run.ledger().commitSeconds();
    }

    Learner learner() {
      List<Wave> waves = waves();
      JavaRDD<Row> rollouts = waves.stream().map(Wave::rollouts).reduce(JavaRDD::union).orElseThrow();
      JavaRDD<Row> rewards = waves.stream().map(Wave::rewards).reduce(JavaRDD::union).orElseThrow();
      JavaRDD<Row> advantages = advantages(waves, rollouts, rewards);
      Update.Updated updated = Update.update(run, recipe, learner, advantages, rollouts, reference, iteration);
      seconds.put("update", updated.seconds());
      double total = (System.nanoTime() - start) / 1e9;
      double rest = total - seconds.values().stream().mapToDouble(s -> s).sum();
      seconds.forEach((phase, s) -> metrics.put("seconds_" + phase, s));
      metrics.put("seconds_commit", rest);
      metrics.put("seconds_total", total);
      run.ledger().submit(Update.entry(run, updated, iteration, metrics, free(waves, advantages)));
      metrics.putAll(updated.metrics());
      report(total, rest);
      return updated.learner();
    }

    /** Waves of prompts until enough groups train, or the recipe's limit is reached. */
    private List<Wave> waves() {
      List<Wave> waves = new ArrayList<>();
      double generated = 0;
      do {
        int wave = waves.size();
        List<String> chosen = recipe.prompts().choose(ids, run.seed(), iteration, wave);
        if (wave > 0 && chosen.isEmpty()) {
          break;
        }
        waves.add(wave(chosen, wave));
        generated += waves.get(wave).made().map(Generate.Generated::seconds).orElse(0.0);
      } while (Draw.another(recipe, draws(waves)));
      List<Rollout.Tally> tallies = new ArrayList<>();
      waves.forEach(w -> w.made().ifPresent(m -> tallies.addAll(m.tallies())));
      if (!tallies.isEmpty()) {
        metrics.putAll(Generate.metrics(tallies, generated));
      }
      metrics.put("waves", (double) waves.size());
      if (waves.size() > 1 || tallies.isEmpty()) {    // of all waves, those that an earlier process judged among them
        metrics.putAll(Score.metrics(waves.stream().map(Wave::rewards).reduce(JavaRDD::union).orElseThrow(), recipe));
      }
      seconds.put("generate", generated);
      seconds.put("score", metrics.remove("scored"));
      return waves;
    }

    private Wave wave(List<String> chosen, int wave) {
      List<Row> rows = Generate.rows(prompts, chosen);
      JavaRDD<Row> rollouts;
      Optional<Generate.Generated> made = Optional.empty();
      if (run.ledger().done(Generate.STAGE, iteration, wave)) {
        rollouts = run.rows(Rollouts.TABLE, Generate.STAGE, iteration, wave).javaRDD();
      } else {
        Generate.Generated generated = Generate.generate(run, recipe, learner.handle(), rows, iteration, wave);
        run.ledger().submit(generated.entry(run, iteration, wave));
        rollouts = generated.rollouts();
        made = Optional.of(generated);
      }
      long began = System.nanoTime();
      JavaRDD<Row> rewards;
      if (run.ledger().done(Score.STAGE, iteration, wave)) {
        rewards = run.rows(Rewards.TABLE, Score.STAGE, iteration, wave).javaRDD();
        Score.stop(run, recipe, rewards, Judged.of(rewards), iteration, wave);
      } else {
        rewards = Score.score(rollouts, rows, recipe, reference);
        Judged judged = Judged.of(rewards);    // computes and keeps them
        metrics.putAll(judged.metrics(recipe));
        double took = (System.nanoTime() - began) / 1e9;
        run.ledger().submit(Score.entry(run, rewards, iteration, wave, took));
        Score.stop(run, recipe, rewards, judged, iteration, wave);
      }
      metrics.merge("scored", (System.nanoTime() - began) / 1e9, Double::sum);
      return new Wave(chosen, rollouts, rewards, made);
    }

    private JavaRDD<Row> advantages(List<Wave> waves, JavaRDD<Row> rollouts, JavaRDD<Row> rewards) {
      if (run.ledger().done(Estimate.STAGE, iteration, 0)) {
        seconds.put("estimate", 0.0);
        return run.rows(Advantages.TABLE, Estimate.STAGE, iteration).javaRDD();
      }
      long began = System.nanoTime();
      Estimate.Estimated estimated = Estimate.estimate(run, recipe, rewards, rollouts,
          Draw.surplus(recipe, draws(waves)), iteration, carried.value);
      carried.value = estimated.carried();
      double took = (System.nanoTime() - began) / 1e9;
      metrics.putAll(estimated.metrics());
      seconds.put("estimate", took);
      run.ledger().submit(estimated.entry(run, iteration, took));
      return estimated.advantages();
    }

    private static List<Draw> draws(List<Wave> waves) {
      return waves.stream().map(w -> new Draw(w.chosen(), w.rewards())).toList();
    }

    /** Frees what this iteration kept, once its commits are over. */
    private Runnable free(List<Wave> waves, JavaRDD<Row> advantages) {
      return () -> {
        waves.forEach(w -> {
          w.made().ifPresent(Generate.Generated::free);
          w.rewards().unpersist(false);
        });
        advantages.unpersist(false);
      };
    }

    private void report(double total, double rest) {
      String kl = metrics.containsKey("kl_reference") ? "kl_reference" : "kl_step";
      Console.line("%4d  reward %6.3f  accuracy %5.1f%%  entropy %.3f  kl %.4f  length %5.1f  %6.0f tokens/s  %.2f s ="
          + " generate %.2f + score %.2f + estimate %.2f + update %.2f + Spark, Delta, load %.2f"
          + " (commits beside: %.2f)", iteration, metric("reward_mean"), 100 * metric("accuracy"), metric("entropy"),
          metric(kl), metric("length_mean"), metric("tokens_per_second"), total, seconds.get("generate"),
          seconds.get("score"), seconds.get("estimate"), seconds.get("update"), rest,
          run.ledger().commitSeconds() - commitsBefore);
    }

    private double metric(String name) {
      return metrics.getOrDefault(name, Double.NaN);
    }
  }
}
