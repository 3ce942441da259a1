package alluvium.spark;

import alluvium.advantages.BatchAdvantage;
import alluvium.advantages.GroupAdvantage;
import alluvium.advantages.Moments;
import alluvium.advantages.MovingAdvantage;
import alluvium.advantages.TokenAdvantage;
import alluvium.selections.GroupSelection;
import alluvium.tables.Advantages;
import alluvium.tables.DataException;
import alluvium.tables.Field;
import alluvium.tables.Rewards;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import org.apache.spark.sql.Row;
import scala.Tuple2;

/** The completions of one group with their named rewards, in sample order, and the credit that a recipe gives them. */
final class RewardGroup implements Serializable {
  private static final long serialVersionUID = 1L;
  private static final List<Field> KEYS = List.of(Rewards.RUN_ID, Rewards.ITERATION, Rewards.WAVE, Rewards.PROMPT_ID,
      Rewards.GROUP_ID, Rewards.SAMPLE);

  private final Credit credit;
  private final String key;
  private final List<Member> members;
  private final List<Member> training;
  private final boolean tooFewOk;

  private RewardGroup(Credit credit, String key, List<Member> members) {
    this.credit = credit;
    this.key = key;
    this.members = members;
    long ok = members.stream().filter(m -> m.dropped.isEmpty()).count();
    tooFewOk = ok < credit.onError().leastOk();
    String refusal = tooFewOk ? String.format("group: %d of %d completions have all rewards, fewer than %d", ok,
        members.size(), credit.onError().leastOk()) : refusal();
    for (Member member : members) {
      if (member.dropped.isEmpty() && !refusal.isEmpty()) {
        member.dropped = refusal;
      }
    }
    training = new ArrayList<>(members.stream().filter(m -> m.dropped.isEmpty()).toList());
  }

  /** One completion. */
  private static final class Member implements Serializable {
    private static final long serialVersionUID = 1L;
    private final Row first;
    private int length;
    private final Map<String, Double> values = new TreeMap<>();
    private final Map<String, double[]> tokenValues = new TreeMap<>();
    private String dropped = "";
    private double reward = Double.NaN;

    Member(Row first) {
      this.first = first;
    }

    /** Of several failed rewards the first by name is the reason, whatever the order of the rows. */
    void add(Row row, OptionalDouble substitute) {
      String name = Rewards.NAME.of(row);
      if (Rewards.VALUE.absentIn(row) && substitute.isPresent()) {
        values.put(name, substitute.getAsDouble());
      } else if (Rewards.VALUE.absentIn(row)) {
        String reason = "reward " + name + ": " + Rewards.STATUS.of(row);
        dropped = dropped.isEmpty() || reason.compareTo(dropped) < 0 ? reason : dropped;
      } else {
        values.put(name, Rewards.VALUE.of(row));
        if (!Rewards.TOKEN_VALUES.absentIn(row)) {
          tokenValues.put(name, Rewards.TOKEN_VALUES.doubles(row));
        }
      }
    }
  }

  /**
   * The group of a key.
   *
   * @param rows of the table of rewards
   * @param lengths sample and number of tokens of each completion; none where nobody asks
   */
  static RewardGroup of(Credit credit, String key, Iterable<Row> rows, Iterable<Tuple2<Integer, Integer>> lengths) {
    TreeMap<Integer, Member> members = new TreeMap<>();
    for (Row row : rows) {
      members.computeIfAbsent(Rewards.SAMPLE.of(row), s -> new Member(row)).add(row, credit.onError().substitute());
    }
    for (Tuple2<Integer, Integer> length : lengths) {
      if (members.containsKey(length._1())) {
        members.get(length._1()).length = length._2();
      }
    }
    for (Member member : members.values()) {
      if (member.dropped.isEmpty()) {
        member.reward = credit.aggregation().aggregate(member.values);
      }
    }
    return new RewardGroup(credit, key, new ArrayList<>(members.values()));
  }

  /** Groups that are in memory, in the order in which a batch's sums run. */
  static Iterator<RewardGroup> ordered(Iterator<RewardGroup> groups) {
    List<RewardGroup> all = new ArrayList<>();
    groups.forEachRemaining(all::add);
    all.sort(Comparator.comparing(group -> group.key, Buckets.ORDER));
    return all.iterator();
  }

  /** What the batch needs to know of this group. */
  Credit.Part part() {
    double[] rewards = rewards();
    boolean equal = rewards.length > 0 && Arrays.stream(rewards).allMatch(r -> r == rewards[0]);
    return new Credit.Part(key, Moments.of(rewards), creditMoments(), equal, tooFewOk);
  }

  boolean trains() {
    return !training.isEmpty();
  }

  /** Moments of the raw credits over tokens; none where the estimator gives no credit to tokens. */
  private Moments creditMoments() {
    Moments moments = Moments.NONE;
    if (credit.estimator() instanceof TokenAdvantage estimator) {
      double[] rewards = rewards();
      for (Member member : training) {
        moments = moments.plus(Moments.of(credit(estimator, member, rewards)));
      }
    }
    return moments;
  }

  /** Rows of the table of advantages. */
  List<Row> rows(Moments batch, Moments tokens) {
    double[] rewards = rewards();
    double[] scalar = scalar(rewards, batch);
    List<Row> rows = new ArrayList<>();
    for (Member member : members) {
      Map<Field, Object> values = new HashMap<>();
      KEYS.forEach(key -> values.put(key, key.of(member.first)));
      if (Double.isFinite(member.reward)) {
        values.put(Advantages.REWARD, member.reward);
      }
      if (!member.dropped.isEmpty()) {
        values.put(Advantages.DROPPED, member.dropped);
      } else if (credit.estimator() instanceof TokenAdvantage estimator) {
        values.put(Advantages.TOKEN_ADVANTAGES,
            floats(estimator.advantages(credit(estimator, member, rewards), tokens)));
      } else {
        values.put(Advantages.ADVANTAGE, scalar[training.indexOf(member)]);
      }
      rows.add(Advantages.TABLE.row(values));
    }
    return rows;
  }

  private String refusal() {
    if (credit.surplus().contains(key)) {
      return "group: the update batch was full";
    }
    if (credit.selection() instanceof GroupSelection selection) {
      double[] values = members.stream().filter(m -> m.dropped.isEmpty())
          .mapToDouble(m -> m.values.get(selection.metric())).toArray();
      return selection.keeps(values) ? "" : "group: refused by " + selection;
    }
    return "";
  }

  private double[] rewards() {
    return training.stream().mapToDouble(m -> m.reward).toArray();
  }

  private double[] scalar(double[] rewards, Moments batch) {
    if (rewards.length == 0) {
      return rewards;
    }
    if (credit.estimator() instanceof GroupAdvantage estimator) {
      return estimator.advantages(rewards);
    }
    if (credit.estimator() instanceof BatchAdvantage estimator) {
      return estimator.advantages(rewards, batch);
    }
    if (credit.estimator() instanceof MovingAdvantage estimator) {
      return estimator.advantages(rewards, credit.carried());
    }
    return new double[0];
  }

  private double[] credit(TokenAdvantage estimator, Member member, double[] rewards) {
    double[] weighted = new double[member.length];
    member.tokenValues.forEach((name, values) -> {
      if (values.length != weighted.length) {
        throw new DataException("rewards: %s, sample %s, %s has %d token values for %d tokens. Score again.",
            Rewards.GROUP_ID.of(member.first), Rewards.SAMPLE.of(member.first), name, values.length, weighted.length);
      }
      for (int t = 0; t < weighted.length; t++) {
        weighted[t] += credit.aggregation().weight(name) * values[t];
      }
    });
    return estimator.credit(member.reward, weighted, rewards);
  }

  private static float[] floats(double[] values) {
    float[] result = new float[values.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = (float) values[i];
    }
    return result;
  }
}
