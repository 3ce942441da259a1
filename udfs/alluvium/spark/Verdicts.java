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
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;

/**
 * Lifts reward functions over rows: rollouts and their prompts in, one row per completion and reward out. Rows are
 * judged one by one, so partitions do not matter, nor how a completion's prompt came to it.
 *
 * @param rewards by their keys in the recipe
 * @param reference none, or the policy that per-token rewards compare with
 * @param temperature of the log-probabilities
 * @param limit of the wall time of one call of a reward of completions
 */
public record Verdicts(Map<String, Reward> rewards, List<PolicyHandle> reference, double temperature, TimeLimit limit)
    implements Serializable {
  private static final List<Field> KEYS = List.of(Rewards.RUN_ID, Rewards.ITERATION, Rewards.WAVE, Rewards.PROMPT_ID,
      Rewards.GROUP_ID, Rewards.SAMPLE);
  private static final long BROADCAST_BYTES = 16L << 20;    // as files hold them; several times that in memory
  private static final String TASK_ID = "alluvium_task_id";
  private static final String TASK = "alluvium_task";

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
    JavaRDD<Row> verdicts = rollouts.flatMap(row -> verdicts(row,
        Optional.ofNullable(tasks.value().get(Rollouts.PROMPT_ID.<String>of(row)))).iterator());
    return rewards.values().stream().anyMatch(ReferenceReward.class::isInstance) ? GpuStages.apart(verdicts) : verdicts;
  }

  /**
   * The same of tables of any size. Prompts of few bytes are sent to every executor; else both tables are shuffled by
   * the prompt's id and joined, on disk where memory is short. Nothing is kept.
   *
   * @param slices Spark partitions at least; more where the tables are large
   */
  public JavaRDD<Row> over(Dataset<Row> rollouts, Dataset<Row> prompts, int slices) {
    scala.math.BigInt bytes = prompts.queryExecution().optimizedPlan().stats().sizeInBytes();
    boolean few = bytes.isValidLong() && bytes.toLong() <= BROADCAST_BYTES;
    return few ? sent(rollouts, prompts) : shuffled(rollouts, prompts, slices);
  }

  JavaRDD<Row> sent(Dataset<Row> rollouts, Dataset<Row> prompts) {
    return joined(rollouts.select(columns()), functions.broadcast(tasks(prompts)));
  }

  JavaRDD<Row> shuffled(Dataset<Row> rollouts, Dataset<Row> prompts, int slices) {
    Dataset<Row> completions = rollouts.select(columns());
    Dataset<Row> tasks = tasks(prompts);
    int partitions = Buckets.slices(slices, completions, tasks);
    return joined(completions.repartition(partitions, Rollouts.PROMPT_ID.col()),
        tasks.repartition(partitions, new Column(TASK_ID)).hint("merge"));
  }

  private JavaRDD<Row> joined(Dataset<Row> completions, Dataset<Row> tasks) {
    Verdicts verdicts = this;
    return completions.join(tasks, Rollouts.PROMPT_ID.col().equalTo(new Column(TASK_ID)), "left_outer").javaRDD()
        .flatMap(row -> {
          int task = row.fieldIndex(TASK);
          return verdicts.verdicts(row, row.isNullAt(task) ? Optional.empty() : Optional.of(row.getStruct(task)))
              .iterator();
        });
  }

  /** Of a rollout what rewards look at: token probabilities only where a policy is asked. */
  private Column[] columns() {
    List<Field> fields = new ArrayList<>(KEYS);
    fields.addAll(List.of(Rollouts.TEXT, Rollouts.TOKENS, Rollouts.FINISH_REASON));
    if (rewards.values().stream().anyMatch(ReferenceReward.class::isInstance)) {
      fields.addAll(List.of(Rollouts.PROMPT_TOKENS, Rollouts.LOGP));
    }
    return fields.stream().map(Field::col).toArray(Column[]::new);
  }

  private static Dataset<Row> tasks(Dataset<Row> prompts) {
    Column[] asked = Stream.of(Prompts.PROMPT_ID, Prompts.TEXT, Prompts.MESSAGES, Prompts.ANSWER, Prompts.METADATA)
        .map(Field::col).toArray(Column[]::new);
    return prompts.select(Prompts.PROMPT_ID.col().as(TASK_ID), functions.struct(asked).as(TASK));
  }

  private List<Row> verdicts(Row rollout, Optional<Row> known) {
    Row task = known.orElseThrow(() -> new DataException(
        "prompts: task %s is not there. Ingest its source again, or name its source.",
        Rollouts.PROMPT_ID.<String>of(rollout)));
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
    for (Field key : KEYS) {
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
    return new Sample(Prompting.text(task), Rollouts.TEXT.of(rollout), answer, Rollouts.TOKENS.size(rollout),
        "length".equals(Rollouts.FINISH_REASON.of(rollout)), metadata);
  }
}
