package alluvium.trust;

import static org.assertj.core.api.Assertions.assertThat;

import alluvium.jobs.SparkHome;
import alluvium.spark.TestSession;
import alluvium.tables.Advantages;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import alluvium.tables.Table;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The same run on clusters that differ, tasks that fail, and executors that are killed: the same tables. */
class ClusterIT {
  private static final String REFERENCE = "reference";
  private static final List<Table> COMPARED = List.of(Rollouts.TABLE, Rewards.TABLE, Advantages.TABLE);
  private static final String SPECULATION = "--conf spark.speculation=true --conf spark.speculation.interval=20ms"
      + " --conf spark.speculation.quantile=0.1 --conf spark.speculation.multiplier=1.01"
      + " --conf spark.speculation.minTaskRuntime=1ms";
  private static final Harness HARNESS = new Harness(TestSession.newFolder());

  private static SparkHome spark;
  private static Path jar;

  @BeforeAll
  static void reference() throws IOException {
    Path folder = TestSession.newFolder();
    spark = SparkHome.in(folder);
    jar = folder.resolve("trust.jar");
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
      for (Class<?> type : List.of(WholeRun.class, FaultyFileSystem.class, FaultyFs.class, ExecutorKiller.class)) {
        Path classes = Path.of("target/test-classes/alluvium/trust");
        try (Stream<Path> files = Files.list(classes)) {
          String name = type.getSimpleName() + "(\\$.*)?\\.class";
          for (Path file : files.filter(f -> f.getFileName().toString().matches(name)).toList()) {
            out.putNextEntry(new JarEntry("alluvium/trust/" + file.getFileName()));
            out.write(Files.readAllBytes(file));
            out.closeEntry();
          }
        }
      }
    }
    Harness.Ended ended = HARNESS.start(REFERENCE, "").end();
    assertThat(ended.code()).as(ended.text()).isZero();
  }

  /** The run by spark-submit on two executor JVMs. */
  private static String clustered(String name, String settings) throws IOException, InterruptedException {
    SparkHome.Outcome outcome = spark.run(HARNESS.lake(name).getParent(), """
        spark-submit --master 'local-cluster[2,1,1024]' --conf 'spark.executor.extraJavaOptions=%s' %s \\
            --driver-java-options '-Dlog4j2.configurationFile=log4j2.properties' --conf spark.driver.host=127.0.0.1 \\
            --jars '%s' --class %s %s . %s 2
        """.formatted(SparkHome.QUICK, settings, SparkHome.ASSEMBLY, WholeRun.class.getName(), jar,
        HARNESS.lake(name)));
    assertThat(outcome.code()).as(outcome.text()).isZero();
    return outcome.text();
  }

  private static void assertSame(String name) {
    assertThat(HARNESS.doubled(name)).isZero();
    assertThat(HARNESS.policy(name)).isEqualTo(HARNESS.policy(REFERENCE));
    assertThat(HARNESS.digests(name)).isEqualTo(HARNESS.digests(REFERENCE));
  }

  @Tag("long")
  @Test
  void executorsKilledInGenerateAndInUpdateWithSpeculation() throws Exception {
    String text = clustered("killed", SPECULATION + " --conf spark.extraListeners=" + ExecutorKiller.class.getName()
        + " --conf spark.test.kill=Generate:12,Stepping:47");
    assertThat(text).containsPattern("killed executor \\d+ in Generate:12")
        .containsPattern("killed executor \\d+ in Stepping:47");
    assertSame("killed");
  }

  /** Prints the table of the documentation. */
  @Tag("long")
  @Test
  void theMatrix() throws Exception {
    List<String> lines = new ArrayList<>();
    started(lines, "one", "`local[1]`, 1 partition", "1", HARNESS);
    started(lines, "seven", "`local[7]`, 7 partitions", "7", HARNESS);
    started(lines, "failing", "`local[2,4]`, the first attempt of every fourth task fails", "2", HARNESS,
        "-Dspark.master=local[2,4]", "-Dspark.plugins=" + FailingTasks.class.getName());
    List<Integer> order = new ArrayList<>(IntStream.range(0, 100).boxed().toList());
    Collections.shuffle(order, new Random(5));
    Harness shuffled = new Harness(TestSession.newFolder());
    WholeRun.prepare(shuffled.lake("x").getParent(), order, 3);
    started(lines, "shuffled", "`local[2]`, input lines shuffled over three files", "2", shuffled);
    clustered("cluster", "");
    lines.add(line("`local-cluster[2,1,1024]`, two executor JVMs", HARNESS, "cluster"));
    clustered("speculation", SPECULATION);
    lines.add(line("the same, speculation on", HARNESS, "speculation"));
    for (String kill : List.of("Generate:12", "Generate:25", "Judged:4", "Credit:3", "Stepping:8", "Stepping:47")) {
      String name = "killed-" + kill.replace(':', '-');
      String text = clustered(name, "--conf spark.extraListeners=" + ExecutorKiller.class.getName()
          + " --conf spark.test.kill=" + kill);
      assertThat(text).contains("killed executor");
      lines.add(line("the same, executor killed at the start of task " + kill.split(":")[1] + " of "
          + kill.split(":")[0], HARNESS, name));
    }
    Files.writeString(Path.of("target", "matrix.md"), "| cluster | rollouts | rewards | advantages | final policy |\n"
        + "|---|---|---|---|---|\n" + line("`local[2]`, 2 partitions (the others are compared with this)", HARNESS,
        REFERENCE) + "\n" + String.join("\n", lines) + "\n");
    String expected = line("", HARNESS, REFERENCE);
    assertThat(lines).allMatch(line -> line.endsWith(expected.substring(expected.indexOf('|', 1))));
  }

  private static void started(List<String> lines, String name, String label, String slots, Harness harness,
      String... more) {
    Harness.Ended ended = harness.start(name, slots, "", more).end();
    assertThat(ended.code()).as(ended.text()).isZero();
    lines.add(line(label, harness, name));
  }

  private static String line(String label, Harness harness, String name) {
    Map<String, String> digests = harness.digests(name);
    return "| " + label + " | " + COMPARED.stream().map(t -> digests.get(t.name()).replaceFirst("(.*-.{8}).*", "$1"))
        .collect(Collectors.joining(" | ")) + " | " + harness.policy(name) + " |";
  }
}
