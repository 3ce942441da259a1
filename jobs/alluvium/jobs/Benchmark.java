package alluvium.jobs;

import alluvium.policies.Checkpoint;
import alluvium.policies.MatrixProducts;
import alluvium.policies.Tokenizer;
import alluvium.prompts.Task;
import alluvium.prompts.Uniform;
import alluvium.rollouts.KeyedSeed;
import alluvium.rollouts.Sampling;
import alluvium.tables.Metrics;
import alluvium.tables.RecipeException;
import alluvium.tables.Stages;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Row;
import picocli.CommandLine.Option;

/**
 * Measures iterations on made-up prompts, every commit included, and the machine's own rate of matrix products in the
 * same process: each figure is also a share of what products alone would allow.
 *
 * <pre>  share of generation = 2 P n / (seconds x rate),  of the update = 6 P n / (seconds x rate) </pre>
 *
 * P: parameters; n: completion tokens of an iteration, those of each epoch for the update; rate: floating point
 * operations per second of all tasks at once. Prompt tokens are not counted, though they are computed.
 */
public final class Benchmark {
  private static final String SOURCE = "benchmark";
  private static final double RATE_SECONDS = 2;
  private static final int GENERATED_FLOPS = 2;
  private static final int TRAINED_FLOPS = 6;
  private static final int ATTEMPTS = 100;
  private static final List<String> PHASES = List.of("generate", "score", "estimate", "update", "commit");
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private Benchmark() {}

  static final class Arguments extends Options {
    @Option(names = "--policy", required = true, description = "Hugging Face folder of the policy")
    Path policy;

    @Option(names = "--recipe", defaultValue = "conf/benchmark.yaml",
        description = "recipe of the iterations (default: ${DEFAULT-VALUE})")
    String recipe;

    @Option(names = "--prompts", defaultValue = "32",
        description = "prompts of an iteration (default: ${DEFAULT-VALUE})")
    int prompts;

    @Option(names = "--samples", defaultValue = "8",
        description = "completions of a prompt (default: ${DEFAULT-VALUE})")
    int samples;

    @Option(names = "--max-tokens", defaultValue = "128",
        description = "tokens of a completion at most (default: ${DEFAULT-VALUE})")
    int maxTokens;

    @Option(names = "--prompt-tokens", defaultValue = "32",
        description = "tokens of a prompt (default: ${DEFAULT-VALUE})")
    int promptTokens;

    @Option(names = "--warm", defaultValue = "3",
        description = "iterations before those that are measured (default: ${DEFAULT-VALUE})")
    int warm;

    @Option(names = "--iterations", defaultValue = "9",
        description = "iterations that are measured (default: ${DEFAULT-VALUE})")
    int iterations;
  }

  public static void main(String... args) {
    Arguments arguments = new Arguments();
    if (!arguments.parse("Benchmark", args)) {
      return;
    }
    Options.atLeast(1, "--warm", arguments.warm);
    Options.atLeast(1, "--iterations", arguments.iterations);
    Options.atLeast(1, "--prompts", arguments.prompts);
    Options.atLeast(1, "--samples", arguments.samples);
    Options.atLeast(1, "--max-tokens", arguments.maxTokens);
    Options.atLeast(1, "--prompt-tokens", arguments.promptTokens);
    Recipe recipe = workload(Recipe.read(Path.of(arguments.recipe)), arguments);
    Checkpoint.config(arguments.policy);
    try (Run run = Run.open("benchmark", arguments, recipe.digest())) {
      Result result = measure(run, recipe, arguments);
      Console.line("%n%s", result.table());
      Console.line("%s", result.json());
    }
  }

  /** The recipe with the sizes that the command line names. */
  static Recipe workload(Recipe r, Arguments arguments) {
    Sampling s = r.rollouts();
    Sampling sampling = new Sampling(arguments.maxTokens, s.temperature(), s.topK(), s.topP(), s.minP(), s.stop(),
        s.stopIds(), s.shardPrompts());
    return new Recipe(new Uniform(arguments.prompts, arguments.samples), sampling, r.rewards(), r.onError(),
        r.aggregation(), r.selection(), r.advantage(), r.objective(), r.normalizer(), r.regularizers(), r.reference(),
        r.optimizer(), r.steps());
  }

  /** Runs the iterations, warm-up first. */
  static Result measure(Run run, Recipe recipe, Arguments arguments) {
    Checkpoint checkpoint = Checkpoint.read(arguments.policy);
    int all = arguments.warm + arguments.iterations;
    try (Run ingest = run.beside("ingest." + SOURCE, run.seed(), recipe.digest())) {
      if (!ingest.ledger().done(Ingest.STAGE, 0, 0)) {
        Ingest.ingest(ingest, tasks(checkpoint, arguments.prompts * all, arguments.promptTokens,
            run.seed()), 0, 0);
      }
    }
    Iterate.adopt(run, arguments.policy);
    double before = rate(run);
    Iterate.iterate(run, recipe, SOURCE, all, 0, 1);
    double after = rate(run);
    Map<Integer, Map<String, Double>> metrics = new HashMap<>();
    for (Row row : run.lake().rows(Metrics.TABLE, run.id())) {
      metrics.computeIfAbsent(Metrics.ITERATION.of(row), i -> new HashMap<>()).put(Metrics.NAME.of(row),
          Metrics.VALUE.of(row));
    }
    Map<Integer, Long> finished = run.lake().rows(Stages.TABLE, run.id()).stream()
        .filter(row -> Stages.STAGE.of(row).equals(Update.STAGE)).collect(Collectors.toMap(
            Stages.ITERATION::<Integer>of, row -> Stages.FINISHED_AT.<Timestamp>of(row).getTime()));
    List<Iteration> measured = IntStream.range(arguments.warm, all).mapToObj(i -> new Iteration(metrics.get(i),
        (finished.get(i) - finished.get(i - 1)) / 1e3)).toList();
    int completions = arguments.prompts * arguments.samples;
    return new Result(checkpoint.weights().count(), completions, recipe.steps().epochs(), run.slots(),
        Math.max(before, after), measured, PeakMemory.resident().orElse(0));
  }

  /** Texts of so many tokens, drawn from those of the vocabulary that come back as they were. */
  static List<Task> tasks(Checkpoint checkpoint, int count, int length, long seed) {
    try (Tokenizer tokenizer = Tokenizer.of(checkpoint.files())) {
      List<Integer> ids = IntStream.range(0, Math.min(tokenizer.size(), checkpoint.config().vocab())).boxed()
          .filter(id -> tokenizer.encode(tokenizer.decode(new int[] {id})).length == 1).toList();
      RecipeException.require(!ids.isEmpty(), "--policy has a tokenizer of which no token is a text of its own");
      Set<String> texts = new HashSet<>();
      List<Task> tasks = new ArrayList<>();
      for (int n = 0; tasks.size() < count && n < count * ATTEMPTS; n++) {
        long key = KeyedSeed.of(seed, n);
        int[] tokens = IntStream.range(0, length)
            .map(t -> ids.get((int) Long.remainderUnsigned(KeyedSeed.of(key, t), ids.size()))).toArray();
        String text = tokenizer.decode(tokens);
        if (texts.add(text)) {
          tasks.add(Task.of(SOURCE, text, Optional.empty()));
        }
      }
      RecipeException.require(tasks.size() == count, "--prompt-tokens %s leave fewer than %s prompts apart", length,
          count);
      return tasks;
    }
  }

  /** Products of all tasks that run at once, in operations per second. */
  private static double rate(Run run) {
    int threads = run.handle(run.requirePolicy(0)).threads();
    return JavaSparkContext.fromSparkContext(run.spark().sparkContext())
        .parallelize(IntStream.range(0, run.slots()).boxed().toList(), run.slots())
        .mapToDouble(task -> MatrixProducts.rate(threads, RATE_SECONDS)).sum();
  }

  /**
   * One iteration that was measured.
   *
   * @param metrics of its update
   * @param period seconds between its last commit and that of the iteration before
   */
  record Iteration(Map<String, Double> metrics, double period) {
    double seconds(String phase) {
      return metrics.get("seconds_" + phase);
    }
  }

  /**
   * What was measured.
   *
   * @param parameters of the policy
   * @param completions of an iteration
   * @param epochs of an update
   * @param slots tasks at once
   * @param rate operations per second of products, the better of before and after
   * @param iterations without those that warm up
   * @param resident most bytes resident of this process, 0 where the system does not say
   */
  record Result(long parameters, int completions, int epochs, int slots, double rate, List<Iteration> iterations,
      long resident) {
    /** The median over iterations; of an even number the mean of the middle two. */
    double median(ToDoubleFunction<Iteration> value) {
      double[] sorted = iterations.stream().mapToDouble(value).sorted().toArray();
      int half = sorted.length / 2;
      return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }

    private double tokens(Iteration iteration) {
      return iteration.metrics().get("length_mean") * completions;
    }

    double generatedPerSecond() {
      return median(i -> tokens(i) / i.seconds("generate"));
    }

    double trainedPerSecond() {
      return median(i -> epochs * tokens(i) / i.seconds("update"));
    }

    double generatedShare() {
      return GENERATED_FLOPS * parameters * generatedPerSecond() / rate;
    }

    double trainedShare() {
      return TRAINED_FLOPS * parameters * trainedPerSecond() / rate;
    }

    ObjectNode json() {
      ObjectNode json = JSON.createObjectNode();
      json.put("parameters", parameters);
      json.put("completions", completions);
      json.put("slots", slots);
      json.put("iterations", iterations.size());
      json.put("length_mean", median(i -> i.metrics().get("length_mean")));
      json.put("iteration_s", median(Iteration::period));
      PHASES.forEach(phase -> json.put(phase + "_s", median(i -> i.seconds(phase))));
      json.put("rollout_tokens_per_s", generatedPerSecond());
      json.put("update_tokens_per_s", trainedPerSecond());
      json.put("matrix_products_flops", rate);
      json.put("rollout_share", generatedShare());
      json.put("update_share", trainedShare());
      json.put("resident_peak_bytes", resident);
      return json;
    }

    String table() {
      StringBuilder text = new StringBuilder(String.format("%d parameters, %d completions of %.1f tokens, %d tasks at "
          + "once; medians of %d iterations%n%n| | seconds | tokens/s | share of the products' limit |%n"
          + "| --- | --- | --- | --- |%n", parameters, completions, median(i -> i.metrics().get("length_mean")), slots,
          iterations.size()));
      text.append(String.format("| iteration, every commit | %.2f | %.0f | |%n", median(Iteration::period),
          median(i -> tokens(i) / i.period())));
      text.append(String.format("| generate | %.2f | %.0f | %.0f%% |%n", median(i -> i.seconds("generate")),
          generatedPerSecond(), 100 * generatedShare()));
      text.append(String.format("| score | %.2f | | |%n| estimate | %.2f | | |%n", median(i -> i.seconds("score")),
          median(i -> i.seconds("estimate"))));
      text.append(String.format("| update | %.2f | %.0f | %.0f%% |%n", median(i -> i.seconds("update")),
          trainedPerSecond(), 100 * trainedShare()));
      text.append(String.format("| Spark, Delta, load | %.2f | | |%n| waiting for commits | %.2f | | |%n",
          median(i -> i.seconds("commit")), median(i -> Math.max(0, i.period() - i.seconds("total")))));
      return text.append(String.format("%nmatrix products %.1f GFLOP/s; %.2f GiB resident at most%n", rate / 1e9,
          resident / (double) (1L << 30))).toString();
    }
  }
}
