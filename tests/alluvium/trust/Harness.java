package alluvium.trust;

import static org.assertj.core.api.Assertions.assertThat;

import alluvium.spark.Digest;
import alluvium.spark.TestSession;
import alluvium.tables.Advantages;
import alluvium.tables.Evaluations;
import alluvium.tables.Field;
import alluvium.tables.Policies;
import alluvium.tables.Prompts;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import alluvium.tables.Stages;
import alluvium.tables.States;
import alluvium.tables.Table;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;

/** Starts whole runs in JVMs of their own, and looks at the tables that they leave. */
final class Harness {
  static final List<Table> TABLES = List.of(Prompts.TABLE, Rollouts.TABLE, Rewards.TABLE, Advantages.TABLE,
      States.TABLE, Policies.TABLE, Evaluations.TABLE);
  private static final Pattern GENERATED = Pattern.compile(" (\\d+) completions generated, (\\d+) of (\\d+) shards");
  private static final int LONGEST_SECONDS = 300;
  private static final String LOGGING = """
      rootLogger.level = warn
      rootLogger.appenderRef.err.ref = err
      appender.err.type = Console
      appender.err.name = err
      appender.err.target = SYSTEM_OUT
      appender.err.layout.type = PatternLayout
      appender.err.layout.pattern = %p %c{1}: %m%n
      logger.alluvium.name = alluvium
      logger.alluvium.level = info
      """;

  private final Path folder;

  Harness(Path folder) {
    this.folder = folder;
    WholeRun.prepare(folder, IntStream.range(0, 100).boxed().toList(), 1);
    try {
      Files.writeString(folder.resolve("log4j2.properties"), LOGGING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A process under way. */
  record Running(Process process, Path output) {
    /** Waits until it ends by itself. */
    Ended end() {
      try {
        if (!process.waitFor(LONGEST_SECONDS, TimeUnit.SECONDS)) {
          process.destroyForcibly();
          throw new AssertionError("a run hangs:\n" + Files.readString(output));
        }
        return new Ended(process.exitValue(), Files.readString(output));
      } catch (IOException | InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** What a process left. */
  record Ended(int code, String text) {
    boolean killed() {
      return code == 137;
    }

    /** Completions that it generated. */
    long generated() {
      return sum(1);
    }

    /** Shards that it found kept. */
    long kept() {
      return sum(2);
    }

    private long sum(int group) {
      Matcher matcher = GENERATED.matcher(text);
      long sum = 0;
      while (matcher.find()) {
        sum += Long.parseLong(matcher.group(group));
      }
      return sum;
    }
  }

  Path lake(String name) {
    return folder.resolve("lake-" + name);
  }

  /** Starts the run in a JVM of its own; fault as {@link FaultyFileSystem} reads it, or nothing. */
  Running start(String name, String fault) {
    return start(name, "2", fault);
  }

  /** Likewise with so many tasks at once, and further options of the JVM. */
  Running start(String name, String slots, String fault, String... more) {
    try {
      String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
      List<String> command = new ArrayList<>(List.of(java, "-Xmx1g", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
      ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
          .filter(a -> a.startsWith("--add-opens") || a.startsWith("-Dai.djl") || a.startsWith("-DOPT_OUT"))
          .forEach(command::add);
      command.add("-Dlog4j2.configurationFile=" + folder.resolve("log4j2.properties"));
      if (!fault.isEmpty()) {
        command.add("-Dfault=" + fault);
      }
      command.addAll(List.of(more));
      command.addAll(List.of("-cp", System.getProperty("surefire.test.class.path",
          System.getProperty("java.class.path")), WholeRun.class.getName(), folder.toString(),
          FaultyFileSystem.SCHEME + "://" + lake(name), slots));
      Path output = Files.createTempFile(folder, name + "-", ".log");
      return new Running(new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile()).start(),
          output);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Rows of a table of a finished lake. */
  List<Row> rows(String name, Table table) {
    return TestSession.spark().read().format("delta").load(lake(name) + "/" + table.name())
        .select(table.fields().stream().map(Field::col).toArray(org.apache.spark.sql.Column[]::new)).collectAsList();
  }

  /** Table to digest; the tables' own versions and places do not count. */
  Map<String, String> digests(String name) {
    Map<String, String> digests = new TreeMap<>();
    TABLES.forEach(table -> digests.put(table.name(), Digest.of(rows(name, table), table).text()));
    return digests;
  }

  /** Digest of the last policy. */
  String policy(String name) {
    return rows(name, Policies.TABLE).stream().filter(r -> Policies.ITERATION.<Integer>of(r) == WholeRun.ITERATIONS)
        .map(Policies.POLICY_VERSION::<String>of).findFirst().orElse("none");
  }

  /** Keys that the undisturbed run has and this one has not. */
  long lost(String name, String undisturbed) {
    return TABLES.stream().mapToLong(table -> {
      Set<List<Object>> keys = keys(undisturbed, table);
      keys.removeAll(keys(name, table));
      return keys.size();
    }).sum();
  }

  /** Rows beyond the first of each key, stages' among them. */
  long doubled(String name) {
    return Stream.concat(TABLES.stream(), Stream.of(Stages.TABLE))
        .mapToLong(table -> rows(name, table).size() - keys(name, table).size()).sum();
  }

  private Set<List<Object>> keys(String name, Table table) {
    Set<List<Object>> keys = new HashSet<>();
    for (Row row : rows(name, table)) {
      List<Object> key = new ArrayList<>();
      table.keys().forEach(k -> key.add(k.of(row)));
      keys.add(key);
    }
    return keys;
  }

  /** What the run's tables held when it was killed: the newest commit of any table, by the stage that made it. */
  String newestCommit(String name) {
    Path lake = lake(name);
    if (!Files.isDirectory(lake)) {
      return "nothing committed";
    }
    try (Stream<Path> all = Files.walk(lake, 3)) {
      List<Path> commits = all.filter(p -> p.getFileName().toString().matches("\\d{20}\\.json"))
          .sorted((a, b) -> Long.compare(b.toFile().lastModified(), a.toFile().lastModified())).toList();
      for (Path commit : commits) {
        Matcher txn = Pattern.compile("\"appId\":\"([^\"]+)\",\"version\":(\\d+)").matcher(Files.readString(commit));
        if (txn.find()) {
          return txn.group(1) + " " + Long.parseLong(txn.group(2)) / 1000;
        }
      }
      return "tables being made";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Throws unless the run is whole and equals the undisturbed one. */
  void assertEqual(String name, String undisturbed) {
    assertThat(doubled(name)).as("doubled keys").isZero();
    assertThat(lost(name, undisturbed)).as("lost keys").isZero();
    assertThat(policy(name)).as("final policy").isEqualTo(policy(undisturbed));
    assertThat(digests(name)).isEqualTo(digests(undisturbed));
    assertThat(lake(name).resolve("_shards/" + WholeRun.RUN)).as("kept shards are gone")
        .satisfiesAnyOf(p -> assertThat(p).doesNotExist(), p -> assertThat(p).isEmptyDirectory());
  }
}
