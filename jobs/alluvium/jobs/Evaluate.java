package alluvium.jobs;

import alluvium.evaluations.Interval;
import alluvium.evaluations.PassAtK;
import alluvium.prompts.Split;
import alluvium.rewards.TimeLimit;
import alluvium.rewards.Verifier;
import alluvium.spark.PolicyHandle;
import alluvium.spark.Rollout;
import alluvium.spark.TaskFailure;
import alluvium.spark.Verdicts;
import alluvium.tables.Evaluations;
import alluvium.tables.Field;
import alluvium.tables.Prompts;
import alluvium.tables.RecipeException;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.storage.StorageLevel;
import picocli.CommandLine.Option;

/**
 * Evaluation on held-out prompts: greedy accuracy, accuracy of samples, pass@k, with 95% intervals over prompts.
 * The completions and
 * verdicts are kept in the tables of rollouts and rewards under the run's name with ".heldout" behind it: wave 0 holds
 * the samples, wave 1 the greedy ones.
 */
public final class Evaluate {
  static final String STAGE = "evaluate";
  private static final String COMPARE = "compare";
  static final String GREEDY = "greedy_accuracy";
  static final String SAMPLED = "sampled_accuracy";
  static final String GAIN = "_gain";
  private static final int SAMPLES_WAVE = 0;
  private static final int GREEDY_WAVE = 1;
  private static final String HELD_OUT = ".heldout";
  private static final int DRAWS = 10_000;

  private Evaluate() {}

  static final class Arguments extends StageOptions {
    @Option(names = "--source", required = true, description = "source of the prompts, as given to Ingest")
    String source;

    @Option(names = "--samples", defaultValue = "16",
        description = "completions per prompt (default: ${DEFAULT-VALUE})")
    int samples;
  }

  public static void main(String... args) {
    Arguments arguments = new Arguments();
    if (!arguments.parse("Evaluate", args)) {
      return;
    }
    Options.atLeast(0, "--iteration", arguments.iteration);
    Options.atLeast(1, "--samples", arguments.samples);
    Recipe recipe = Recipe.read(Path.of(arguments.recipe));
    try (Run run = Run.open("evaluate", arguments, recipe.digest())) {
      PolicyHandle policy = run.handle(run.requirePolicy(arguments.iteration));
      List<Row> rows = evaluate(run, recipe, policy, arguments.source, arguments.iteration, arguments.samples);
      Console.line("%s", table(rows));
    }
  }

  /** Measures a policy, commits what it found, and returns the rows of the table of evaluations. */
  static List<Row> evaluate(Run run, Recipe recipe, PolicyHandle policy, String source, int iteration, int samples) {
    String name = requireVerifier(recipe);
    run.begin(STAGE, Settings.of(recipe, run.seed()).with("source", source)
        .with("input.prompts", run.promptsDigest(source, Split.HELDOUT)));
    if (!run.ledger().done(STAGE, iteration, 0)) {
      measure(run, recipe, policy, source, iteration, samples, name);
    }
    int first = run.firstIteration();
    if (iteration > first && run.ledger().done(STAGE, first, 0) && !run.ledger().done(COMPARE, iteration, 0)) {
      List<Row> gains = gains(run, recipe, source, policy.version(), first, iteration, samples);
      run.ledger().submit(new Ledger.Entry(COMPARE, iteration, 0,
          List.of(new Ledger.Rows(Evaluations.TABLE, gains)), List.of(Rewards.TABLE), Map.of(), () -> { }));
      run.ledger().await();
    }
    return rows(run, iteration);
  }

  private static void measure(Run run, Recipe recipe, PolicyHandle policy, String source, int iteration, int samples,
      String name) {
    long start = System.nanoTime();
    Dataset<Row> prompts = run.prompts(source, Split.HELDOUT);
    List<Row> all = Generate.rows(prompts, Generate.ids(prompts));
    String evaluated = run.id() + HELD_OUT;
    Rollout sampled = new Rollout(policy, recipe.rollouts(), samples, evaluated, run.seed(), iteration, SAMPLES_WAVE);
    Rollout greedy = new Rollout(policy, recipe.rollouts().greedy(), 1, evaluated, run.seed(), iteration, GREEDY_WAVE);
    Console.Bar bar = new Console.Bar(STAGE, 3);
    Generate.Generated drawn = Generate.materialise(run, sampled, all);
    bar.at(1, "sampled");
    Generate.Generated best = Generate.materialise(run, greedy, all);
    bar.at(2, "greedy");
    JavaRDD<Row> rollouts = drawn.rollouts().union(best.rollouts());
    JavaRDD<Row> rewards = new Verdicts(Map.of(name, recipe.rewards().get(name)), List.of(),
        recipe.rollouts().logpTemperature(), new TimeLimit(recipe.onError().timeoutSeconds()))
        .over(rollouts, all).persist(StorageLevel.MEMORY_AND_DISK());
    Scores scores = Scores.of(rewards, (Verifier) recipe.rewards().get(name));
    bar.at(3, "scored");
    List<Row> measures = measures(run.id(), source, policy.version(), iteration, samples, scores);
    double generated = drawn.seconds() + best.seconds();
    run.ledger().submit(new Ledger.Entry(STAGE, iteration, 0,
        List.of(new Ledger.Rows(Evaluations.TABLE, measures), Ledger.Data.of(run.spark(), Rollouts.TABLE, rollouts),
            Ledger.Data.of(run.spark(), Rewards.TABLE, rewards)), List.of(Prompts.TABLE),
        Map.of("generate", generated, "score", (System.nanoTime() - start) / 1e9 - generated), () -> {
          drawn.kept().delete();
          best.kept().delete();
          drawn.free();
          best.free();
          rewards.unpersist(false);
        }));
    run.ledger().await();
  }

  /** A table of measures for people. */
  static String table(List<Row> rows) {
    StringBuilder text = new StringBuilder();
    for (Row row : rows) {
      text.append(String.format(java.util.Locale.ROOT, "  %-22s %6.1f%%  [%.1f, %.1f]  %d prompts%n",
          Evaluations.NAME.<String>of(row), 100 * Evaluations.VALUE.<Double>of(row),
          100 * Evaluations.LOW.<Double>of(row),
          100 * Evaluations.HIGH.<Double>of(row), Evaluations.PROMPT_COUNT.<Long>of(row)));
    }
    return text.toString();
  }

  static List<Row> rows(Run run, int iteration) {
    return run.lake().rows(Evaluations.TABLE, run.id()).stream()
        .filter(r -> Evaluations.ITERATION.<Integer>of(r) == iteration).toList();
  }

  /** The key of the reward that accuracy is measured by: the first verifier of the recipe. */
  static Optional<String> verifier(Recipe recipe) {
    return recipe.rewards().entrySet().stream().filter(e -> e.getValue() instanceof Verifier).map(Map.Entry::getKey)
        .findFirst();
  }

  private static String requireVerifier(Recipe recipe) {
    return verifier(recipe).orElseThrow(() -> new RecipeException(
        "rewards: evaluation needs a verifier, a reward with a right and a wrong value; there is none among %s",
        recipe.rewards().keySet()));
  }

  /** Right completions per prompt. */
  private record Scores(TreeMap<String, int[]> sampled, TreeMap<String, int[]> greedy, long failed) {
    static Scores of(JavaRDD<Row> rewards, Verifier verifier) {
      Scores scores = new Scores(new TreeMap<>(), new TreeMap<>(), 0);
      long failed = 0;
      for (Row row : TaskFailure.surfaced(rewards::collect)) {
        if (Rewards.VALUE.absentIn(row)) {
          failed++;
        } else {
          var waves = Rewards.WAVE.<Integer>of(row) == GREEDY_WAVE ? scores.greedy : scores.sampled;
          int[] counts = waves.computeIfAbsent(Rewards.PROMPT_ID.of(row), p -> new int[2]);
          counts[0]++;
          counts[1] += Rewards.VALUE.<Double>of(row) == verifier.right() ? 1 : 0;
        }
      }
      return new Scores(scores.sampled, scores.greedy, failed);
    }
  }

  private static List<Row> measures(String run, String source, String version, int iteration, int samples,
      Scores scores) {
    List<Row> rows = new ArrayList<>();
    long right = scores.greedy.values().stream().mapToLong(c -> c[1]).sum();
    Map<Field, Object> common = common(run, source, version, iteration, scores.failed);
    rows.add(measure(common, GREEDY, Interval.wilson(right, scores.greedy.size()), scores.greedy.size(), 1));
    double[] shares = scores.sampled.values().stream().mapToDouble(c -> (double) c[1] / c[0]).toArray();
    rows.add(measure(common, SAMPLED, Interval.normal(shares).ofShare(), shares.length, samples));
    for (int k = 2; k <= samples; k *= 2) {
      int at = k;
      double[] passes = scores.sampled.values().stream().filter(c -> c[0] >= at)
          .mapToDouble(c -> PassAtK.estimate(c[0], c[1], at)).toArray();
      rows.add(measure(common, "pass@" + k, Interval.normal(passes).ofShare(), passes.length, samples));
    }
    return rows;
  }

  private static List<Row> gains(Run run, Recipe recipe, String source, String version, int first, int iteration,
      int samples) {
    Scores before = stored(run, recipe, first);
    Scores after = stored(run, recipe, iteration);
    Map<Field, Object> common = common(run.id(), source, version, iteration, after.failed);
    double[] greedy = differences(before.greedy, after.greedy);
    double[] sampled = differences(before.sampled, after.sampled);
    return List.of(
        measure(common, GREEDY + GAIN, Interval.bootstrap(greedy, DRAWS, run.seed()), greedy.length, 1),
        measure(common, SAMPLED + GAIN, Interval.bootstrap(sampled, DRAWS, run.seed()), sampled.length, samples));
  }

  private static Scores stored(Run run, Recipe recipe, int iteration) {
    Dataset<Row> rewards = run.committed(Rewards.TABLE, STAGE, iteration,
        run.lake().read(Rewards.TABLE, run.id() + HELD_OUT, iteration));
    return Scores.of(rewards.javaRDD(), (Verifier) recipe.rewards().get(requireVerifier(recipe)));
  }

  private static double[] differences(TreeMap<String, int[]> before, TreeMap<String, int[]> after) {
    return after.entrySet().stream().filter(e -> before.containsKey(e.getKey())).mapToDouble(e -> {
      int[] old = before.get(e.getKey());
      return (double) e.getValue()[1] / e.getValue()[0] - (double) old[1] / old[0];
    }).toArray();
  }

  private static Map<Field, Object> common(String run, String source, String version, int iteration, long failed) {
    return Map.of(Evaluations.RUN_ID, run, Evaluations.ITERATION, iteration, Evaluations.POLICY_VERSION, version,
        Evaluations.SOURCE, source, Evaluations.SPLIT, Split.HELDOUT, Evaluations.FAILED, failed);
  }

  private static Row measure(Map<Field, Object> common, String name, Interval interval, long prompts, int samples) {
    Map<Field, Object> values = new HashMap<>(common);
    values.put(Evaluations.NAME, name);
    values.put(Evaluations.VALUE, interval.value());
    values.put(Evaluations.LOW, interval.low());
    values.put(Evaluations.HIGH, interval.high());
    values.put(Evaluations.PROMPT_COUNT, prompts);
    values.put(Evaluations.SAMPLES, samples);
    return Evaluations.TABLE.row(values);
  }
}
