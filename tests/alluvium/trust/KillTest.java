package alluvium.trust;

import static org.assertj.core.api.Assertions.assertThat;

import alluvium.spark.TestSession;
import alluvium.tables.Rollouts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** SIGKILL and a full disk at moments that hurt: the same command goes on, and ends with the same tables. */
class KillTest {
  private static final String STAGES = "/stages/_delta_log/\\d{20}\\.json$";
  private static final String UNDISTURBED = "undisturbed";
  private static final Harness HARNESS = new Harness(TestSession.newFolder());

  private static final int RANDOM_KILLS = 12;
  private static final List<Line> LINES = new ArrayList<>();

  private static long completions;

  /** A line of the table. */
  private record Line(String where, int kills, long regenerated, long kept, long lost, long doubled, boolean equal) {
    String markdown() {
      return String.format(Locale.ROOT, "| %s | %d | %d | %d | %d | %d | %s |", where, kills, regenerated, kept, lost,
          doubled, equal ? "equal" : "DIFFERENT");
    }
  }

  @BeforeAll
  static void undisturbed() {
    Harness.Ended ended = HARNESS.start(UNDISTURBED, "").end();
    assertThat(ended.code()).as(ended.text()).isZero();
    completions = ended.generated();
    assertThat(completions).isEqualTo(HARNESS.rows(UNDISTURBED, Rollouts.TABLE).size()).isPositive();
  }

  private static Line line(String name, String where, List<Harness.Ended> all) {
    long generated = all.stream().mapToLong(Harness.Ended::generated).sum();
    int kills = (int) all.stream().filter(e -> e.code() != 0).count();
    return new Line(where, kills, Math.max(0, generated - completions), all.stream().mapToLong(Harness.Ended::kept)
        .sum(), HARNESS.lost(name, UNDISTURBED), HARNESS.doubled(name),
        HARNESS.digests(name).equals(HARNESS.digests(UNDISTURBED))
            && HARNESS.policy(name).equals(HARNESS.policy(UNDISTURBED)));
  }

  /** The run with a fault at its first start, and without one after it. */
  private static List<Harness.Ended> disturbed(String name, String... faults) {
    List<Harness.Ended> all = new ArrayList<>();
    for (String fault : faults) {
      all.add(HARNESS.start(name, fault).end());
      assertThat(all.get(all.size() - 1).code()).as(all.get(all.size() - 1).text()).isNotZero();
    }
    all.add(HARNESS.start(name, "").end());
    assertThat(all.get(all.size() - 1).code()).as(all.get(all.size() - 1).text()).isZero();
    return all;
  }

  @Test
  void killedInsideGenerateBetweenCommitAndManifestAndWithAFullDisk() {
    List<Harness.Ended> all = disturbed("short",
        "after:3:kill:/_shards/main/0\\.0/\\d{6}-[0-9a-f]{16}\\.shard$",    // three of eight shards are finished
        "before:1:kill:/stages/_delta_log/00000000000000000004\\.json$",    // generate's rollouts are, its row is not
        "writing:1:full:/advantages/.*parquet$");
    assertThat(all.get(0).killed()).isTrue();
    assertThat(all.get(1).killed()).isTrue();
    assertThat(all.get(1).kept()).isGreaterThanOrEqualTo(3);
    assertThat(all.get(2).text()).contains("No space left on device");
    HARNESS.assertEqual("short", UNDISTURBED);
    Line line = line("short", "inside generate, before a stage's row, full disk", all);
    assertThat(line.equal()).isTrue();
  }

  /** On both sides of every stage boundary, and with a disk that is full: lines of the table of the documentation. */
  @Tag("long")
  @Test
  void everyBoundary() throws IOException {
    assertThat(write(boundaries()).kills()).isGreaterThanOrEqualTo(40);
    write(full());
  }

  /** At random moments: lines of the same table. */
  @Tag("long")
  @Test
  void randomMoments() throws IOException {
    Random random = new Random(17);
    int files;
    try (Stream<Path> all = Files.walk(HARNESS.lake(UNDISTURBED))) {
      files = (int) all.filter(f -> f.getParent().endsWith("_delta_log") && Files.isRegularFile(f)).count();
    }
    int kills = 0;
    for (int lake = 0; kills < RANDOM_KILLS; lake++) {
      String name = "random-" + lake;
      List<Harness.Ended> all = new ArrayList<>();
      List<String> where = new ArrayList<>();
      Harness.Ended last;
      do {
        last = HARNESS.start(name, "after:" + (1 + random.nextInt(files / 2)) + ":kill:.*").end();
        all.add(last);
        assertThat(last.code() == 0 || last.killed()).as(last.text()).isTrue();
        if (last.killed()) {
          where.add(HARNESS.newestCommit(name));
        }
      } while (last.code() != 0);
      kills += write(line(name, "after random files, the newest commit being: " + String.join("; ", where), all))
          .kills();
    }
  }

  /** Adds a line to the table, whose head the first one brings. */
  private static Line write(Line line) throws IOException {
    Path table = Path.of("target", "kills.md");
    if (LINES.isEmpty()) {
      Files.writeString(table, "A run without disturbance generates " + completions + " completions.\n\n"
          + "| where killed | kills | completions generated again | shards found kept | lost | doubled | digests |\n"
          + "|---|---|---|---|---|---|---|\n");
    }
    LINES.add(line);
    Files.writeString(table, line.markdown() + "\n", StandardOpenOption.APPEND);
    assertThat(line.equal()).as(line.markdown()).isTrue();
    assertThat(line.lost() + line.doubled()).as(line.markdown()).isZero();
    return line;
  }

  /** Each start dies at the next stage's row, before it appears and then after. */
  private static Line boundaries() {
    String name = "boundaries";
    List<Harness.Ended> all = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      String fault = (i % 2 == 0 ? "before" : "after") + ":1:kill:" + STAGES.replace("\\d{20}",
          "(?!0{20})\\d{20}");    // version 0 makes the table
      all.add(HARNESS.start(name, fault).end());
      if (all.get(i).code() == 0) {
        break;
      }
    }
    return line(name, "every stage boundary, before and after its row in `stages`", all);
  }

  private static Line full() {
    String name = "full";
    List<String> faults = new ArrayList<>();
    for (String path : List.of("/prompts/.*parquet$", "/_policy_files/.*safetensors$", "/_shards/.*",
        "/rollouts/.*parquet$", "/rewards/.*parquet$", "/advantages/.*parquet$", "/states/.*parquet$",
        "/policies/.*parquet$", "/stages/.*parquet$", "/stages/_delta_log/.*", "/evaluations/.*parquet$")) {
      faults.add("writing:1:full:" + path);
    }
    List<Harness.Ended> all = new ArrayList<>();
    for (String fault : faults) {
      all.add(HARNESS.start(name, fault).end());
    }
    all.add(HARNESS.start(name, "").end());
    return line(name, "disk full while writing each table, policy files and kept shards", all);
  }
}
