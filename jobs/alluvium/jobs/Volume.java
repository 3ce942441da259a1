package alluvium.jobs;

import alluvium.prompts.Split;
import alluvium.prompts.Task;
import alluvium.rollouts.KeyedSeed;
import alluvium.spark.Lake;
import alluvium.spark.Manifest;
import alluvium.spark.Upkeep;
import alluvium.tables.Advantages;
import alluvium.tables.DataException;
import alluvium.tables.Field;
import alluvium.tables.Prompts;
import alluvium.tables.RecipeException;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import alluvium.tables.Stages;
import alluvium.tables.Table;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.sql.Timestamp;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.apache.spark.SparkStageInfo;
import org.apache.spark.SparkStatusTracker;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Option;

/**
 * Measures scoring and estimation from table to table on made-up rollouts, and the opening of a long manifest: rows per
 * second, memory and files of each phase. Prompts are sums of two numbers; whether a completion is right follows from
 * its keys, so every run of the same numbers makes the same rows.
 */
public final class Volume {
  private static final String SOURCE = "volume";
  private static final int ADDENDS = 10_000;
  private static final int MOST_PROMPTS = 100_000_000;
  private static final long LAKE_BYTES_PER_ROLLOUT = 120;
  private static final long SCRATCH_BYTES_PER_ROLLOUT = 350;
  private static final int PROGRESS_SECONDS = 10;
  private static final double GIBIBYTE = 1L << 30;
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private Volume() {}

  static final class Arguments extends Options {
    @Option(names = "--rollouts", required = true, description = "completions to make, a multiple of --prompts")
    long rollouts;

    @Option(names = "--prompts", required = true, description = "prompts to make")
    long prompts;

    @Option(names = "--recipe", defaultValue = "conf/grpo.yaml",
        description = "recipe whose rewards, selection and advantage are measured (default: ${DEFAULT-VALUE})")
    String recipe;

    @Option(names = "--stages", defaultValue = "100000",
        description = "rows of the manifest to open; 0 for none (default: ${DEFAULT-VALUE})")
    int stages;

    @Option(names = "--stage-files", defaultValue = "1000",
        description = "files that they lie in; a run makes one for each row (default: ${DEFAULT-VALUE})")
    int stageFiles;
  }

  public static void main(String... args) {
    Arguments arguments = new Arguments();
    if (!arguments.parse("Volume", args)) {
      return;
    }
    Options.atLeast(1, "--prompts", arguments.prompts);
    Options.atLeast(arguments.prompts, "--rollouts", arguments.rollouts);
    Options.atLeast(0, "--stages", arguments.stages);
    Options.atLeast(1, "--stage-files", arguments.stageFiles);
    RecipeException.require(arguments.prompts <= MOST_PROMPTS, "--prompts must be <= %s, got %s", MOST_PROMPTS,
        arguments.prompts);
    RecipeException.require(arguments.rollouts % arguments.prompts == 0,
        "--rollouts must be a multiple of --prompts, got %s and %s", arguments.rollouts, arguments.prompts);
    Recipe recipe = Recipe.read(Path.of(arguments.recipe));
    try (Run run = Run.open("volume", arguments, recipe.digest()); PeakMemory memory = new PeakMemory()) {
      ObjectNode result = measure(run, recipe, arguments, memory);
      Console.line(result.toString());
    }
  }

  /** Runs all phases. Returns what is printed at the end. */
  static ObjectNode measure(Run run, Recipe recipe, Arguments arguments, PeakMemory memory) {
    if (run.ledger().done(Generate.STAGE, 0, 0)) {
      throw new DataException("volume: run %s has rollouts in %s already. Name another --run, or another --lake",
          run.id(), arguments.lake);
    }
    Console.line("volume     %d rollouts of %d prompts need about %.1f GiB in the lake and %.1f GiB in spark.local.dir",
        arguments.rollouts, arguments.prompts, arguments.rollouts * LAKE_BYTES_PER_ROLLOUT / GIBIBYTE,
        arguments.rollouts * SCRATCH_BYTES_PER_ROLLOUT / GIBIBYTE);
    ObjectNode result = JSON.createObjectNode();
    result.put("rollouts", arguments.rollouts);
    result.put("prompts", arguments.prompts);
    result.put("slots", run.slots());
    result.put("heap_max_bytes", Runtime.getRuntime().maxMemory());
    Phases phases = new Phases(run, memory, result.putObject("phases"));
    int samples = (int) (arguments.rollouts / arguments.prompts);
    phases.measure("prompts", Prompts.TABLE, () -> prompts(run, arguments.prompts));
    phases.measure("rollouts", Rollouts.TABLE, () -> rollouts(run, arguments.prompts, samples));
    phases.measure("score", Rewards.TABLE, () -> {
      Console.line("volume     %s", Score.score(run, recipe, SOURCE, 0, 0));
      return arguments.rollouts * recipe.rewards().size();
    });
    phases.measure("estimate", Advantages.TABLE, () -> {
      Console.line("volume     %s", Estimate.estimate(run, recipe, 0, Set.of()));
      return arguments.rollouts;
    });
    if (arguments.stages > 0) {
      String other = run.id() + ".manifest";
      stages(run, other, arguments.stages, arguments.stageFiles);
      Lake lake = run.lake();
      LongSupplier open = () -> {
        Manifest manifest = new Manifest(lake);
        manifest.done(other, 0, Generate.STAGE, 0);
        return manifest.rows(other).size();
      };
      phases.measure("manifest", Stages.TABLE, open);
      phases.measure("compaction", Stages.TABLE, () -> new Upkeep(lake, Stages.TABLE).compact(1));
      phases.measure("manifest compacted", Stages.TABLE, open);
    }
    return result;
  }

  /** What each phase took, told while it goes on and at its end. */
  private record Phases(Run run, PeakMemory memory, ObjectNode result) {
    void measure(String name, Table table, LongSupplier work) {
      Upkeep upkeep = new Upkeep(run.lake(), table);
      Upkeep.Stored before = upkeep.stored();
      memory.reset();
      long start = System.nanoTime();
      ScheduledExecutorService progress = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "volume-progress");
        thread.setDaemon(true);
        return thread;
      });
      progress.scheduleAtFixedRate(() -> progress(run.spark(), name, start), PROGRESS_SECONDS, PROGRESS_SECONDS,
          TimeUnit.SECONDS);
      long rows;
      try {
        rows = work.getAsLong();
      } finally {
        progress.shutdownNow();
      }
      double seconds = (System.nanoTime() - start) / 1e9;
      Upkeep.Stored made = upkeep.stored().minus(before);
      ObjectNode phase = result.putObject(name);
      phase.put("rows", rows);
      phase.put("seconds", Math.round(seconds * 1e3) / 1e3);
      phase.put("rows_per_second", Math.round(rows / seconds));
      phase.put("heap_peak_bytes", memory.heap());
      phase.put("heap_after_gc_peak_bytes", memory.heapAfterCollection());
      PeakMemory.resident().ifPresent(bytes -> phase.put("resident_peak_bytes", bytes));
      phase.put("files", made.files());
      phase.put("file_bytes", made.bytes());
      Console.line("%-18s %9d rows %8.1f s %8.0f rows/s  heap %.2f GiB, after GC %.2f GiB, resident so far %.2f GiB  "
          + "%d files, %.1f MiB", name, rows, seconds, rows / seconds, memory.heap() / GIBIBYTE,
          memory.heapAfterCollection() / GIBIBYTE, PeakMemory.resident().orElse(0) / GIBIBYTE, made.files(),
          made.bytes() / (double) (1 << 20));
    }

    private static void progress(SparkSession spark, String name, long start) {
      SparkStatusTracker tracker = spark.sparkContext().statusTracker();
      StringBuilder text = new StringBuilder();
      for (int id : tracker.getActiveStageIds()) {
        scala.Option<SparkStageInfo> stage = tracker.getStageInfo(id);
        if (stage.isDefined()) {
          text.append(String.format("  %s: %d of %d tasks", stage.get().name().replaceAll(" at .*", ""),
              stage.get().numCompletedTasks(), stage.get().numTasks()));
        }
      }
      Console.line("  %s %.0f s, heap %.2f GiB%s", name, (System.nanoTime() - start) / 1e9,
          PeakMemory.now() / GIBIBYTE, text);
    }
  }

  private static long prompts(Run run, long count) {
    JavaRDD<Row> rows = run.spark().range(0, count, 1, run.slots()).javaRDD().map(Volume::prompt);
    return commit(run, Ingest.STAGE, Prompts.TABLE, rows, count);
  }

  private static long rollouts(Run run, long prompts, int samples) {
    String id = run.id();
    long seed = run.seed();
    JavaRDD<Row> rows = run.spark().range(0, prompts * samples, 1, run.slots()).javaRDD()
        .map(index -> rollout(id, seed, index / samples, (int) (index % samples)));
    return commit(run, Generate.STAGE, Rollouts.TABLE, rows, prompts * samples);
  }

  private static long commit(Run run, String stage, Table table, JavaRDD<Row> rows, long count) {
    run.ledger().submit(new Ledger.Entry(stage, 0, 0, List.of(Ledger.Data.of(run.spark(), table, rows)), List.of(),
        Map.of(), () -> { }));
    run.ledger().await();
    return count;
  }

  private static Task task(long prompt) {
    long left = prompt / ADDENDS;
    long right = prompt % ADDENDS;
    return Task.of(SOURCE, left + "+" + right + "=", Optional.of(Long.toString(left + right)));
  }

  /** The prompt of a number. */
  static Row prompt(long prompt) {
    Task task = task(prompt);
    return Prompts.TABLE.row(Map.of(Prompts.PROMPT_ID, task.id(), Prompts.SOURCE, SOURCE, Prompts.SPLIT, Split.TRAIN,
        Prompts.TEXT, task.text().orElseThrow(), Prompts.ANSWER, task.answer().orElseThrow(), Prompts.METADATA,
        Map.of("operator", "+")));
  }

  /** A completion of it: the answer, or the number after it, each for half of the keys. */
  static Row rollout(String run, long seed, long prompt, int sample) {
    Task task = task(prompt);
    long start = KeyedSeed.of(seed, 0, task.id(), sample);
    long answer = Long.parseLong(task.answer().orElseThrow()) + (start & 1);
    String text = "The sum is " + answer + ".";
    int[] tokens = text.chars().toArray();
    float[] logp = new float[tokens.length];
    for (int t = 0; t < logp.length; t++) {
      logp[t] = -(KeyedSeed.of(start, t) >>> 40) / (float) (1 << 24);
    }
    Map<Field, Object> values = new HashMap<>();
    values.put(Rollouts.RUN_ID, run);
    values.put(Rollouts.ITERATION, 0);
    values.put(Rollouts.WAVE, 0);
    values.put(Rollouts.SHARD, (int) (prompt / 16));
    values.put(Rollouts.PROMPT_ID, task.id());
    values.put(Rollouts.GROUP_ID, task.id());
    values.put(Rollouts.SAMPLE, sample);
    values.put(Rollouts.POLICY_VERSION, SOURCE);
    values.put(Rollouts.PROMPT_TOKENS, task.text().orElseThrow().chars().toArray());
    values.put(Rollouts.TOKENS, tokens);
    values.put(Rollouts.LOGP, logp);
    values.put(Rollouts.FINISH_REASON, "stop");
    values.put(Rollouts.SEED, start);
    values.put(Rollouts.TEXT, text);
    values.put(Rollouts.REPLAYED, false);
    return Rollouts.TABLE.row(values);
  }

  /** A manifest as long runs leave it: many rows in many files, written past the ledger in one commit. */
  private static void stages(Run run, String other, int rows, int files) {
    List<String> names = Arrays.asList(Generate.STAGE, Score.STAGE, Estimate.STAGE, Update.STAGE);
    String recipe = run.recipeDigest();
    run.lake().version(Stages.TABLE);
    JavaRDD<Row> made = run.spark().range(0, rows, 1, Math.min(rows, files)).javaRDD().map(index -> Stages.TABLE.row(
        Map.ofEntries(Map.entry(Stages.RUN_ID, other), Map.entry(Stages.ITERATION, (int) (index / names.size())),
            Map.entry(Stages.STAGE, names.get((int) (index % names.size()))), Map.entry(Stages.WAVE, 0),
            Map.entry(Stages.STATUS, "done"), Map.entry(Stages.INPUTS, Map.of("prompts", 0L)),
            Map.entry(Stages.OUTPUTS, Map.of("rollouts", index)), Map.entry(Stages.ROWS, 1L),
            Map.entry(Stages.DIGESTS, Map.of()), Map.entry(Stages.DIGEST, "1-" + index),
            Map.entry(Stages.SECONDS, Map.of("commit", 0.1)),
            Map.entry(Stages.CODE_VERSION, Code.VERSION), Map.entry(Stages.RECIPE_DIGEST, recipe),
            Map.entry(Stages.FINISHED_AT, new Timestamp(0)))));
    run.spark().createDataFrame(made, Stages.TABLE.schema()).write().format("delta").mode("append")
        .save(new Upkeep(run.lake(), Stages.TABLE).place());
  }
}
