package alluvium.spark;

import alluvium.evaluations.Paired;
import alluvium.rewards.Reward;
import alluvium.rewards.Verifier;
import alluvium.tables.Advantages;
import alluvium.tables.DataException;
import alluvium.tables.Rewards;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.spark.HashPartitioner;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Row;
import scala.Tuple2;

/**
 * Lifts the comparison of two judgements of the same completions over rows. Executors compare group by group; the
 * driver gets one small element per group and adds them in the order of their keys, so partitions do not matter.
 *
 * @param before the reward functions of the first judgement, by name
 * @param after those of the second one; what has a name in both is compared
 */
public record Contrast(Map<String, Reward> before, Map<String, Reward> after) implements Serializable {
  /** How many groups are named as the ones that change most. */
  public static final int WORST = 10;

  private static final int RIGHT = 0;
  private static final int WRONG = 1;
  private static final int FAILED = 2;
  private static final int OUTCOMES = 3;

  public Contrast {
    before = new TreeMap<>(before);
    after = new TreeMap<>(after);
  }

  /**
   * The verdicts of one name.
   *
   * @param cells completions by their outcome before (rows) and after (columns): right, wrong, failed; empty unless
   *     both rewards are verifiers
   * @param values over the completions that both judged: x before, y after
   * @param failedBefore completions without a value
   * @param failedAfter likewise
   */
  public record Pairing(List<Long> cells, Paired values, long failedBefore, long failedAfter)
      implements Serializable {
    static Pairing none(boolean verifiers) {
      return new Pairing(verifiers ? Collections.nCopies(OUTCOMES * OUTCOMES, 0L) : List.of(), Paired.NONE, 0, 0);
    }

    Pairing plus(Pairing other) {
      List<Long> sums = new ArrayList<>();
      for (int i = 0; i < cells.size(); i++) {
        sums.add(cells.get(i) + other.cells.get(i));
      }
      return new Pairing(sums, values.plus(other.values), failedBefore + other.failedBefore,
          failedAfter + other.failedAfter);
    }
  }

  /**
   * A group in which an advantage changes its sign, from + to - or from - to +.
   *
   * @param flipped completions whose advantage does
   * @param completions with an advantage in both judgements
   * @param moved sum of |after - before| over those that change
   */
  public record Flip(int iteration, int wave, String groupId, String promptId, long flipped, long completions,
      double moved) implements Serializable {
    private static final Comparator<Flip> WORST_FIRST = Comparator.comparingDouble((Flip f) -> -f.moved)
        .thenComparing(Flip::iteration).thenComparing(Flip::wave).thenComparing(Flip::groupId);
  }

  /**
   * What a comparison found.
   *
   * @param completions with verdicts in both judgements
   * @param unmatched completions with verdicts in one of them only
   * @param groups with an advantage in both
   * @param credited of these, groups with an advantage before that is not 0
   * @param flippedGroups groups in which any advantage changes its sign
   * @param flippedCompletions completions whose advantage does
   * @param byName for each name that both have
   * @param worst the groups that change most, at most {@link #WORST}
   */
  public record Found(long completions, long unmatched, long groups, long credited, long flippedGroups,
      long flippedCompletions, Map<String, Pairing> byName, List<Flip> worst) implements Serializable {
    public static final Found NONE = new Found(0, 0, 0, 0, 0, 0, Map.of(), List.of());

    public Found {
      byName = new TreeMap<>(byName);
      worst = new ArrayList<>(worst);
    }

    /** What both found together. */
    public Found plus(Found o) {
      Map<String, Pairing> names = new TreeMap<>(byName);
      o.byName.forEach((name, pairing) -> names.merge(name, pairing, Pairing::plus));
      return new Found(completions + o.completions, unmatched + o.unmatched, groups + o.groups,
          credited + o.credited, flippedGroups + o.flippedGroups, flippedCompletions + o.flippedCompletions, names,
          Stream.concat(worst.stream(), o.worst.stream()).sorted(Flip.WORST_FIRST).limit(WORST).toList());
    }

    /** Share of the groups that change sign; 0 of none. */
    public double flippedShare() {
      return groups == 0 ? 0 : (double) flippedGroups / groups;
    }
  }

  /**
   * Compares the judgements of an iteration.
   *
   * @param rewardsBefore rows of the table of rewards
   * @param rewardsAfter likewise
   * @param creditBefore rows of the table of advantages that follow from the first judgement
   * @param creditAfter likewise from the second
   * @param slices Spark partitions; any number gives the same
   */
  public Found over(JavaRDD<Row> rewardsBefore, JavaRDD<Row> rewardsAfter, JavaRDD<Row> creditBefore,
      JavaRDD<Row> creditAfter, int slices) {
    Contrast contrast = this;
    JavaPairRDD<String, Found> groups = keyed(rewardsBefore).cogroup(keyed(rewardsAfter), keyed(creditBefore),
        keyed(creditAfter), new HashPartitioner(slices))
        .mapValues(g -> contrast.group(rows(g._1()), rows(g._2()), rows(g._3()), rows(g._4())));
    List<Tuple2<String, Found>> parts = new ArrayList<>(TaskFailure.surfaced(groups::collect));
    parts.sort(Comparator.comparing(Tuple2::_1));
    return parts.stream().map(Tuple2::_2).reduce(Found.NONE, Found::plus);
  }

  private static JavaPairRDD<String, Row> keyed(JavaRDD<Row> rows) {
    return rows.mapToPair(row -> new Tuple2<>(Credit.key(row), row));
  }

  private static List<Row> rows(Iterable<Row> rows) {
    List<Row> list = new ArrayList<>();
    rows.forEach(list::add);
    list.sort(Comparator.comparing(Rewards.SAMPLE::<Integer>of));
    return list;
  }

  private Found group(List<Row> oldVerdicts, List<Row> newVerdicts, List<Row> oldCredit, List<Row> newCredit) {
    Map<String, Pairing> names = new TreeMap<>();
    before.forEach((name, reward) -> {
      if (after.containsKey(name)) {
        names.put(name, pairing(name, of(oldVerdicts, name), of(newVerdicts, name)));
      }
    });
    Map<Integer, Double> old = credits(oldCredit);
    Map<Integer, Double> now = credits(newCredit);
    long matched = 0;
    long flipped = 0;
    double moved = 0;
    for (Map.Entry<Integer, Double> entry : old.entrySet()) {
      if (now.containsKey(entry.getKey())) {
        double is = now.get(entry.getKey());
        matched++;
        if (Math.signum(entry.getValue()) * Math.signum(is) < 0) {
          flipped++;
          moved += Math.abs(is - entry.getValue());
        }
      }
    }
    boolean credited = matched > 0 && old.values().stream().anyMatch(a -> a != 0);
    List<Flip> flips = new ArrayList<>();
    if (flipped > 0) {
      Row any = newCredit.get(0);
      flips.add(new Flip(Advantages.ITERATION.of(any), Advantages.WAVE.of(any), Advantages.GROUP_ID.of(any),
          Advantages.PROMPT_ID.of(any), flipped, matched, moved));
    }
    long both = samples(oldVerdicts).filter(samples(newVerdicts).toList()::contains).count();
    return new Found(both, samples(oldVerdicts).count() + samples(newVerdicts).count() - 2 * both, matched > 0 ? 1 : 0,
        credited ? 1 : 0, flips.size(), flipped, names, flips);
  }

  private static Stream<Integer> samples(List<Row> rows) {
    return rows.stream().map(Rewards.SAMPLE::<Integer>of).distinct();
  }

  private static Map<Integer, Row> of(List<Row> rows, String name) {
    Map<Integer, Row> bySample = new TreeMap<>();
    rows.stream().filter(r -> Rewards.NAME.of(r).equals(name)).forEach(r -> bySample.put(Rewards.SAMPLE.of(r), r));
    return bySample;
  }

  private Pairing pairing(String name, Map<Integer, Row> old, Map<Integer, Row> now) {
    boolean verifiers = before.get(name) instanceof Verifier && after.get(name) instanceof Verifier;
    Pairing sum = Pairing.none(verifiers);
    for (Map.Entry<Integer, Row> entry : old.entrySet()) {
      if (now.containsKey(entry.getKey())) {
        Row is = now.get(entry.getKey());
        Long[] cells = new Long[verifiers ? OUTCOMES * OUTCOMES : 0];
        Arrays.fill(cells, 0L);
        if (verifiers) {
          cells[OUTCOMES * outcome((Verifier) before.get(name), entry.getValue())
              + outcome((Verifier) after.get(name), is)] = 1L;
        }
        boolean failedOld = Rewards.VALUE.absentIn(entry.getValue());
        boolean failedNew = Rewards.VALUE.absentIn(is);
        Paired values = failedOld || failedNew ? Paired.NONE
            : Paired.NONE.plus(Rewards.VALUE.<Double>of(entry.getValue()), Rewards.VALUE.<Double>of(is));
        sum = sum.plus(new Pairing(List.of(cells), values, failedOld ? 1 : 0, failedNew ? 1 : 0));
      }
    }
    return sum;
  }

  private static int outcome(Verifier verifier, Row verdict) {
    if (Rewards.VALUE.absentIn(verdict)) {
      return FAILED;
    }
    double value = Rewards.VALUE.<Double>of(verdict);
    if (value == verifier.right()) {
      return RIGHT;
    }
    if (value != verifier.wrong()) {
      throw new DataException("rewards: %s, sample %s, %s is %s, which is neither right (%s) nor wrong (%s) for %s. It"
          + " was judged by %s: give the recipe that names it.", Rewards.GROUP_ID.of(verdict),
          Rewards.SAMPLE.of(verdict), Rewards.NAME.of(verdict), value, verifier.right(), verifier.wrong(), verifier,
          Rewards.FUNCTION.of(verdict));
    }
    return WRONG;
  }

  /** Sample to its advantage, the mean over tokens where it is per token; without those that are dropped. */
  private static Map<Integer, Double> credits(List<Row> rows) {
    Map<Integer, Double> credits = new HashMap<>();
    for (Row row : rows) {
      if (Advantages.DROPPED.absentIn(row)) {
        double credit = 0;
        if (Advantages.ADVANTAGE.absentIn(row)) {
          for (float token : Advantages.TOKEN_ADVANTAGES.floats(row)) {
            credit += (double) token / Advantages.TOKEN_ADVANTAGES.size(row);
          }
        } else {
          credit = Advantages.ADVANTAGE.<Double>of(row);
        }
        credits.put(Advantages.SAMPLE.of(row), credit);
      }
    }
    return new TreeMap<>(credits);
  }
}
