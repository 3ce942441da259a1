package alluvium.spark;

import static org.assertj.core.api.Assertions.assertThat;

import alluvium.policies.Example;
import alluvium.rollouts.KeyedSeed;
import alluvium.rollouts.Sampling;
import alluvium.tables.Rejects;
import alluvium.tables.Rollouts;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;

class RolloutTest {
  private static final int SAMPLES = 3;
  private static final long SEED = 7;

  private final SparkSession spark = TestSession.spark();
  private final PolicyHandle policy = TinyPolicies.handle(TinyPolicies.checkpoint(1));
  private final List<Row> prompts = Rows.prompts("0+0=", "0+1=", "1+0+1=", "2+0=", "0+0+0+1=");

  private static Sampling sampling(int maxTokens, String... stop) {
    return new Sampling(maxTokens, 1, 0, 1, 0, List.of(stop), List.of(), 2);
  }

  private Rollout rollout(Sampling sampling) {
    return new Rollout(policy, sampling, SAMPLES, Rows.RUN, SEED, 4, 1);
  }

  private List<Row> rows(Rollout rollout, int slices) {
    return rollout.over(spark, prompts, slices).flatMap(s -> s.rollouts().iterator()).collect();
  }

  @Test
  void slicesDoNotMatter() {
    Rollout rollout = rollout(sampling(5));
    Set<String> digests = new HashSet<>();
    for (int slices : Rows.SLICES) {
      digests.add(Digest.of(rows(rollout, slices), Rollouts.TABLE).text());
    }
    assertThat(digests).hasSize(1);
    assertThat(Digest.of(rows(new Rollout(policy, sampling(5), SAMPLES, Rows.RUN, SEED + 1, 4, 1), 2), Rollouts.TABLE)
        .text()).isNotIn(digests);
  }

  @Test
  void whatARowHolds() {
    List<Row> rows = rows(rollout(sampling(5)), 2);
    assertThat(rows).hasSize(prompts.size() * SAMPLES);
    for (Row row : rows) {
      String id = Rollouts.PROMPT_ID.of(row);
      int[] tokens = Rollouts.TOKENS.ints(row);
      int index = List.of("0+0=", "0+1=", "1+0+1=", "2+0=", "0+0+0+1=").indexOf(id);
      assertThat(Rollouts.GROUP_ID.<String>of(row)).isEqualTo(id);
      assertThat(Rollouts.SHARD.<Integer>of(row)).isEqualTo(index / 2);
      assertThat(Rollouts.ITERATION.<Integer>of(row)).isEqualTo(4);
      assertThat(Rollouts.WAVE.<Integer>of(row)).isEqualTo(1);
      assertThat(Rollouts.POLICY_VERSION.<String>of(row)).isEqualTo(policy.version());
      assertThat(Rollouts.SEED.<Long>of(row)).isEqualTo(KeyedSeed.of(SEED, 4, id, Rollouts.SAMPLE.of(row)));
      assertThat(Rollouts.PROMPT_TOKENS.ints(row)).isEqualTo(policy.<int[]>withTokenizer(t -> t.encode(id)));
      assertThat(Rollouts.TEXT.<String>of(row)).isEqualTo(policy.<String>withTokenizer(t -> t.decode(tokens)));
      assertThat(tokens.length).isBetween(1, 5);
      boolean ended = tokens[tokens.length - 1] == TinyPolicies.EOS;
      assertThat(Rollouts.FINISH_REASON.<String>of(row)).isEqualTo(ended ? "stop" : "length");
      assertThat(ended || tokens.length == 5).isTrue();
      float[] logp = policy.with(p -> p.logProbs(List.of(new Example(id, Rollouts.PROMPT_TOKENS.ints(row), tokens,
          new float[0], new float[0], new float[0], new float[0])), 1, 1)).get(0);
      assertThat(Rollouts.LOGP.floats(row)).containsExactly(logp, org.assertj.core.data.Offset.offset(1e-4f));
      assertThat(Rollouts.ENTROPIES.size(row)).isEqualTo(tokens.length);
    }
    assertThat(Rows.distinct(rows, Rollouts.SAMPLE)).containsExactly("0", "1", "2");
  }

  @Test
  void tallyCountsItsShard() {
    for (Rollout.Shard shard : rollout(sampling(5)).over(spark, prompts, 2).collect()) {
      long tokens = shard.rollouts().stream().mapToLong(Rollouts.TOKENS::size).sum();
      int longest = shard.rollouts().stream().mapToInt(Rollouts.TOKENS::size).max().orElseThrow();
      long cut = shard.rollouts().stream().filter(r -> Rollouts.FINISH_REASON.of(r).equals("length")).count();
      assertThat(shard.tally().completions()).isEqualTo(shard.rollouts().size());
      assertThat(shard.tally().tokens()).isEqualTo(tokens);
      assertThat(shard.tally().longest()).isEqualTo(longest);
      assertThat(shard.tally().truncated()).isEqualTo(cut);
      assertThat(shard.tally().entropy() / tokens).isBetween(1.5, Math.log(TinyPolicies.CHARACTERS.length() + 3)
          + 1e-6);
    }
  }

  @Test
  void promptsWithoutRoomAreRefusedAndTheOthersGenerated() {
    List<Row> mixed = new ArrayList<>(Rows.prompts("0+0=", "0+".repeat(10) + "1=", "1+1=", "0+".repeat(9) + "1="));
    List<Rollout.Shard> shards = rollout(sampling(4)).over(spark, mixed, 7).collect();
    List<Row> kept = shards.stream().flatMap(s -> s.rollouts().stream()).toList();
    List<Row> refused = shards.stream().flatMap(s -> s.rejects().stream()).toList();
    assertThat(Rows.distinct(kept, Rollouts.PROMPT_ID)).containsExactly("0+".repeat(9) + "1=", "0+0=", "1+1=");
    assertThat(refused).hasSize(1);
    assertThat(Rejects.KEY.<String>of(refused.get(0))).isEqualTo("0+".repeat(10) + "1=");
    assertThat(Rejects.STAGE.<String>of(refused.get(0))).isEqualTo("generate");
    assertThat(Rejects.REASON.<String>of(refused.get(0)))
        .isEqualTo("the prompt has 22 tokens; the context of 24 leaves 20 beside 4 new ones");
    assertThat(shards.stream().mapToLong(s -> s.tally().rejects()).sum()).isEqualTo(1);
  }

  @Test
  void aShardOfWhichEverythingIsRefusedIsEmpty() {
    List<Row> all = List.of(Rows.prompt("", "0"), Rows.prompt("0+".repeat(12), "0"));
    Rollout.Shard shard = rollout(sampling(24)).over(spark, all, 1).first();
    assertThat(shard.rollouts()).isEmpty();
    assertThat(shard.rejects()).extracting(r -> Rejects.REASON.<String>of(r))
        .containsExactly("the prompt has no tokens",
        "the prompt has 24 tokens; the context of 24 leaves 0 beside 24 new ones");
    assertThat(shard.tally().tokens()).isZero();
  }

  @Test
  void stopStringsEndACompletion() {
    List<Row> rows = rows(rollout(sampling(8, "+", "2")), 2);
    assertThat(rows).anyMatch(r -> Rollouts.TEXT.<String>of(r).matches("[^+2]*[+2]"));
    for (Row row : rows) {
      String text = Rollouts.TEXT.of(row);
      assertThat(text.substring(0, Math.max(0, text.length() - 1))).doesNotContain("+", "2");
      boolean stopped = text.endsWith("+") || text.endsWith("2")
          || Rollouts.TOKENS.ints(row)[Rollouts.TOKENS.size(row) - 1] == TinyPolicies.EOS;
      assertThat(Rollouts.FINISH_REASON.<String>of(row)).isEqualTo(stopped ? "stop" : "length");
    }
  }

  @Test
  void oneTokenIsACompletion() {
    List<Row> rows = rows(rollout(sampling(1)), 2);
    assertThat(rows).hasSize(prompts.size() * SAMPLES).allMatch(r -> Rollouts.TOKENS.size(r) == 1);
  }

  @Test
  void tasksOfOneJvmLoadAPolicyOnceAndLeaveNothingBehind() {
    PolicyHandle fresh = TinyPolicies.handle(TinyPolicies.checkpoint(99));
    Rollout rollout = new Rollout(fresh, sampling(5, "+"), SAMPLES, Rows.RUN, SEED, 0, 0);
    long before = PolicyHandle.loads();
    rollout.over(spark, prompts, 3).collect();
    assertThat(PolicyHandle.loads() - before).isEqualTo(1);
    int arrays = fresh.with(p -> p.managedArrays());
    for (int i = 0; i < 5; i++) {
      rollout.over(spark, prompts, 3).collect();
    }
    assertThat(fresh.<Integer>with(p -> p.managedArrays())).isEqualTo(arrays);
    assertThat(PolicyHandle.loads() - before).isEqualTo(1);
  }
}
