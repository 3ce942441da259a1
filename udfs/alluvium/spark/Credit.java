package alluvium.spark;

import alluvium.advantages.AdvantageEstimator;
import alluvium.advantages.Moments;
import alluvium.advantages.TokenAdvantage;
import alluvium.rewards.Aggregation;
import alluvium.rewards.OnError;
import alluvium.selections.Selection;
import alluvium.tables.Field;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.apache.spark.storage.StorageLevel;
import scala.Tuple2;

/**
 * Lifts selection, aggregation and advantage estimation over rows: rewards in, one row per completion out, with its
 * credit or the reason why it does not train. Groups are computed apart; what an estimator asks of the whole batch is
 * folded over the groups in an order that their keys alone decide ({@link Buckets}), so partitions do not matter. What
 * is held in memory goes through {@link #over}, tables of any size through {@link #streamed}; both give the same rows.
 *
 * @param onError what becomes of completions with failed rewards
 * @param carried the state of an estimator that has one, else 0
 * @param surplus keys of groups beyond what an update batch holds, as {@link #key} makes them
 */
public record Credit(Aggregation aggregation, OnError onError, Selection selection, AdvantageEstimator estimator,
    double carried, Set<String> surplus) implements Serializable {
  private static final List<Field> COMPLETION = List.of(Rewards.RUN_ID, Rewards.ITERATION, Rewards.WAVE,
      Rewards.PROMPT_ID, Rewards.GROUP_ID, Rewards.SAMPLE);
  private static final List<Field> VERDICT = Stream.concat(COMPLETION.stream(), Stream.of(Rewards.NAME, Rewards.VALUE,
      Rewards.TOKEN_VALUES, Rewards.STATUS)).toList();
  private static final int WAVE_DIGITS = 6;
  private static final String LENGTH = "alluvium_length";
  private static final String KEY = "alluvium_key";
  private static final String BUCKET = "alluvium_bucket";

  /**
   * What estimation yields.
   *
   * @param advantages rows of the table of advantages; those of {@link #over} kept on executors until freed, those of
   *     {@link #streamed} computed when they are asked for
   * @param rewards moments of the aggregated rewards that train
   * @param groups how many there are
   * @param equal groups that train with equal rewards, and so without credit where a group is its own baseline
   * @param dropped groups of which nothing trains
   * @param tooFewOk those among them with fewer completions that have all their rewards than the recipe asks for
   */
  public record Estimated(JavaRDD<Row> advantages, Moments rewards, long groups, long equal, long dropped,
      long tooFewOk) {
    public void free() {
      advantages.unpersist(false);
    }
  }

  /** What the batch needs to know of one group. */
  record Part(String key, Moments rewards, Moments credits, boolean equal, boolean tooFewOk)
      implements Serializable {}

  /** Keys of the groups that train, the surplus aside: the one rule, for those who draw until enough do. */
  public Set<String> training(JavaRDD<Row> rewards) {
    Credit credit = new Credit(aggregation, onError, selection, estimator, carried, Set.of());
    return new HashSet<>(TaskFailure.surfaced(rewards.mapToPair(row -> new Tuple2<>(key(row), row))
        .groupByKey(rewards.getNumPartitions()).filter(g -> RewardGroup.of(credit, g._1(), g._2(), List.of()).trains())
        .keys()::collect));
  }

  /** What the batch needs to know of the groups of a bucket, or of the first buckets together. */
  record Sums(int bucket, Moments rewards, Moments credits, long groups, long equal, long dropped, long tooFewOk)
      implements Serializable {
    static Sums none(int bucket) {
      return new Sums(bucket, Moments.NONE, Moments.NONE, 0, 0, 0, 0);
    }

    Sums plus(Part part) {
      return new Sums(bucket, rewards.plus(part.rewards()), credits.plus(part.credits()), groups + 1,
          equal + (part.equal() ? 1 : 0), dropped + (part.rewards().count() == 0 ? 1 : 0),
          tooFewOk + (part.tooFewOk() ? 1 : 0));
    }

    Sums plus(Sums next) {
      return new Sums(next.bucket, rewards.plus(next.rewards), credits.plus(next.credits), groups + next.groups,
          equal + next.equal, dropped + next.dropped, tooFewOk + next.tooFewOk);
    }

    /** One element per bucket, of groups in the order of {@link Buckets#ORDER}. */
    static Iterator<Sums> folded(Iterator<RewardGroup> groups) {
      List<Sums> all = new ArrayList<>();
      while (groups.hasNext()) {
        Part part = groups.next().part();
        int bucket = Buckets.of(part.key());
        int last = all.size() - 1;
        if (last >= 0 && all.get(last).bucket == bucket) {
          all.set(last, all.get(last).plus(part));
        } else {
          all.add(none(bucket).plus(part));
        }
      }
      return all.iterator();
    }
  }

  /**
   * Credit of every completion that has rewards, computed and kept.
   *
   * @param rewards rows of the table of rewards
   * @param rollouts rows of the table of rollouts, for the completions' lengths
   * @param slices Spark partitions; any number gives the same rows
   */
  public Estimated over(JavaRDD<Row> rewards, JavaRDD<Row> rollouts, int slices) {
    Credit credit = this;
    Buckets partitioner = new Buckets(slices);
    JavaPairRDD<String, Row> verdicts = rewards.mapToPair(row -> new Tuple2<>(key(row), row));
    JavaRDD<RewardGroup> groups;
    if (estimator instanceof TokenAdvantage) {
      JavaPairRDD<String, Tuple2<Integer, Integer>> lengths = rollouts.mapToPair(row -> new Tuple2<>(key(row),
          new Tuple2<>(Rollouts.SAMPLE.of(row), Rollouts.TOKENS.size(row))));
      groups = verdicts.cogroup(lengths, partitioner)
          .map(g -> RewardGroup.of(credit, g._1(), g._2()._1(), g._2()._2()));
    } else {
      groups = verdicts.groupByKey(partitioner).map(g -> RewardGroup.of(credit, g._1(), g._2(), List.of()));
    }
    JavaRDD<RewardGroup> kept = groups.mapPartitions(RewardGroup::ordered).persist(StorageLevel.MEMORY_AND_DISK());
    Sums batch = batch(kept);
    JavaRDD<Row> rows = rows(kept, batch).persist(StorageLevel.MEMORY_AND_DISK());
    rows.count();
    kept.unpersist(false);
    return estimated(rows, batch);
  }

  /**
   * The same from tables of any size. The rows are shuffled and sorted once, to disk where memory is short, then read
   * group by group: once here, for what the whole batch must know, and again whenever the advantages are evaluated.
   * Nothing is kept.
   *
   * @param slices Spark partitions at least; more where the tables are large
   */
  public Estimated streamed(Dataset<Row> rewards, Dataset<Row> rollouts, int slices) {
    Credit credit = this;
    Dataset<Row> all = rewards.select(columns(VERDICT, functions.lit(0)));
    int partitions = Buckets.slices(slices, all);
    if (estimator instanceof TokenAdvantage) {
      Dataset<Row> lengths = rollouts.select(columns(COMPLETION, functions.size(Rollouts.TOKENS.col())));
      partitions = Buckets.slices(slices, all, lengths);
      all = all.unionByName(lengths, true);
    }
    Column key = functions.concat(functions.lpad(Rewards.WAVE.col().cast(Field.STRING), WAVE_DIGITS, "0"),
        functions.lit("/"), Rewards.GROUP_ID.col());
    Dataset<Row> sorted = all.withColumn(KEY, key).withColumn(BUCKET, Buckets.of(key))
        .repartition(partitions, new Column(BUCKET)).sortWithinPartitions(new Column(BUCKET), new Column(KEY));
    JavaRDD<RewardGroup> groups = sorted.javaRDD().mapPartitions(rows -> credit.groups(rows));
    Sums batch = batch(groups);
    return estimated(rows(groups, batch), batch);
  }

  private static Column[] columns(List<Field> fields, Column length) {
    return Stream.concat(fields.stream().map(Field::col), Stream.of(length.as(LENGTH))).toArray(Column[]::new);
  }

  private Iterator<RewardGroup> groups(Iterator<Row> rows) {
    SortedGroups groups = new SortedGroups(rows, row -> row.getString(row.fieldIndex(KEY)));
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return groups.hasNext();
      }

      @Override
      public RewardGroup next() {
        List<Row> group = groups.next();
        List<Row> verdicts = group.stream().filter(row -> !Rewards.NAME.absentIn(row)).toList();
        List<Tuple2<Integer, Integer>> lengths = group.stream().filter(Rewards.NAME::absentIn)
            .map(row -> new Tuple2<>(Rewards.SAMPLE.<Integer>of(row), row.getInt(row.fieldIndex(LENGTH)))).toList();
        return RewardGroup.of(Credit.this, group.get(0).getString(group.get(0).fieldIndex(KEY)), verdicts, lengths);
      }
    };
  }

  private static Sums batch(JavaRDD<RewardGroup> groups) {
    List<Sums> buckets = new ArrayList<>(TaskFailure.surfaced(groups.mapPartitions(Sums::folded)::collect));
    buckets.sort(Comparator.comparingInt(Sums::bucket));
    return buckets.stream().reduce(Sums.none(0), Sums::plus);
  }

  private static JavaRDD<Row> rows(JavaRDD<RewardGroup> groups, Sums batch) {
    Moments rewards = batch.rewards();
    Moments credits = batch.credits();
    return groups.flatMap(g -> g.rows(rewards, credits).iterator());
  }

  private static Estimated estimated(JavaRDD<Row> rows, Sums batch) {
    return new Estimated(rows, batch.rewards(), batch.groups(), batch.equal(), batch.dropped(),
        batch.tooFewOk());
  }

  /** Wave and group of a row that has both: sorts by wave first. */
  public static String key(Row row) {
    return key(Rewards.WAVE.of(row), Rewards.GROUP_ID.of(row));
  }

  /** The same of a wave and a group. */
  public static String key(int wave, String group) {
    String digits = Integer.toString(wave);
    return "0".repeat(Math.max(0, WAVE_DIGITS - digits.length())) + digits + "/" + group;
  }
}
