package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import alluvium.spark.GpuProbe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Executors of their own whose machine says that it has two GPUs: which task is given which. No GPU is opened. */
class GpuIT {
  @TempDir
  static Path folder;
  private static List<String> lines;

  /** What a task wrote. */
  private record Seen(String device, String executor, long start, long end) {
    static Seen of(String line) {
      String[] words = line.split(" ");
      return new Seen(words[2], words[3], Long.parseLong(words[4]), Long.parseLong(words[5]));
    }

    boolean besides(Seen other) {
      return start < other.end && other.start < end;
    }
  }

  @BeforeAll
  static void run() throws IOException, InterruptedException {
    SparkHome spark = SparkHome.in(folder);
    Path script = Files.writeString(folder.resolve("gpus.sh"), """
        #!/usr/bin/env bash
        echo '{"name": "gpu", "addresses": ["0", "1"]}'
        """);
    assertThat(script.toFile().setExecutable(true)).isTrue();
    Path jar = folder.resolve("probe.jar");
    String name = GpuProbe.class.getName().replace('.', '/') + ".class";
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
      out.putNextEntry(new JarEntry(name));
      out.write(GpuProbe.class.getResourceAsStream("/" + name).readAllBytes());
      out.closeEntry();
    }
    Path seen = folder.resolve("seen.txt");
    SparkHome.Outcome outcome = spark.run(folder, """
        spark-submit --master 'local-cluster[1,2,1024]' --conf 'spark.executor.extraJavaOptions=%s' \\
            --conf spark.ui.enabled=false \\
            --conf spark.worker.resource.gpu.amount=2 --conf spark.worker.resource.gpu.discoveryScript=%s \\
            --conf spark.executor.resource.gpu.amount=2 --conf spark.executor.resource.gpu.discoveryScript=%s \\
            --jars '%s' --class %s %s %s
        """.formatted(SparkHome.QUICK, script, script, SparkHome.ASSEMBLY, GpuProbe.class.getName(), jar, seen));
    assertThat(outcome.code()).as(outcome.text()).isZero();
    lines = Files.readAllLines(seen);
  }

  private static List<String> of(String how) {
    return lines.stream().filter(line -> line.startsWith(how + " ")).toList();
  }

  @Test
  void tasksThatRunSideBySideHaveDifferentGpus() {
    List<Seen> all = of("with").stream().map(Seen::of).toList();
    assertThat(all).hasSize(4);
    assertThat(all.stream().map(Seen::device).collect(Collectors.toSet())).containsExactlyInAnyOrder("gpu0", "gpu1");
    int together = 0;
    for (int i = 0; i < all.size(); i++) {
      for (int j = i + 1; j < all.size(); j++) {
        if (all.get(i).executor().equals(all.get(j).executor()) && all.get(i).besides(all.get(j))) {
          assertThat(all.get(i).device()).isNotEqualTo(all.get(j).device());
          together++;
        }
      }
    }
    assertThat(together).as("pairs that ran side by side in one JVM").isPositive();
  }

  @Test
  void aStageThatDoesNotAskHasNone() {
    assertThat(of("plain")).hasSize(4).allMatch(line -> Seen.of(line).device().equals("cpu"));
  }

  @Test
  void whatReadsAStageThatEndsNeedsNone() {
    assertThat(of("apart").stream().map(line -> line.replaceAll("gpu[01]", "gpu")))
        .containsExactly("apart 0 gpu then cpu", "apart 1 gpu then cpu", "apart 2 gpu then cpu",
            "apart 3 gpu then cpu");
    assertThat(lines).contains("partitions [1, 1, 1, 1]");
  }

  @Test
  void askingTwiceIsAskingOnce() {
    assertThat(of("twice")).hasSize(4).allMatch(line -> line.matches("twice [0-3] gpu[01]"));
  }
}
