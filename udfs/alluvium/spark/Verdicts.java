package alluvium.spark;

import static alluvium.tables.Field.STRING;
import static alluvium.tables.Field.optional;

import alluvium.policies.Example;
import alluvium.rewards.CompletionReward;
import alluvium.rewards.Guarded;
import alluvium.rewards.ReferenceReward;
import alluvium.rewards.Reward;
import alluvium.rewards.Sample;
import alluvium.rewards.Verdict;
import alluvium.tables.Field;
import alluvium.tables.Prompts;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;

/**
 * Lifts reward functions over rows: rollouts joined with their prompts in, one row per completion and reward out. Rows are
 * judged one by one, so partitions do not matter.
 *
 * @param rewards by their keys in the recipe
 * @param reference none, or the policy that per-token rewards compare with
 * @param temperature of the log-probabilities
 */
public record Verdicts(Map<String, Reward> rewards, List<PolicyHandle> reference, double temperature)
    implements FlatMapFunction<Row, Row> {
  private static final Field TASK_TEXT = optional("task_text", STRING, "text of the prompt");

  public Verdicts {
    rewards = new TreeMap<>(rewards);
    reference = new ArrayList<>(reference);
  }

  /** The rewards of rollouts; every rollout's prompt is among the prompts, and others may be. */
  public Dataset<Row> over(Dataset<Row> rollouts, Dataset<Row> prompts) {
    Dataset<Row> tasks = prompts.select(Prompts.PROMPT_ID.col(), Prompts.TEXT.col().as(TASK_TEXT.name()),
        Prompts.MESSAGES.col(), Prompts.ANSWER.col(), Prompts.METADATA.col());
    return rollouts.join(tasks, Rollouts.PROMPT_ID.name()).flatMap(this, Encoders.row(Rewards.TABLE.schema()));
  }

  @Override
  public Iterator<Row> call(Row row) {
    List<Row> verdicts = new ArrayList<>();
    rewards.forEach((name, reward) -> verdicts.add(verdict(name, reward, row)));
    return verdicts.iterator();
  }

  private Row verdict(String name, Reward reward, Row row) {
    long start = System.nanoTime();
    double[] tokens = new double[0];
    Verdict verdict;
    if (reward instanceof ReferenceReward comparing) {
      tokens = tokenValues(comparing, row);
      verdict = Verdict.ok(Arrays.stream(tokens).sum(), "");
    } else {
      verdict = Guarded.verdict((CompletionReward) reward, sample(row));
    }
    long millis = (System.nanoTime() - start) / 1_000_000;
    boolean ok = Double.isFinite(verdict.value());
    Map<Field, Object> values = new HashMap<>();
    for (Field key : List.of(Rewards.RUN_ID, Rewards.ITERATION, Rewards.WAVE, Rewards.PROMPT_ID, Rewards.GROUP_ID,
        Rewards.SAMPLE)) {
      values.put(key, key.of(row));
    }
    values.put(Rewards.NAME, name);
    values.put(Rewards.STATUS, verdict.status().column());
    values.put(Rewards.MILLIS, millis);
    values.put(Rewards.FUNCTION, reward.toString());
    if (ok) {
      values.put(Rewards.VALUE, verdict.value());
    }
    if (ok && reward instanceof ReferenceReward) {
      values.put(Rewards.TOKEN_VALUES, tokens);
    }
    if (!verdict.message().isEmpty()) {
      values.put(Rewards.MESSAGE, verdict.message());
    }
    return Rewards.TABLE.row(values);
  }

  private double[] tokenValues(ReferenceReward reward, Row row) {
    int[] completion = Rollouts.TOKENS.ints(row);
    float[] sampled = Rollouts.LOGP.floats(row);
    Example example = new Example(row.toString(), Rollouts.PROMPT_TOKENS.ints(row), completion, sampled, new float[0],
        new float[0], new float[0]);
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

  private static Sample sample(Row row) {
    String answer = Prompts.ANSWER.absentIn(row) ? "" : Prompts.ANSWER.of(row);
    Map<String, String> metadata = row.getJavaMap(row.fieldIndex(Prompts.METADATA.name()));
    String prompt = Prompts.MESSAGES.absentIn(row) ? TASK_TEXT.of(row) : Prompting.text(row);
    return new Sample(prompt, Rollouts.TEXT.of(row), answer, Rollouts.TOKENS.ints(row).length,
        "length".equals(Rollouts.FINISH_REASON.of(row)), metadata);
  }
}
