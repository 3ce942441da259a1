package alluvium.spark;

import alluvium.policies.Example;
import alluvium.rewards.CompletionReward;
import alluvium.rewards.ReferenceReward;
import alluvium.rewards.Reward;
import alluvium.rewards.Sample;
import alluvium.rewards.TimeLimit;
import alluvium.rewards.Verdict;
import alluvium.tables.DataException;
import alluvium.tables.Field;
import alluvium.tables.Prompts;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Row;

/**
 * Lifts reward functions over rows: rollouts and their prompts in, one row per completion and reward out. Rows are
 * judged one
 * by one, so partitions do not matter.
 *
 * @param rewards by their keys in the recipe
 * @param reference none, or the policy that per-token rewards compare with
 * @param temperature of the log-probabilities
 * @param limit of the wall time of one call of a reward of completions
 */
public record Verdicts(Map<String, Reward> rewards, List<PolicyHandle> reference, double temperature, TimeLimit limit)
    implements Serializable {

  public Verdicts {
    rewards = new TreeMap<>(rewards);
    reference = new ArrayList<>(reference);
  }

  /**
   * The rewards of rollouts, not yet computed.
   *
   * @param rollouts rows of the table of rollouts
   * @param prompts rows of the table of prompts, those of the rollouts among them
   */
  public JavaRDD<Row> over(JavaRDD<Row> rollouts, List<Row> prompts) {
    Map<String, Row> byId = new HashMap<>();
    prompts.forEach(prompt -> byId.put(Prompts.PROMPT_ID.of(prompt), prompt));
    Broadcast<Map<String, Row>> tasks = JavaSparkContext.fromSparkContext(rollouts.context()).broadcast(byId);
    return rollouts.flatMap(row -> verdicts(row, tasks.value()).iterator());
  }

  private List<Row> verdicts(Row rollout, Map<String, Row> tasks) {
    Row task = tasks.get(Rollouts.PROMPT_ID.<String>of(rollout));
    if (task == null) {
      throw new DataException("prompts: %s, of which rollouts has completions, is not there. Ingest its source again.",
          Rollouts.PROMPT_ID.<String>of(rollout));
    }
    List<Row> verdicts = new ArrayList<>();
    rewards.forEach((name, reward) -> verdicts.add(verdict(name, reward, rollout, task)));
    return verdicts;
  }

  private Row verdict(String name, Reward reward, Row rollout, Row task) {
    long start = System.nanoTime();
    Map<Field, Object> values = new HashMap<>();
    Verdict verdict;
    if (reward instanceof ReferenceReward comparing) {
      double[] tokens = tokenValues(comparing, rollout);
      verdict = Verdict.ok(Arrays.stream(tokens).sum(), "");
      values.put(Rewards.TOKEN_VALUES, tokens);
    } else {
      verdict = limit.verdict((CompletionReward) reward, sample(rollout, task));
    }
    values.put(Rewards.MILLIS, (System.nanoTime() - start) / 1_000_000);
    for (Field key : List.of(Rewards.RUN_ID, Rewards.ITERATION, Rewards.WAVE, Rewards.PROMPT_ID, Rewards.GROUP_ID,
        Rewards.SAMPLE)) {
      values.put(key, key.of(rollout));
    }
    values.put(Rewards.NAME, name);
    values.put(Rewards.STATUS, verdict.status().column());
    values.put(Rewards.FUNCTION, reward.toString());
    if (Double.isFinite(verdict.value())) {
      values.put(Rewards.VALUE, verdict.value());
    } else {
      values.remove(Rewards.TOKEN_VALUES);
    }
    if (!verdict.message().isEmpty()) {
      values.put(Rewards.MESSAGE, verdict.message());
    }
    return Rewards.TABLE.row(values);
  }

  /** One completion at a time, so that what is computed does not depend on neighbours. */
  private double[] tokenValues(ReferenceReward reward, Row rollout) {
    float[] sampled = Rollouts.LOGP.floats(rollout);
    Example example = new Example(Rollouts.PROMPT_ID.of(rollout), Rollouts.PROMPT_TOKENS.ints(rollout),
        Rollouts.TOKENS.ints(rollout), sampled, new float[0], new float[0], new float[0]);
    float[] logp = reference.get(0).with(p -> p.logProbs(List.of(example), temperature, 1).get(0));
    return reward.values(doubles(sampled), doubles(logp));
  }

  private static double[] doubles(float[] values) {
    double[] result = new double[values.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = values[i];
    }
    return result;
  }

  private static Sample sample(Row rollout, Row task) {
    String answer = Prompts.ANSWER.absentIn(task) ? "" : Prompts.ANSWER.of(task);
    Map<String, String> metadata = task.getJavaMap(task.fieldIndex(Prompts.METADATA.name()));
    return new Sample(Prompting.text(task), Rollouts.TEXT.of(rollout), answer, Rollouts.TOKENS.ints(rollout).length,
        "length".equals(Rollouts.FINISH_REASON.of(rollout)), metadata);
  }
}
