package alluvium.spark;

import alluvium.policies.Completion;
import alluvium.policies.Policy;
import alluvium.policies.Tokenizer;
import alluvium.rollouts.KeyedSeed;
import alluvium.rollouts.Sampling;
import alluvium.tables.Prompts;
import alluvium.tables.Rejects;
import alluvium.tables.Rollouts;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Lifts generation over rows: shards of prompts in, rows of rollouts out. A shard is one batch on one executor, so
 * what it
 * yields depends on its prompts, the policy and the seeds alone.
 *
 * @param policy that samples
 * @param sampling how to draw
 * @param samples completions per prompt
 * @param runId of the rows
 * @param seed of the run
 * @param iteration of the rows
 * @param wave of the rows
 */
public record Rollout(PolicyHandle policy, Sampling sampling, int samples, String runId, long seed, int iteration,
    int wave) implements Serializable {
  private static final String STOPPED = "stop";

  /** What became of one shard. */
  public record Shard(List<Row> rollouts, List<Row> rejects, Tally tally) implements Serializable {}

  /**
   * Sums over completions, in the order of shards.
   *
   * @param entropy nats, summed over tokens
   * @param span in which it was generated, or read
   * @param kept whether it was taken from what an earlier process kept
   */
  public record Tally(int shard, long completions, long tokens, int longest, long truncated, double entropy,
      long rejects, Span span, boolean kept) implements Serializable {}

  /**
   * One element per shard, not yet computed: persist it before using it twice.
   *
   * @param prompts rows of the table of prompts, in the order in which shards are cut
   * @param slices Spark partitions at most; any number gives the same rows
   */
  public JavaRDD<Shard> over(SparkSession spark, List<Row> prompts, int slices) {
    Rollout rollout = this;
    return GpuStages.apart(work(spark, prompts, slices).map(w -> rollout.shard(w.shard(), w.prompts())));
  }

  /** Likewise, but a shard that was kept is taken from there, and one that is generated is kept. */
  public JavaRDD<Shard> over(SparkSession spark, List<Row> prompts, int slices, KeptShards kept) {
    Rollout rollout = this;
    return GpuStages.apart(work(spark, prompts, slices).map(w -> rollout.shard(w.shard(), w.prompts(), kept)));
  }

  private JavaRDD<Work> work(SparkSession spark, List<Row> prompts, int slices) {
    List<Work> work = new ArrayList<>();
    for (int from = 0; from < prompts.size(); from += sampling.shardPrompts()) {
      work.add(new Work(work.size(),
          new ArrayList<>(prompts.subList(from, Math.min(prompts.size(), from + sampling.shardPrompts())))));
    }
    return JavaSparkContext.fromSparkContext(spark.sparkContext())
        .parallelize(work, Math.max(1, Math.min(slices, work.size())));
  }

  private record Work(int shard, List<Row> prompts) implements Serializable {}

  /** Takes a shard that was kept, or generates it and keeps it. */
  Shard shard(int shard, List<Row> prompts, KeptShards kept) {
    String key = kept.key(String.join("\n", policy.version(), sampling.toString(), String.valueOf(samples), runId,
        String.valueOf(seed), String.valueOf(iteration), String.valueOf(wave),
        prompts.stream().map(Prompts.PROMPT_ID::<String>of).toList().toString()));
    long start = Span.now();
    return kept.read(shard, key).map(rows -> new Shard(rows.rollouts(), rows.rejects(),
        tally(shard, rows.rollouts(), rows.rejects().size(), new Span(start, Span.now()), true))).orElseGet(() -> {
          Shard made = shard(shard, prompts);
          kept.write(shard, key, new KeptShards.Rows(made.rollouts(), made.rejects()));
          return made;
        });
  }

  /** Generates one shard. */
  Shard shard(int shard, List<Row> prompts) {
    return policy.withTokenizer(tokenizer -> policy.with(loaded -> shard(shard, prompts, loaded, tokenizer)));
  }

  private Shard shard(int shard, List<Row> prompts, Policy loaded, Tokenizer tokenizer) {
    long start = Span.now();
    List<Row> rejects = new ArrayList<>();
    List<Row> kept = new ArrayList<>();
    List<int[]> ids = new ArrayList<>();
    int room = loaded.config().maxPositions() - sampling.maxTokens();
    for (Row prompt : prompts) {
      int[] tokens = Prompting.ids(prompt, tokenizer);
      String reason = tokens.length == 0 ? "the prompt has no tokens"
          : tokens.length > room
          ? String.format("the prompt has %d tokens; the context of %d leaves %d beside %d new ones",
              tokens.length, loaded.config().maxPositions(), Math.max(0, room), sampling.maxTokens()) : "";
      if (reason.isEmpty()) {
        kept.add(prompt);
        ids.add(tokens);
      } else {
        rejects.add(reject(prompt, reason));
      }
    }
    List<Row> rows = new ArrayList<>();
    if (!kept.isEmpty()) {
      long[][] seeds = new long[kept.size()][samples];
      for (int i = 0; i < kept.size(); i++) {
        for (int s = 0; s < samples; s++) {
          seeds[i][s] = KeyedSeed.of(seed, iteration, Prompts.PROMPT_ID.of(kept.get(i)), s);
        }
      }
      List<Completion> completions = loaded.generate(ids, seeds, sampling, tokenizer::decode);
      for (int i = 0; i < completions.size(); i++) {
        int p = i / samples;
        rows.add(row(shard, kept.get(p), ids.get(p), i % samples, seeds[p][i % samples], completions.get(i),
            tokenizer));
      }
    }
    return new Shard(rows, rejects, tally(shard, rows, rejects.size(), new Span(start, Span.now()), false));
  }

  private static Tally tally(int shard, List<Row> rollouts, long rejects, Span span, boolean kept) {
    long tokens = 0;
    int longest = 0;
    long truncated = 0;
    double entropy = 0;
    for (Row row : rollouts) {
      int length = Rollouts.TOKENS.size(row);
      tokens += length;
      longest = Math.max(longest, length);
      truncated += Rollouts.FINISH_REASON.of(row).equals(STOPPED) ? 0 : 1;
      for (float nats : Rollouts.ENTROPIES.floats(row)) {
        entropy += nats;
      }
    }
    return new Tally(shard, rollouts.size(), tokens, longest, truncated, entropy, rejects, span, kept);
  }

  private Row row(int shard, Row prompt, int[] ids, int sample, long start, Completion completion,
      Tokenizer tokenizer) {
    Map<alluvium.tables.Field, Object> values = new HashMap<>();
    values.put(Rollouts.RUN_ID, runId);
    values.put(Rollouts.ITERATION, iteration);
    values.put(Rollouts.WAVE, wave);
    values.put(Rollouts.SHARD, shard);
    values.put(Rollouts.PROMPT_ID, Prompts.PROMPT_ID.of(prompt));
    values.put(Rollouts.GROUP_ID, Prompts.PROMPT_ID.of(prompt));
    values.put(Rollouts.SAMPLE, sample);
    values.put(Rollouts.POLICY_VERSION, policy.version());
    values.put(Rollouts.PROMPT_TOKENS, ids);
    values.put(Rollouts.TOKENS, completion.tokens());
    values.put(Rollouts.LOGP, completion.logp());
    values.put(Rollouts.ENTROPIES, completion.entropies());
    values.put(Rollouts.FINISH_REASON, completion.stopped() ? STOPPED : "length");
    values.put(Rollouts.SEED, start);
    values.put(Rollouts.TEXT, tokenizer.decode(completion.tokens()));
    values.put(Rollouts.REPLAYED, false);
    return Rollouts.TABLE.row(values);
  }

  private Row reject(Row prompt, String reason) {
    String raw = prompt.toString();
    String id = Prompts.PROMPT_ID.of(prompt);
    return Rejects.TABLE.row(Map.of(Rejects.SOURCE, Prompts.SOURCE.of(prompt), Rejects.STAGE, "generate",
        Rejects.KEY, id, Rejects.REASON, reason, Rejects.RAW, raw.substring(0, Math.min(raw.length(), 2000))));
  }
}
