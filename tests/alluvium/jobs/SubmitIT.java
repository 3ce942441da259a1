package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import alluvium.Readme;
import alluvium.spark.Lake;
import alluvium.spark.TestSession;
import alluvium.tables.Evaluations;
import alluvium.tables.Policies;
import alluvium.tables.Prompts;
import alluvium.tables.Rejects;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The assembly under spark-submit, as users start it: the README's own commands, in a folder that has nothing of the
 * repository but what those commands name. Spark is put together from the build's jars, without those that the
 * assembly brings, and started by Spark's launcher.
 */
class SubmitIT {
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
      steps:      {Batches: {count: 60, size: 16, shards: 2, microBatch: 8}}
      """;

  private static final String REWARDED = """
      prompts:      {Uniform: {perIteration: 8, samples: 8}}
      rollouts:
        Sampling: {maxTokens: 4, temperature: 1, topK: 0, topP: 1, minP: 0, stop: [], stopIds: [], shardPrompts: 2}
      rewards:      {correct: {NumericAnswer: {right: 1, wrong: 0, tolerance: 1.0e-6}}}
      onError:      {Drop: {timeoutSeconds: 10, leastOk: 2, maxErrorShare: 0.1}}
      aggregation:  {WeightedSum: {weights: {correct: 1}}}
      selection:    {EveryGroup: {}}
      advantage:    {Grpo: {eps: 1.0e-6}}
      objective:    {ClipHigher: {low: 0.2, high: 0.28}}
      normalizer:   {PerToken: {}}
      regularizers: [{Kl: {beta: 0.04, estimator: {K3: {}}, gradient: {Direct: {}}}}]
      reference:    {Initial: {}}
      optimizer:
        AdamW: {learningRate: 1.0e-3, beta1: 0.9, beta2: 0.95, eps: 1.0e-8, weightDecay: 0, maxNorm: 1,
          schedule: {Constant: {warmup: 0}}}
      steps:        {MiniBatches: {epochs: 1, perIteration: 2, shards: 4, microBatch: 8}}
      """;

  @TempDir
  static Path folder;
  private static Path work;
  private static SparkHome spark;

  @BeforeAll
  static void sparkAndAFolderToWorkIn() throws IOException {
    spark = SparkHome.in(folder);
    work = Files.createDirectories(folder.resolve("work"));
    Files.createSymbolicLink(Files.createDirectory(work.resolve("target")).resolve("alluvium-assembly.jar"),
        SparkHome.ASSEMBLY);
    Files.createDirectories(work.resolve("conf/policies"));
    Files.copy(Path.of("conf/log4j2.properties"), work.resolve("conf/log4j2.properties"));
    Files.writeString(work.resolve("conf/policies/small.yaml"), SMALL);
    Files.writeString(work.resolve("questions.jsonl"), questions());
    Files.writeString(work.resolve("questions.yaml"), Readme.blocks("Your own data", "yaml").get(0)
        .replace("heldOut: 500", "heldOut: 8"));
    Files.writeString(work.resolve("my-sft.yaml"), SUPERVISED);
    Files.writeString(work.resolve("my-grpo.yaml"), REWARDED);
  }

  /** Sums of one digit, so that a policy of a few seconds is right now and then; one is there twice, one is empty. */
  private static String questions() {
    StringBuilder rows = new StringBuilder();
    for (int a = 0; a < 10; a++) {
      for (int b = 0; a + b < 10; b++) {
        rows.append(String.format("{\"question\": \"%d+%d=\", \"answer\": \"%d\", \"worked\": \"%d\"}%n", a, b, a + b,
            a + b));
      }
    }
    return rows + "{\"question\": \"0+0=\", \"answer\": \"0\", \"worked\": \"0\"}\n"
        + "{\"question\": \"\", \"answer\": \"0\", \"worked\": \"0\"}\n";
  }

  private static String succeed(String script) throws IOException, InterruptedException {
    SparkHome.Outcome outcome = spark.run(work, script);
    assertThat(outcome.code()).as(outcome.text()).isZero();
    return outcome.text();
  }

  @Test
  void theAssemblyHoldsWhatSparkLacksAndNothingElse() throws IOException {
    Set<String> ours = entries(SparkHome.ASSEMBLY);
    assertThat(ours).contains("alluvium/jobs/Iterate.class", "conf/grpo.yaml", "conf/clusters/local.yaml",
        "pytorch/cpu/linux-x86_64/libtorch_cpu.so", "io/delta/sql/DeltaSparkSessionExtension.class");
    for (Path jar : SparkHome.jars()) {
      assertThat(entries(jar).stream().filter(name -> name.endsWith(".class") && ours.contains(name)).limit(3))
          .as(jar.toString()).isEmpty();
    }
    assertThat(ours.stream().filter(name -> name.matches("(scala|org/slf4j|org/apache/(hadoop|logging)|com/google"
        + "|com/fasterxml|org/yaml)/.*|META-INF/.*\\.(SF|RSA|DSA)")).limit(3)).isEmpty();
    try (ZipFile zip = new ZipFile(SparkHome.ASSEMBLY.toFile())) {
      assertThat(text(zip, "META-INF/services/org.apache.spark.sql.sources.DataSourceRegister"))
          .contains("DeltaDataSource");
      assertThat(text(zip, "META-INF/services/ai.djl.engine.EngineProvider")).contains("PtEngineProvider");
    }
  }

  private static Set<String> entries(Path jar) throws IOException {
    try (ZipFile zip = new ZipFile(jar.toFile())) {
      return zip.stream().map(ZipEntry::getName).filter(n -> !n.startsWith("META-INF/versions/") && !n.equals(
          "module-info.class")).collect(Collectors.toSet());
    }
  }

  private static String text(ZipFile zip, String entry) throws IOException {
    return new String(zip.getInputStream(zip.getEntry(entry)).readAllBytes(), StandardCharsets.UTF_8);
  }

  @Test
  void aBadRecipeEndsBeforeSparkStarts() throws IOException, InterruptedException {
    Files.writeString(work.resolve("bad.yaml"), REWARDED.replace("Grpo", "Grppo"));
    SparkHome.Outcome outcome = spark.run(work, """
        spark-submit --master 'local[2]' --class alluvium.jobs.Iterate target/alluvium-assembly.jar --lake out/bad \\
            --source questions --recipe bad.yaml --iterations 1
        """);
    assertThat(outcome.code()).isNotZero();
    assertThat(outcome.text()).contains("bad.yaml: advantage.Grppo is not a class of advantages. Did you mean Grpo?")
        .doesNotContain("SparkContext");
    assertThat(work.resolve("out/bad")).doesNotExist();
    assertThat(outcome.seconds()).isLessThan(30);
  }

  @Test
  void theCommandsOfTheReadme() throws IOException, InterruptedException {
    List<String> blocks = Readme.blocks("Your own data", "bash");
    assertThat(blocks).hasSize(2);
    String first = succeed(blocks.get(0));
    assertThat(first).contains("55 tasks, 8 of them held out; 2 rows refused").contains("report     out/report.html")
        .doesNotContain("INFO");
    // each stage in a JVM of its own, after what one JVM did
    succeed(blocks.get(0).substring(0, blocks.get(0).indexOf("\n}\n") + 3) + blocks.get(1));

    String lake = work.resolve("out/lake").toString();
    Map<Integer, Row> local = policies(lake, "main");
    assertThat(local.keySet()).containsExactly(0, 1, 2, 3);
    List<String> versions = local.values().stream().map(Policies.POLICY_VERSION::<String>of).toList();
    assertThat(versions).doesNotHaveDuplicates();
    Path start = Path.of(URI.create(Policies.URI.of(local.get(0))));
    assertThat(Files.readString(start.resolve("config.json"))).containsPattern("\"hidden_size\"\\s*:\\s*32");

    // two executors of their own, from the same policy: not a bit differs
    succeed("""
        spark-submit --master 'local-cluster[2,1,1024]' --conf 'spark.executor.extraJavaOptions=%s' \\
            --class alluvium.jobs.Iterate target/alluvium-assembly.jar --lake out/lake --run cluster --policy '%s' \\
            --source questions --recipe my-grpo.yaml --iterations 3
        """.formatted(SparkHome.QUICK, start));
    assertThat(executors()).hasSize(2);
    assertThat(policies(lake, "cluster").values().stream().map(Policies.POLICY_VERSION::<String>of))
        .isEqualTo(versions);

    Lake tables = Lake.open(TestSession.spark(), lake);
    assertThat(tables.read(Prompts.TABLE).count()).isEqualTo(55);
    assertThat(tables.read(Rejects.TABLE).count()).isEqualTo(2);
    assertThat(tables.read(Evaluations.TABLE).select(Evaluations.ITERATION.col()).distinct().collectAsList().stream()
        .map(row -> row.getInt(0))).containsExactlyInAnyOrder(0, 2, 3);
    assertThat(Files.readString(work.resolve("out/report.html"))).contains(versions.get(2))
        .doesNotContain(versions.get(3));
  }

  private static Map<Integer, Row> policies(String lake, String run) {
    Map<Integer, Row> byIteration = new TreeMap<>();
    Lake.open(TestSession.spark(), lake).read(Policies.TABLE).filter(Policies.RUN_ID.col().equalTo(run)
        .and(Policies.ROLE.col().equalTo(Run.MAIN))).collectAsList()
        .forEach(row -> byIteration.put(Policies.ITERATION.of(row), row));
    return byIteration;
  }

  /** Folders of the executors that the cluster has started. */
  private static List<Path> executors() throws IOException {
    List<Path> found = new ArrayList<>();
    try (Stream<Path> applications = Files.list(folder.resolve("spark/work"))) {
      for (Path application : applications.toList()) {
        try (Stream<Path> executors = Files.list(application)) {
          executors.filter(e -> Files.exists(e.resolve("stderr"))).forEach(found::add);
        }
      }
    }
    return found;
  }
}
