package alluvium.spark;

import static org.assertj.core.api.Assertions.assertThat;

import alluvium.rollouts.Sampling;
import alluvium.tables.Prompts;
import alluvium.tables.Rejects;
import alluvium.tables.Rollouts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;

class KeptShardsTest {
  private static final PolicyHandle POLICY = TinyPolicies.handle(TinyPolicies.checkpoint(3));

  private final Path folder = TestSession.newFolder().resolve("shards");
  private final KeptShards kept = new KeptShards(folder.toString(), "code");
  private final List<Row> prompts = Stream.of("1+1=", "2+0=", "0+0=", "1+0=", "0+2=").map(KeptShardsTest::prompt)
      .toList();

  private static Row prompt(String text) {
    return Prompts.TABLE.row(Map.of(Prompts.PROMPT_ID, "id of " + text, Prompts.SOURCE, "s", Prompts.SPLIT, "train",
        Prompts.TEXT, text, Prompts.METADATA, Map.of("level", "1")));
  }

  private static Rollout rollout(long seed) {
    return new Rollout(POLICY, new Sampling(4, 1, 0, 1, 0, List.of(), List.of(), 2), 3, "run", seed, 0, 0);
  }

  private List<Rollout.Shard> shards(Rollout rollout, KeptShards from) {
    return rollout.over(TestSession.spark(), prompts, 7, from).collect();
  }

  private static String digest(List<Rollout.Shard> shards) {
    return Digest.of(shards.stream().flatMap(s -> s.rollouts().stream()).toList(), Rollouts.TABLE).text();
  }

  private static long generated(List<Rollout.Shard> shards) {
    return shards.stream().filter(s -> !s.tally().kept()).count();
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.filter(f -> f.toString().endsWith(".shard")).sorted().toList();
    }
  }

  @Test
  void whatWasFinishedIsTakenAndTheRestIsGenerated() throws IOException {
    List<Rollout.Shard> first = shards(rollout(1), kept);
    assertThat(generated(first)).isEqualTo(3);    // five prompts, two a shard
    assertThat(files()).hasSize(3);
    Files.delete(files().get(1));                 // in flight when the process died
    List<Rollout.Shard> again = shards(rollout(1), kept);
    assertThat(generated(again)).isEqualTo(1);
    assertThat(digest(again)).isEqualTo(digest(first))
        .isEqualTo(digest(rollout(1).over(TestSession.spark(), prompts, 1).collect()));
    for (int i = 0; i < first.size(); i++) {
      Rollout.Tally before = first.get(i).tally();
      Rollout.Tally after = again.get(i).tally();
      assertThat(List.of(after.shard(), after.completions(), after.tokens(), after.longest(), after.truncated(),
          after.entropy(), after.rejects())).isEqualTo(List.of(before.shard(), before.completions(), before.tokens(),
          before.longest(), before.truncated(), before.entropy(), before.rejects()));
    }
    kept.delete();
    assertThat(folder).doesNotExist();
    assertThat(generated(shards(rollout(1), kept))).isEqualTo(3);
  }

  @Test
  void anotherSeedPolicyOrCodeFindsNothing() {
    shards(rollout(1), kept);
    assertThat(generated(shards(rollout(2), kept))).isEqualTo(3);
    assertThat(generated(shards(rollout(1), new KeptShards(folder.toString(), "newer code")))).isEqualTo(3);
    PolicyHandle other = TinyPolicies.handle(TinyPolicies.checkpoint(4));
    Rollout same = rollout(1);
    assertThat(generated(shards(new Rollout(other, same.sampling(), 3, "run", 1, 0, 0), kept))).isEqualTo(3);
    assertThat(generated(shards(rollout(1), kept))).isZero();
  }

  @Test
  void aDamagedFileIsGeneratedAgain() throws IOException {
    String digest = digest(shards(rollout(1), kept));
    Path cut = files().get(0);
    byte[] all = Files.readAllBytes(cut);
    Files.write(cut, java.util.Arrays.copyOf(all, all.length / 2));
    Path flipped = files().get(1);
    byte[] bytes = Files.readAllBytes(flipped);
    bytes[bytes.length / 2] ^= 1;
    Files.write(flipped, bytes);
    Path empty = files().get(2);
    Files.write(empty, new byte[0]);
    for (Path file : List.of(cut, flipped, empty)) {    // as if the file system did not notice
      Files.deleteIfExists(file.resolveSibling("." + file.getFileName() + ".crc"));
    }
    List<Rollout.Shard> again = shards(rollout(1), kept);
    assertThat(generated(again)).isEqualTo(3);
    assertThat(digest(again)).isEqualTo(digest);
    assertThat(generated(shards(rollout(1), kept))).as("the damaged ones are replaced").isZero();
  }

  @Test
  void rejectsAreKeptToo() {
    List<Row> tooLong = List.of(prompt("1+".repeat(400) + "1="), prompt("1+1="));
    Rollout rollout = rollout(1);
    Rollout.Shard first = rollout.over(TestSession.spark(), tooLong, 1, kept).first();
    Rollout.Shard again = rollout.over(TestSession.spark(), tooLong, 1, kept).first();
    assertThat(first.rejects()).hasSize(1);
    assertThat(again.tally().kept()).isTrue();
    assertThat(Digest.of(again.rejects(), Rejects.TABLE)).isEqualTo(Digest.of(first.rejects(), Rejects.TABLE));
    assertThat(again.rollouts()).hasSize(3);
  }
}
