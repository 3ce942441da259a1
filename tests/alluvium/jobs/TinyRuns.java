package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import alluvium.prompts.Task;
import alluvium.spark.Digest;
import alluvium.spark.Lake;
import alluvium.spark.TestSession;
import alluvium.spark.TinyPolicies;
import alluvium.tables.Field;
import alluvium.tables.Metrics;
import alluvium.tables.Policies;
import alluvium.tables.Stages;
import alluvium.tables.Table;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.spark.sql.Row;

/** One lake with a few sums and a policy, which the tests of a JVM share: every test has runs of its own. */
final class TinyRuns {
  static final String SOURCE = "sums";
  static final int HELD_OUT = 5;
  static final Path LAKE = TestSession.newFolder().resolve("lake");
  static final Path POLICY = TinyPolicies.folder(TinyPolicies.checkpoint(3));

  /** Plain GRPO, four prompts of eight completions of at most two tokens. */
  static final String GRPO = """
      prompts:      {Uniform: {perIteration: 4, samples: 8}}
      rollouts:     {Sampling: {maxTokens: 2, temperature: 1, topK: 0, topP: 1, minP: 0, stop: [],
                      stopIds: [], shardPrompts: 2}}
      rewards:      {correct: {NumericAnswer: {right: 1, wrong: 0, tolerance: 1.0e-6}}}
      onError:      {Drop: {timeoutSeconds: 10, leastOk: 2, maxErrorShare: 0.1}}
      aggregation:  {WeightedSum: {weights: {correct: 1}}}
      selection:    {EveryGroup: {}}
      advantage:    {Grpo: {eps: 1.0e-6}}
      objective:    {ClipHigher: {low: 0.2, high: 0.28}}
      normalizer:   {PerToken: {}}
      regularizers: []
      reference:    {NoReference: {}}
      optimizer:    {AdamW: {learningRate: 1.0e-2, beta1: 0.9, beta2: 0.95, eps: 1.0e-8, weightDecay: 0, maxNorm: 1,
                      schedule: {Constant: {warmup: 0}}}}
      steps:        {MiniBatches: {epochs: 1, perIteration: 2, shards: 2, microBatch: 8}}
      """;

  private static final Lake TABLES = Lake.open(TestSession.spark(), LAKE.toString());

  static {
    try (Run run = open("ingest.sums", "")) {
      Ingest.ingest(run, tasks(), HELD_OUT, 0);
    }
  }

  private TinyRuns() {}

  /** All sums of two to four numbers that come to at most 2, with their solutions. */
  static List<Task> tasks() {
    List<Task> tasks = new ArrayList<>();
    for (int operands = 2; operands <= 4; operands++) {
      for (int code = 0; code < Math.pow(3, operands); code++) {
        String digits = String.format("%4s", Integer.toString(code, 3)).replace(' ', '0').substring(4 - operands);
        int sum = digits.chars().map(c -> c - '0').sum();
        if (sum <= 2) {
          Optional<String> answer = Optional.of(String.valueOf(sum));
          tasks.add(Task.of(SOURCE, String.join("+", digits.split("")) + "=", answer).withSolution(answer));
        }
      }
    }
    return tasks;
  }

  static Options options(String run) {
    Options options = new Options();
    options.lake = LAKE.toString();
    options.run = run;
    options.cluster = "conf/clusters/local.yaml";
    return options;
  }

  static Run open(String run, String recipeDigest) {
    return Run.open("test", options(run), recipeDigest);
  }

  /** A new run that starts from the policy. */
  static Run started(String name, Recipe recipe) {
    Run run = open(name, recipe.digest());
    Iterate.adopt(run, POLICY);
    return run;
  }

  static Recipe recipe(String yaml) {
    return Recipe.parse(yaml, "recipe");
  }

  /** What a command line has in every stage, and more. */
  static String[] arguments(String run, Path recipe, String... more) {
    List<String> arguments = new ArrayList<>(List.of("--lake", LAKE.toString(), "--run", run, "--recipe",
        recipe.toString()));
    arguments.addAll(Arrays.asList(more));
    return arguments.toArray(String[]::new);
  }

  static Path file(String text) {
    try {
      return Files.writeString(TestSession.newFolder().resolve("some.yaml"), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static List<Row> all(Table table) {
    return TABLES.read(table).collectAsList();
  }

  /** All rows of a run in a table, whatever their iteration. */
  static List<Row> rows(String run, Table table) {
    return all(table).stream().filter(row -> Stages.RUN_ID.of(row).equals(run)).toList();
  }

  static List<Row> rows(String run, Table table, int iteration) {
    return rows(run, table).stream().filter(row -> Stages.ITERATION.<Integer>of(row) == iteration).toList();
  }

  /** Iteration to version of the run's main line. */
  static Map<Integer, String> versions(String run) {
    Map<Integer, String> versions = new TreeMap<>();
    for (Row row : rows(run, Policies.TABLE)) {
      if (Policies.ROLE.of(row).equals(Run.MAIN)) {
        assertThat(versions.put(Policies.ITERATION.of(row), Policies.POLICY_VERSION.of(row))).isNull();
      }
    }
    return versions;
  }

  /** The value of a metric of an iteration. */
  static double metric(String run, int iteration, String name) {
    return rows(run, Metrics.TABLE, iteration).stream().filter(r -> Metrics.NAME.of(r).equals(name))
        .map(Metrics.VALUE::<Double>of).findFirst().orElseThrow(() -> new AssertionError("no metric " + name));
  }

  /** Digest of rows, as if their run had another name. */
  static String digest(List<Row> rows, Table table) {
    return Digest.of(rows.stream().map(row -> {
      Map<Field, Object> values = new HashMap<>();
      table.fields().forEach(f -> values.put(f, f.of(row)));
      values.put(Stages.RUN_ID, "any");
      return table.row(values);
    }).toList(), table).text();
  }
}
