package alluvium.spark;

import static alluvium.tables.Field.DOUBLE;
import static alluvium.tables.Field.INT;
import static alluvium.tables.Field.LONG;
import static alluvium.tables.Field.STRING;
import static alluvium.tables.Field.required;

import alluvium.advantages.AdvantageEstimator;
import alluvium.advantages.Moments;
import alluvium.advantages.TokenAdvantage;
import alluvium.rewards.Aggregation;
import alluvium.selections.Selection;
import alluvium.tables.Advantages;
import alluvium.tables.Field;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import alluvium.tables.Table;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.spark.api.java.function.FlatMapGroupsFunction;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.api.java.function.MapGroupsFunction;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.KeyValueGroupedDataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;

/**
 * Lifts selection, aggregation and advantage estimation over rows: rewards in, one row per completion out, with its credit
 * or the reason why it does not train. Groups are computed apart; what an estimator asks of the whole batch is folded over
 * the groups in the order of their keys, so partitions do not matter.
 *
 * @param carried the state of an estimator that has one, else 0
 * @param surplus keys of groups beyond what an update batch holds, as {@link #key} makes them
 */
public record Credit(Aggregation aggregation, Selection selection, AdvantageEstimator estimator, double carried,
    Set<String> surplus) implements Serializable {
  static final Field LENGTH = required("length", INT, "completion tokens; 0 where nobody asks");

  private static final Field GROUP = required("group", STRING, "wave and group");
  private static final Field COUNT = required("count", LONG, "rewards that train");
  private static final Field MEAN = required("mean", DOUBLE, "of them");
  private static final Field SQUARES = required("squares", DOUBLE, "sum of squared deviations");
  private static final Field TOKENS = required("tokens", LONG, "tokens that train");
  private static final Field TOKEN_MEAN = required("token_mean", DOUBLE, "mean credit");
  private static final Field TOKEN_SQUARES = required("token_squares", DOUBLE, "sum of squared deviations");
  private static final Field EQUAL = required("equal", LONG, "1 if some train and their rewards are all equal");
  private static final Field FAILED = required("failed", LONG, "completions with a failed reward");
  private static final Table PARTS = Table.of("moments", "Moments of one group", GROUP, COUNT, MEAN, SQUARES, TOKENS,
      TOKEN_MEAN, TOKEN_SQUARES, EQUAL, FAILED);

  /**
   * What estimation yields.
   *
   * @param advantages rows of the table of advantages, not yet computed
   * @param rewards moments of the aggregated rewards that train
   * @param groups how many there are
   * @param equal groups that train with equal rewards, and so without credit where a group is its own baseline
   * @param dropped groups of which nothing trains
   * @param failed completions left out because a reward failed
   */
  public record Estimated(Dataset<Row> advantages, Moments rewards, long groups, long equal, long dropped,
      long failed) {}

  /**
   * Credit of every completion that has rewards.
   *
   * @param rewards rows of the table of rewards, materialised: they are read twice
   * @param rollouts rows of the table of rollouts, for the completions' lengths
   */
  public Estimated over(Dataset<Row> rewards, Dataset<Row> rollouts) {
    KeyValueGroupedDataset<String, Row> groups = measured(rewards, rollouts)
        .groupByKey((MapFunction<Row, String>) Credit::key, Encoders.STRING());
    List<Row> parts = new ArrayList<>(
        groups.mapGroups(new Measuring(this), Encoders.row(PARTS.schema())).collectAsList());
    parts.sort(Comparator.comparing(GROUP::<String>of));
    Moments batch = Moments.NONE;
    Moments tokens = Moments.NONE;
    for (Row part : parts) {
      batch = batch.plus(new Moments(COUNT.of(part), MEAN.of(part), SQUARES.of(part)));
      tokens = tokens.plus(new Moments(TOKENS.of(part), TOKEN_MEAN.of(part), TOKEN_SQUARES.of(part)));
    }
    Dataset<Row> rows = groups.flatMapGroups(new Crediting(this, batch, tokens),
        Encoders.row(Advantages.TABLE.schema()));
    return new Estimated(rows, batch, parts.size(), parts.stream().mapToLong(EQUAL::<Long>of).sum(),
        parts.stream().filter(p -> COUNT.<Long>of(p) == 0).count(), parts.stream().mapToLong(FAILED::<Long>of).sum());
  }

  private record Measuring(Credit credit) implements MapGroupsFunction<String, Row, Row> {
    @Override
    public Row call(String key, Iterator<Row> rows) {
      RewardGroup group = RewardGroup.of(credit, rows);
      Moments rewards = group.rewardMoments();
      Moments tokens = group.creditMoments();
      return PARTS.row(Map.of(GROUP, key, COUNT, rewards.count(), MEAN, rewards.mean(), SQUARES, rewards.squares(),
          TOKENS, tokens.count(), TOKEN_MEAN, tokens.mean(), TOKEN_SQUARES, tokens.squares(), EQUAL, group.equal(),
          FAILED, group.failed()));
    }
  }

  private record Crediting(Credit credit, Moments batch, Moments tokens)
      implements FlatMapGroupsFunction<String, Row, Row> {
    @Override
    public Iterator<Row> call(String key, Iterator<Row> rows) {
      return RewardGroup.of(credit, rows).rows(batch, tokens).iterator();
    }
  }

  private Dataset<Row> measured(Dataset<Row> rewards, Dataset<Row> rollouts) {
    if (estimator instanceof TokenAdvantage) {
      Dataset<Row> lengths = rollouts.select(Rollouts.WAVE.col(), Rollouts.GROUP_ID.col(), Rollouts.SAMPLE.col(),
          functions.size(Rollouts.TOKENS.col()).as(LENGTH.name()));
      return rewards.join(lengths, KEY_NAMES);
    }
    Column none = functions.lit(0).as(LENGTH.name());
    return rewards.withColumn(LENGTH.name(), none);
  }

  private static final String[] KEY_NAMES = {Rewards.WAVE.name(), Rewards.GROUP_ID.name(), Rewards.SAMPLE.name()};

  /** Wave and group of a row that has both: sorts by wave first. */
  public static String key(Row row) {
    return key(Rewards.WAVE.of(row), Rewards.GROUP_ID.of(row));
  }

  /** The same of a wave and a group. */
  public static String key(int wave, String group) {
    return String.format("%06d/%s", wave, group);
  }
}
