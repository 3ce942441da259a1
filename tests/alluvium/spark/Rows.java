package alluvium.spark;

import alluvium.prompts.Split;
import alluvium.rollouts.KeyedSeed;
import alluvium.tables.Field;
import alluvium.tables.Prompts;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import alluvium.tables.Table;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/** Rows for the tests of adapters, and how they are laid out in partitions. */
public final class Rows {
  public static final int[] SLICES = {1, 2, 7};
  static final String RUN = "a";

  private Rows() {}

  /** A task whose id is its text. */
  static Row prompt(String text, String answer) {
    return Prompts.TABLE.row(Map.of(Prompts.PROMPT_ID, text, Prompts.SOURCE, "sums", Prompts.SPLIT, Split.TRAIN,
        Prompts.TEXT, text, Prompts.ANSWER, answer, Prompts.METADATA, Map.of("kind", "sum")));
  }

  static List<Row> prompts(String... sums) {
    List<Row> rows = new ArrayList<>();
    for (String sum : sums) {
      rows.add(prompt(sum, String.valueOf(sum.chars().filter(Character::isDigit).map(c -> c - '0').sum())));
    }
    return rows;
  }

  static Row reward(String group, int sample, String name, double value) {
    Map<Field, Object> values = judged(group, sample, name);
    values.put(Rewards.STATUS, "ok");
    values.put(Rewards.VALUE, value);
    return Rewards.TABLE.row(values);
  }

  static Row failed(String group, int sample, String name) {
    Map<Field, Object> values = judged(group, sample, name);
    values.put(Rewards.STATUS, "error");
    values.put(Rewards.MESSAGE, "IllegalStateException: broken");
    return Rewards.TABLE.row(values);
  }

  static Row ofTokens(String group, int sample, String name, double... each) {
    Map<Field, Object> values = judged(group, sample, name);
    values.put(Rewards.STATUS, "ok");
    values.put(Rewards.VALUE, Arrays.stream(each).sum());
    values.put(Rewards.TOKEN_VALUES, each);
    return Rewards.TABLE.row(values);
  }

  private static Map<Field, Object> judged(String group, int sample, String name) {
    return new HashMap<>(Map.of(Rewards.RUN_ID, RUN, Rewards.ITERATION, 0, Rewards.WAVE, 0, Rewards.PROMPT_ID, group,
        Rewards.GROUP_ID, group, Rewards.SAMPLE, sample, Rewards.NAME, name, Rewards.MILLIS, 0L, Rewards.FUNCTION,
        "f"));
  }

  /** A completion without a policy behind it. */
  static Row rollout(String group, int sample, int... tokens) {
    return Rollouts.TABLE.row(rolledOut(group, sample, tokens));
  }

  static Map<Field, Object> rolledOut(String group, int sample, int... tokens) {
    return new HashMap<>(Map.ofEntries(Map.entry(Rollouts.RUN_ID, RUN), Map.entry(Rollouts.ITERATION, 0),
        Map.entry(Rollouts.WAVE, 0), Map.entry(Rollouts.SHARD, 0), Map.entry(Rollouts.PROMPT_ID, group),
        Map.entry(Rollouts.GROUP_ID, group), Map.entry(Rollouts.SAMPLE, sample), Map.entry(Rollouts.POLICY_VERSION,
        "v"),
        Map.entry(Rollouts.PROMPT_TOKENS, new int[] {3, 4}), Map.entry(Rollouts.TOKENS, tokens),
        Map.entry(Rollouts.LOGP, new float[tokens.length]), Map.entry(Rollouts.FINISH_REASON, "stop"),
        Map.entry(Rollouts.SEED, 0L), Map.entry(Rollouts.TEXT, ""), Map.entry(Rollouts.REPLAYED, false)));
  }

  /** The rows in an order that the number of slices decides, in so many partitions. */
  static JavaRDD<Row> in(int slices, List<Row> rows) {
    List<Row> shuffled = new ArrayList<>(rows);
    shuffled.sort(Comparator.comparingLong(row -> KeyedSeed.of(slices, row.toString())));
    return JavaSparkContext.fromSparkContext(TestSession.spark().sparkContext()).parallelize(shuffled, slices);
  }

  /** The same as a table. */
  static Dataset<Row> table(int slices, List<Row> rows, Table table) {
    return TestSession.spark().createDataFrame(in(slices, rows), table.schema());
  }

  /**
   * The rows of rollouts that a rollout makes. Not a test's own: a class cannot deserialize its lambdas while it
   * starts.
   */
  static List<Row> generated(Rollout rollout, List<Row> prompts) {
    return rollout.over(TestSession.spark(), prompts, 2).flatMap(s -> s.rollouts().iterator()).collect();
  }

  static String digest(JavaRDD<Row> rows, Table table) {
    return Digest.of(rows.collect(), table).text();
  }

  /** The values of a column, sorted, once each. */
  public static TreeSet<String> distinct(List<Row> rows, Field column) {
    TreeSet<String> values = new TreeSet<>();
    rows.forEach(row -> values.add(String.valueOf(column.<Object>of(row))));
    return values;
  }
}
