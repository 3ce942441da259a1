package alluvium.trust;

import static org.assertj.core.api.Assertions.assertThat;

import alluvium.spark.TestSession;
import alluvium.tables.Rollouts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** SIGKILL and a full disk at moments that hurt: the same command goes on, and ends with the same tables. */
class KillTest {
  private static final String ROLLOUTS = "/rollouts/_delta_log/\\d{20}\\.json$";
  private static final String STAGES = "/stages/_delta_log/\\d{20}\\.json$";
  private static final String UNDISTURBED = "undisturbed";
  private static final Harness HARNESS = new Harness(TestSession.newFolder());

  private static long completions;
  private static long millis;

  /** A line of the table. */
  private record Line(String where, int kills, long regenerated, long kept, long lost, long doubled, boolean equal) {
    String markdown() {
      return String.format(Locale.ROOT, "| %s | %d | %d | %d | %d | %d | %s |", where, kills, regenerated, kept, lost,
          doubled, equal ? "equal" : "DIFFERENT");
    }
  }

  @BeforeAll
  static void undisturbed() {
    long start = System.nanoTime();
    Harness.Ended ended = HARNESS.start(UNDISTURBED, "").end();
    millis = (System.nanoTime() - start) / 1_000_000;
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

  /** At every stage boundary, on both sides of it, and at random moments: prints the table of the documentation. */
  @Tag("long")
  @Test
  void everyBoundaryAndRandomMoments() throws IOException {
    List<Line> lines = new ArrayList<>();
    boundaries(lines);
    int kills = random(lines, 20);
    lines.add(full());
    int all = lines.stream().mapToInt(Line::kills).sum();
    StringBuilder text = new StringBuilder("| where killed | kills | completions generated again | shards found kept"
        + " | lost | doubled | digests |\n|---|---|---|---|---|---|---|\n");
    lines.forEach(line -> text.append(line.markdown()).append('\n'));
    text.append(String.format(Locale.ROOT, "%n%d kills and failures, %d of them at random moments; %d completions in an"
        + " undisturbed run%n", all, kills, completions));
    Path written = Files.writeString(Path.of("target", "kills.md"), text);
    assertThat(written).content().doesNotContain("DIFFERENT");
    assertThat(all).isGreaterThanOrEqualTo(50);
    assertThat(lines).allMatch(line -> line.lost() == 0 && line.doubled() == 0);
  }

  /** Each start dies at the next stage's row, before it appears and then after. */
  private static void boundaries(List<Line> lines) {
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
    lines.add(line(name, "every stage boundary, before and after its row in `stages`", all));
  }

  /** Kills at moments drawn from the time that a run takes, until there are so many. */
  private static int random(List<Line> lines, int wanted) {
    Random random = new Random(17);
    int kills = 0;
    for (int lake = 0; kills < wanted; lake++) {
      String name = "random-" + lake;
      List<Harness.Ended> all = new ArrayList<>();
      List<String> where = new ArrayList<>();
      Harness.Ended last;
      do {
        long at = millis / 5 + (long) (random.nextDouble() * millis * 3 / 5);
        last = HARNESS.start(name, "").kill(at);
        all.add(last);
        assertThat(last.code() == 0 || last.killed()).as(last.text()).isTrue();
        if (last.code() != 0) {
          where.add(HARNESS.newestCommit(name));
        }
      } while (last.code() != 0 && all.size() < 40);
      kills += where.size();
      lines.add(line(name, "at random, after: " + String.join("; ", where), all));
    }
    return kills;
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
