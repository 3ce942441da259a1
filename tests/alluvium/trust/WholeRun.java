package alluvium.trust;

import alluvium.jobs.Ingest;
import alluvium.jobs.Iterate;
import alluvium.jobs.Supervise;
import alluvium.spark.LakeSession;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Every stage of a small run, one after another in one process: the command that is killed and started again. */
public final class WholeRun {
  static final String RUN = "main";
  static final int ITERATIONS = 4;

  private static final String INTAKE = """
      format: {ColumnMapping: {source: sums, columns: {prompt: question, answer: answer, solution: answer}}}
      heldOut: 6
      """;
  private static final String SMALL = """
      layers: 2
      hidden: 32
      heads: 2
      kvHeads: 2
      intermediate: 64
      maxPositions: 16
      vocabulary: {Characters: {}}
      """;
  private static final String SUPERVISED = """
      objective:  {NegativeLogLikelihood: {}}
      normalizer: {PerToken: {}}
      optimizer:
        AdamW: {learningRate: 1.0e-2, beta1: 0.9, beta2: 0.95, eps: 1.0e-8, weightDecay: 0, maxNorm: 1,
          schedule: {Constant: {warmup: 5}}}
      steps:      {Batches: {count: 20, size: 16, shards: 2, microBatch: 8}}
      """;
  private static final String REWARDED = """
      prompts:      {Uniform: {perIteration: 16, samples: 8}}
      rollouts:
        Sampling: {maxTokens: 4, temperature: 1, topK: 0, topP: 1, minP: 0, stop: [], stopIds: [], shardPrompts: 2}
      rewards:      {correct: {NumericAnswer: {right: 1, wrong: 0, tolerance: 1.0e-6}}}
      aggregation:  {WeightedSum: {weights: {correct: 1}}}
      onError:      {Drop: {timeoutSeconds: 10, leastOk: 2, maxErrorShare: 0.1}}
      selection:    {EveryGroup: {}}
      advantage:    {MovingBaseline: {decay: 0.5, initial: 0.2}}
      objective:    {ClipHigher: {low: 0.2, high: 0.28}}
      normalizer:   {PerToken: {}}
      regularizers: [{Kl: {beta: 0.04, estimator: {K3: {}}, gradient: {Direct: {}}}}]
      reference:    {Initial: {}}
      optimizer:
        AdamW: {learningRate: 1.0e-3, beta1: 0.9, beta2: 0.95, eps: 1.0e-8, weightDecay: 0, maxNorm: 1,
          schedule: {Constant: {warmup: 0}}}
      steps:        {MiniBatches: {epochs: 1, perIteration: 2, shards: 4, microBatch: 8}}
      """;

  private WholeRun() {}

  /** Writes the files that the run reads; questions in an order of the caller's, as one file or several. */
  static void prepare(Path folder, List<Integer> order, int files) {
    try {
      Files.createDirectories(folder.resolve("questions"));
      Files.writeString(folder.resolve("intake.yaml"), INTAKE);
      Files.writeString(folder.resolve("small.yaml"), SMALL);
      Files.writeString(folder.resolve("supervised.yaml"), SUPERVISED);
      Files.writeString(folder.resolve("recipe.yaml"), REWARDED);
      List<List<String>> parts = new ArrayList<>();
      for (int i = 0; i < files; i++) {
        parts.add(new ArrayList<>());
      }
      for (int i = 0; i < order.size(); i++) {
        int a = order.get(i) / 10;
        int b = order.get(i) % 10;
        parts.get(i % files).add(String.format("{\"question\": \"%d+%d=\", \"answer\": \"%d\"}", a, b, a + b));
      }
      for (int i = 0; i < files; i++) {
        Files.write(folder.resolve("questions/part-" + i + ".jsonl"), parts.get(i));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Ingests, supervises and iterates, as far as that is not done.
   *
   * @param args the folder of the files, the lake, slots
   */
  public static void main(String... args) throws IOException {
    Path folder = Path.of(args[0]);
    String lake = args[1];
    Path cluster = folder.resolve("cluster-" + args[2] + ".yaml");
    Files.writeString(cluster, "slots: " + args[2] + "\nthreadsPerTask: 1\ndriverMemoryMebibytes: 512\nspark: {}\n");
    var spark = LakeSession.open("whole run", Integer.parseInt(args[2]), Map.of(
        "spark.hadoop.fs.faulty.impl", FaultyFileSystem.class.getName(),
        "spark.hadoop.fs.AbstractFileSystem.faulty.impl", FaultyFs.class.getName()));
    try {
      Ingest.main("--lake", lake, "--cluster", cluster.toString(), "--intake", folder + "/intake.yaml", "--input",
          folder + "/questions/*.jsonl");
      Supervise.main("--lake", lake, "--cluster", cluster.toString(), "--run", RUN, "--source", "sums", "--recipe",
          folder + "/supervised.yaml", "--scratch", folder + "/small.yaml");
      Iterate.main("--lake", lake, "--cluster", cluster.toString(), "--run", RUN, "--source", "sums", "--recipe",
          folder + "/recipe.yaml", "--iterations", String.valueOf(ITERATIONS), "--evaluate-every", "4",
          "--evaluate-samples", "2");
    } finally {
      spark.stop();
    }
  }
}
