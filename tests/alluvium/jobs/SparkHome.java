package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * A Spark put together from the build's jars, without those that the assembly brings, with a spark-submit.
 *
 * @param folder that holds it
 */
public record SparkHome(Path folder) {
  public static final Path ASSEMBLY = Path.of(System.getProperty("assembly.jar", "target/alluvium-assembly.jar"))
      .toAbsolutePath();
  public static final String QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";     // JVMs that live for seconds
  private static final Pattern NOT_SPARK = Pattern.compile(".*/(io/delta|ai/djl|com/google/code/gson"
      + "|com/google/errorprone|net/java/dev/jna|info/picocli|com/fasterxml/jackson/dataformat|org/yaml|org/webjars"
      + "|org/junit|org/opentest4j"
      + "|org/apiguardian|org/assertj|net/bytebuddy|com/tngtech)/.*");
  private static final int LONGEST_SECONDS = 600;

  /** What a script left. */
  public record Outcome(int code, String text, double seconds) {}

  /** Builds one in a folder: spark/ and bin/spark-submit. */
  public static SparkHome in(Path folder) throws IOException {
    Path home = folder.resolve("spark");
    Files.createDirectories(home.resolve("jars"));
    Files.createDirectories(home.resolve("conf"));
    Files.writeString(home.resolve("RELEASE"), "Spark of the build's jars\n");
    for (Path jar : jars()) {
      Files.createSymbolicLink(home.resolve("jars").resolve(jar.getFileName()), jar);
    }
    Path script = Files.createDirectories(folder.resolve("bin")).resolve("spark-submit");
    Files.writeString(script, """
        #!/usr/bin/env bash
        # The launcher answers with the command line of the job's JVM: a word that is empty and a line's end,
        # then all words of the command, NUL after each.
        set -euo pipefail
        export SPARK_HOME='%s' SPARK_SCALA_VERSION=2.12 SPARK_LOCAL_IP=127.0.0.1 JAVA_HOME='%s' \\
            SPARK_SUBMIT_OPTS='%s'
        mapfile -d '' -t command < <("$JAVA_HOME/bin/java" -cp "$SPARK_HOME/jars/*" org.apache.spark.launcher.Main \\
            org.apache.spark.deploy.SparkSubmit "$@" | tail -n +2)
        exec "${command[@]:?the launcher has failed}"
        """.formatted(home, System.getProperty("java.home"), QUICK));
    assertThat(script.toFile().setExecutable(true)).isTrue();
    return new SparkHome(folder);
  }

  /** Spark's own jars. */
  static List<Path> jars() {
    List<Path> jars = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator)).map(Path::of)
        .filter(jar -> jar.toString().endsWith(".jar") && jar.getNameCount() > 3
        && !jar.startsWith(ASSEMBLY.getParent()))
        .filter(jar -> !NOT_SPARK.matcher(jar.toString()).matches()).toList();
    assertThat(jars).anyMatch(jar -> jar.toString().contains("spark-core")).hasSizeGreaterThan(100);
    return jars;
  }

  /** Runs a script that may call spark-submit. */
  public Outcome run(Path work, String script) throws IOException, InterruptedException {
    long start = System.nanoTime();
    Path log = Files.createTempFile(folder, "log", ".txt");
    ProcessBuilder builder = new ProcessBuilder("bash", "-euo", "pipefail", "-c", script).directory(work.toFile())
        .redirectErrorStream(true).redirectOutput(log.toFile());
    builder.environment().merge("PATH", folder.resolve("bin").toString(), (old, own) -> own + File.pathSeparator + old);
    Process process = builder.start();
    try {
      boolean ended = process.waitFor(LONGEST_SECONDS, TimeUnit.SECONDS);
      assertThat(ended).as("ends in time, having said:%n%s", Files.readString(log)).isTrue();
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
    return new Outcome(process.exitValue(), Files.readString(log), (System.nanoTime() - start) / 1e9);
  }
}
