package alluvium.spark;

import alluvium.advantages.AdvantageEstimator;
import alluvium.advantages.Moments;
import alluvium.advantages.TokenAdvantage;
import alluvium.rewards.Aggregation;
import alluvium.rewards.OnError;
import alluvium.selections.Selection;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.spark.HashPartitioner;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Row;
import org.apache.spark.storage.StorageLevel;
import scala.Tuple2;

/**
 * Lifts selection, aggregation and advantage estimation over rows: rewards in, one row per completion out, with its
 * credit or
 * the reason why it does not train. Groups are computed apart; what an estimator asks of the whole batch is folded
 * over the
 * groups in the order of their keys, so partitions do not matter.
 *
 * @param onError what becomes of completions with failed rewards
 * @param carried the state of an estimator that has one, else 0
 * @param surplus keys of groups beyond what an update batch holds, as {@link #key} makes them
 */
public record Credit(Aggregation aggregation, OnError onError, Selection selection, AdvantageEstimator estimator,
    double carried, Set<String> surplus) implements Serializable {

  /**
   * What estimation yields.
   *
   * @param advantages rows of the table of advantages, kept on executors until freed
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
  public Set<String> training(JavaRDD<Row> rewards, int slices) {
    Credit credit = new Credit(aggregation, onError, selection, estimator, carried, Set.of());
    return new HashSet<>(TaskFailure.surfaced(rewards.mapToPair(row -> new Tuple2<>(key(row), row))
        .groupByKey(new HashPartitioner(slices)).filter(g -> RewardGroup.of(credit, g._1(), g._2(), List.of()).trains())
        .keys()::collect));
  }

  /**
   * Credit of every completion that has rewards.
   *
   * @param rewards rows of the table of rewards
   * @param rollouts rows of the table of rollouts, for the completions' lengths
   * @param slices Spark partitions; any number gives the same rows
   */
  public Estimated over(JavaRDD<Row> rewards, JavaRDD<Row> rollouts, int slices) {
    Credit credit = this;
    HashPartitioner partitioner = new HashPartitioner(slices);
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
    JavaRDD<RewardGroup> kept = groups.persist(StorageLevel.MEMORY_AND_DISK());
    List<Part> parts = new ArrayList<>(TaskFailure.surfaced(kept.map(RewardGroup::part)::collect));
    parts.sort(Comparator.comparing(Part::key));
    Moments batch = parts.stream().map(Part::rewards).reduce(Moments.NONE, Moments::plus);
    Moments tokens = parts.stream().map(Part::credits).reduce(Moments.NONE, Moments::plus);
    JavaRDD<Row> rows = kept.flatMap(g -> g.rows(batch, tokens).iterator()).persist(StorageLevel.MEMORY_AND_DISK());
    rows.count();
    kept.unpersist(false);
    return new Estimated(rows, batch, parts.size(), parts.stream().filter(Part::equal).count(),
        parts.stream().filter(p -> p.rewards().count() == 0).count(), parts.stream().filter(Part::tooFewOk).count());
  }

  /** Wave and group of a row that has both: sorts by wave first. */
  public static String key(Row row) {
    return key(Rewards.WAVE.of(row), Rewards.GROUP_ID.of(row));
  }

  /** The same of a wave and a group. */
  public static String key(int wave, String group) {
    return String.format("%06d/%s", wave, group);
  }
}
