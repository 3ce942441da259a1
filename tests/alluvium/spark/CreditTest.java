package alluvium.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.advantages.AdvantageEstimator;
import alluvium.advantages.BatchMean;
import alluvium.advantages.Grpo;
import alluvium.advantages.MovingBaseline;
import alluvium.advantages.ReinforcePlusPlus;
import alluvium.rewards.Drop;
import alluvium.rewards.OnError;
import alluvium.rewards.WeightedSum;
import alluvium.rewards.Zero;
import alluvium.selections.EveryGroup;
import alluvium.selections.MixedGroups;
import alluvium.selections.Selection;
import alluvium.tables.Advantages;
import alluvium.tables.DataException;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.spark.SparkEnv;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class CreditTest {
  private static final String SPILL_AFTER = "spark.shuffle.spill.numElementsForceSpillThreshold";
  private static final double ROOT = Math.sqrt(0.5);
  private static final OnError ANY = new Drop(10, 1, 1);
  private static final Offset<Double> CLOSE = Offset.offset(1e-5);

  /** Mixed, all equal, of one, all failed, one of three failed. */
  private static List<Row> rewards() {
    List<Row> rows = new ArrayList<>();
    rows.add(Rows.reward("a-mixed", 0, "right", 1));
    rows.add(Rows.reward("a-mixed", 1, "right", 0));
    rows.add(Rows.reward("b-equal", 0, "right", 1));
    rows.add(Rows.reward("b-equal", 1, "right", 1));
    rows.add(Rows.reward("c-one", 0, "right", 1));
    rows.add(Rows.failed("d-failed", 0, "right"));
    rows.add(Rows.failed("d-failed", 1, "right"));
    rows.add(Rows.failed("e-partly", 0, "right"));
    rows.add(Rows.reward("e-partly", 1, "right", 1));
    rows.add(Rows.reward("e-partly", 2, "right", 0));
    return rows;
  }

  private static Credit credit(AdvantageEstimator estimator, Selection selection, Set<String> surplus) {
    return new Credit(new WeightedSum(Map.of("right", 1.0)), ANY, selection, estimator, 0.25, surplus);
  }

  private static Credit.Estimated estimated(Credit credit, int slices, List<Row> rewards, List<Row> rollouts) {
    return credit.over(Rows.in(slices, rewards), Rows.in(slices, rollouts), slices);
  }

  private static Map<String, Row> byKey(Credit.Estimated estimated) {
    Map<String, Row> rows = new TreeMap<>();
    estimated.advantages().collect().forEach(row -> rows.put(
        Advantages.GROUP_ID.of(row) + "/" + Advantages.SAMPLE.<Integer>of(row), row));
    estimated.free();
    return rows;
  }

  @Test
  void aFailedRewardIsDroppedWithItsReasonAndNeverAZero() {
    Credit.Estimated estimated = estimated(credit(new Grpo(1e-6), new EveryGroup(), Set.of()), 2, rewards(), List.of());
    assertThat(estimated.groups()).isEqualTo(5);
    assertThat(estimated.equal()).isEqualTo(2);       // b-equal, c-one
    assertThat(estimated.dropped()).isEqualTo(1);     // d-failed
    assertThat(estimated.rewards().count()).isEqualTo(7);
    assertThat(estimated.rewards().mean()).isCloseTo(5 / 7.0, Offset.offset(1e-12));    // 1 + 2 + 1 + 1 of 7
    Map<String, Row> rows = byKey(estimated);
    assertThat(rows).hasSize(10);
    Map<String, Double> expected = new TreeMap<>();   // mean 1/2, std sqrt(1/2): +-(1/2) / sqrt(1/2)
    expected.put("a-mixed/0", ROOT);
    expected.put("a-mixed/1", -ROOT);
    expected.put("b-equal/0", 0.0);
    expected.put("b-equal/1", 0.0);
    expected.put("c-one/0", 0.0);
    expected.put("e-partly/1", ROOT);
    expected.put("e-partly/2", -ROOT);
    expected.forEach((key, value) -> {
      assertThat(Advantages.ADVANTAGE.<Double>of(rows.get(key))).as(key).isCloseTo(value, CLOSE);
      assertThat(Advantages.DROPPED.absentIn(rows.get(key))).as(key).isTrue();
    });
    for (String key : List.of("d-failed/0", "d-failed/1", "e-partly/0")) {
      assertThat(Advantages.DROPPED.<String>of(rows.get(key))).as(key).isEqualTo("reward right: error");
      assertThat(Advantages.REWARD.absentIn(rows.get(key))).as(key).isTrue();
      assertThat(Advantages.ADVANTAGE.absentIn(rows.get(key))).as(key).isTrue();
    }
  }

  @Test
  void oneFailureOfSeveralRewardsDropsTheCompletion() {
    Credit credit = new Credit(new WeightedSum(Map.of("right", 1.0, "short", 0.5)), ANY, new EveryGroup(),
        new Grpo(1e-6), 0, Set.of());
    Map<String, Row> rows = byKey(estimated(credit, 2, List.of(Rows.reward("a", 0, "right", 1), Rows.failed("a", 0,
        "short"),
        Rows.reward("a", 1, "right", 1), Rows.reward("a", 1, "short", 2), Rows.reward("a", 2, "short", 4),
        Rows.reward("a", 2, "right", 0)), List.of()));
    assertThat(Advantages.DROPPED.<String>of(rows.get("a/0"))).isEqualTo("reward short: error");
    assertThat(Advantages.REWARD.<Double>of(rows.get("a/1"))).isEqualTo(2);    // 1 + 0.5 * 2
    assertThat(Advantages.REWARD.<Double>of(rows.get("a/2"))).isEqualTo(2);    // 0 + 0.5 * 4
    assertThat(Advantages.ADVANTAGE.<Double>of(rows.get("a/2"))).isZero();
  }

  @Test
  void theBatchsMeanIsOverAllGroupsAndTheCarriedOneOverNone() {
    Map<String, Row> batch = byKey(estimated(credit(new BatchMean(), new EveryGroup(), Set.of()), 7, rewards(), List
        .of()));
    assertThat(Advantages.ADVANTAGE.<Double>of(batch.get("c-one/0"))).isCloseTo(1 - 5 / 7.0, CLOSE);
    assertThat(Advantages.ADVANTAGE.<Double>of(batch.get("e-partly/2"))).isCloseTo(-5 / 7.0, CLOSE);
    Map<String, Row> moving = byKey(
        estimated(credit(new MovingBaseline(0.5, 0), new EveryGroup(), Set.of()), 7, rewards(), List.of()));
    assertThat(Advantages.ADVANTAGE.<Double>of(moving.get("c-one/0"))).isEqualTo(0.75);    // carried: 0.25
    assertThat(Advantages.ADVANTAGE.<Double>of(moving.get("e-partly/2"))).isEqualTo(-0.25);
  }

  @Test
  void selectionAndSurplusGiveTheirReasons() {
    Credit credit = credit(new Grpo(1e-6), new MixedGroups("right", 3), Set.of(Credit.key(0, "e-partly")));
    Credit.Estimated estimated = estimated(credit, 2, rewards(), List.of());
    assertThat(estimated.dropped()).isEqualTo(4);
    assertThat(estimated.rewards().count()).isEqualTo(2);
    Map<String, Row> rows = byKey(estimated);
    String refused = "group: refused by MixedGroups[metric=right, maxRounds=3]";
    Map<String, String> reasons = Map.of("b-equal/0", refused, "b-equal/1", refused, "c-one/0", refused, "d-failed/0",
        "reward right: error", "e-partly/0", "reward right: error", "e-partly/1", "group: the update batch was full");
    reasons.forEach((key, reason) -> assertThat(Advantages.DROPPED.<String>of(rows.get(key))).as(key)
        .isEqualTo(reason));
    assertThat(Advantages.REWARD.<Double>of(rows.get("b-equal/0"))).isEqualTo(1);
    assertThat(Advantages.ADVANTAGE.<Double>of(rows.get("a-mixed/0"))).isCloseTo(ROOT, CLOSE);
  }

  @Test
  void tokensGetTheirReturnsWhitenedOverTheBatch() {
    List<Row> rewards = List.of(Rows.reward("a", 0, "right", 1), Rows.ofTokens("a", 0, "kl", 1, -2),
        Rows.reward("b", 0, "right", 0), Rows.ofTokens("b", 0, "kl", 4), Rows.failed("b", 1, "right"),
        Rows.ofTokens("b", 1, "kl", 9, 9));
    List<Row> rollouts = List.of(Rows.rollout("a", 0, 5, 1), Rows.rollout("b", 0, 1), Rows.rollout("b", 1, 5, 5));
    Credit credit = new Credit(new WeightedSum(Map.of("right", 1.0, "kl", 0.5)), ANY, new EveryGroup(),
        new ReinforcePlusPlus(1), 0, Set.of());
    // weighted: a 0.5, -1; b 2. Returns: a -1 + 1 = 0 at the end, 0.5 + 0 before it; b 2 + 0. Mean 2.5 / 3, variance
    // (0.5^2 + 0 + 2^2 - 2.5^2 / 3) / 2 = (4.25 - 2.0833) / 2 = 1.08333
    double mean = 2.5 / 3;
    double scale = Math.sqrt((4.25 - 6.25 / 3) / 2 + 1e-8);
    for (int slices : Rows.SLICES) {
      Map<String, Row> rows = byKey(estimated(credit, slices, rewards, rollouts));
      assertThat(Advantages.TOKEN_ADVANTAGES.floats(rows.get("a/0"))).containsExactly(
          new float[] {(float) ((0.5 - mean) / scale), (float) (-mean / scale)}, Offset.offset(1e-6f));
      assertThat(Advantages.TOKEN_ADVANTAGES.floats(rows.get("b/0"))).containsExactly(
          new float[] {(float) ((2 - mean) / scale)}, Offset.offset(1e-6f));
      assertThat(Advantages.ADVANTAGE.absentIn(rows.get("a/0"))).isTrue();
      assertThat(Advantages.DROPPED.<String>of(rows.get("b/1"))).isEqualTo("reward right: error");
    }
  }

  @Test
  void tokenValuesOfAnotherLengthAreRefused() {
    Credit credit = new Credit(new WeightedSum(Map.of("kl", 0.5)), ANY, new EveryGroup(), new ReinforcePlusPlus(1),
        0, Set.of());
    assertThatThrownBy(() -> estimated(credit, 1, List.of(Rows.ofTokens("a", 0, "kl", 1, 2)),
        List.of(Rows.rollout("a", 0, 5, 5, 1)))).isInstanceOf(DataException.class)
        .hasMessage("rewards: a, sample 0, kl has 2 token values for 3 tokens. Score again.");
  }

  @Test
  void partitionsAndOrderDoNotMatter() {
    for (AdvantageEstimator estimator : List.of(new Grpo(1e-6), new BatchMean(), new MovingBaseline(0.5, 0))) {
      Set<String> digests = new HashSet<>();
      Set<Object> moments = new HashSet<>();
      for (int slices : Rows.SLICES) {
        Credit.Estimated estimated = estimated(credit(estimator, new EveryGroup(), Set.of()), slices, many(), List
            .of());
        digests.add(Rows.digest(estimated.advantages(), Advantages.TABLE));
        moments.add(estimated.rewards());
        estimated.free();
      }
      assertThat(digests).as(estimator.toString()).hasSize(1);
      assertThat(moments).as(estimator.toString()).hasSize(1);
    }
  }

  private static Credit grpo(OnError onError, Selection selection) {
    return new Credit(new WeightedSum(Map.of("right", 1.0)), onError, selection, new Grpo(1e-6), 0, Set.of());
  }

  /** Right, wrong, right, failed. */
  private static List<Row> fourWithOneFailed() {
    return List.of(Rows.reward("a", 0, "right", 1), Rows.reward("a", 1, "right", 0), Rows.reward("a", 2, "right", 1),
        Rows.failed("a", 3, "right"));
  }

  @Test
  void dropComparesTheThreeAndZeroTheFour() {
    // (1, 0, 1): mean 2/3, std sqrt((1/9 + 4/9 + 1/9) / 2) = sqrt(1/3); (1/3) / std = std, (-2/3) / std = -2 std
    double third = Math.sqrt(1 / 3.0);
    Credit.Estimated dropped = estimated(grpo(new Drop(10, 2, 1), new EveryGroup()), 2, fourWithOneFailed(), List.of());
    assertThat(dropped.rewards().count()).isEqualTo(3);
    assertThat(dropped.rewards().mean()).isCloseTo(2 / 3.0, CLOSE);
    Map<String, Row> three = byKey(dropped);
    assertThat(Advantages.ADVANTAGE.<Double>of(three.get("a/0"))).isCloseTo(third, CLOSE);
    assertThat(Advantages.ADVANTAGE.<Double>of(three.get("a/1"))).isCloseTo(-2 * third, CLOSE);
    assertThat(Advantages.ADVANTAGE.<Double>of(three.get("a/2"))).isCloseTo(third, CLOSE);
    assertThat(Advantages.DROPPED.<String>of(three.get("a/3"))).isEqualTo("reward right: error");
    assertThat(Advantages.REWARD.absentIn(three.get("a/3"))).isTrue();
    // (1, 0, 1, 0): mean 1/2, std sqrt(1/3); (1/2) / std = sqrt(3) / 2: the failed one goes down like the wrong one
    double half = Math.sqrt(3) / 2;
    Credit.Estimated zeroed = estimated(grpo(new Zero(10, 1), new EveryGroup()), 2, fourWithOneFailed(), List.of());
    assertThat(zeroed.rewards().mean()).isCloseTo(0.5, CLOSE);
    assertThat(zeroed.dropped()).isZero();
    Map<String, Row> four = byKey(zeroed);
    double[] expected = {half, -half, half, -half};
    for (int s = 0; s < 4; s++) {
      assertThat(Advantages.ADVANTAGE.<Double>of(four.get("a/" + s))).as("sample %s", s).isCloseTo(expected[s], CLOSE);
      assertThat(Advantages.DROPPED.absentIn(four.get("a/" + s))).isTrue();
    }
    assertThat(Advantages.REWARD.<Double>of(four.get("a/3"))).isZero();
  }

  @Test
  void aGroupWithTooFewOkCompletionsDoesNotTrain() {
    List<Row> rows = new ArrayList<>();
    for (int ok = 0; ok <= 3; ok++) {    // group "2" has 2 of 3
      for (int s = 0; s < 3; s++) {
        rows.add(s < ok ? Rows.reward("" + ok, s, "right", s) : Rows.failed("" + ok, s, "right"));
      }
    }
    Credit credit = grpo(new Drop(10, 2, 1), new EveryGroup());
    Credit.Estimated estimated = estimated(credit, 2, rows, List.of());
    assertThat(estimated.groups()).isEqualTo(4);
    assertThat(estimated.tooFewOk()).isEqualTo(2);    // 0 and 1 ok
    assertThat(estimated.dropped()).isEqualTo(2);
    assertThat(estimated.equal()).isZero();
    Map<String, Row> byKey = byKey(estimated);
    assertThat(Advantages.DROPPED.<String>of(byKey.get("0/0"))).isEqualTo("reward right: error");
    assertThat(Advantages.DROPPED.<String>of(byKey.get("1/0")))
        .isEqualTo("group: 1 of 3 completions have all rewards, fewer than 2");
    assertThat(Advantages.REWARD.<Double>of(byKey.get("1/0"))).isZero();
    assertThat(Advantages.DROPPED.<String>of(byKey.get("1/1"))).isEqualTo("reward right: error");
    assertThat(Advantages.ADVANTAGE.<Double>of(byKey.get("2/1"))).isCloseTo(ROOT, CLOSE);    // exactly leastOk
    assertThat(credit.training(Rows.in(2, rows))).containsExactlyInAnyOrder(Credit.key(0, "2"), Credit.key(0, "3"));
  }

  @Test
  void dynamicSamplingCountsTheGroupsThatTrain() {
    List<Row> rows = new ArrayList<>();
    for (int s = 0; s < 3; s++) {    // by "right" alone both are mixed; of b only one completion has its other reward
      rows.add(Rows.reward("a", s, "right", s % 2));
      rows.add(Rows.reward("a", s, "short", 0));
      rows.add(Rows.reward("b", s, "right", s % 2));
      rows.add(s == 0 ? Rows.reward("b", s, "short", 0) : Rows.failed("b", s, "short"));
    }
    for (OnError onError : List.of(new Drop(10, 2, 1), new Drop(10, 1, 1), new Zero(10, 1))) {
      Credit credit = new Credit(new WeightedSum(Map.of("right", 1.0, "short", 1.0)), onError,
          new MixedGroups("right", 3), new Grpo(1e-6), 0, Set.of(Credit.key(0, "a")));
      Set<String> trained = new HashSet<>(List.of(Credit.key(0, "a")));
      if (onError instanceof Zero) {
        trained.add(Credit.key(0, "b"));
      }
      for (int slices : Rows.SLICES) {
        assertThat(credit.training(Rows.in(slices, rows))).as("%s", onError).isEqualTo(trained);
      }
    }
  }

  @Test
  void ofSeveralFailuresTheFirstByNameIsTheReasonWhateverTheOrder() {
    Credit credit = new Credit(new WeightedSum(Map.of("a", 1.0, "b", 1.0)), new Drop(10, 2, 1), new EveryGroup(),
        new Grpo(1e-6), 0, Set.of());
    List<Row> rows = List.of(Rows.failed("g", 0, "a"), Rows.failed("g", 0, "b"));
    for (List<Row> order : List.of(rows, List.of(rows.get(1), rows.get(0)))) {
      assertThat(Advantages.DROPPED.<String>of(byKey(estimated(credit, 1, order, List.of())).get("g/0")))
          .isEqualTo("reward a: error");
    }
  }

  @Test
  void partitionsDoNotMatterToFailures() {
    List<Row> rows = many();
    for (int i = 0; i < 20; i++) {
      for (int s = 5; s < 8; s++) {
        rows.add(Rows.failed("g" + i, s, "right"));
      }
    }
    Set<String> seen = new HashSet<>();
    for (OnError onError : List.of(new Drop(10, 3, 1), new Zero(10, 1))) {
      Set<String> digests = new HashSet<>();
      for (int slices : Rows.SLICES) {
        Credit.Estimated estimated = estimated(grpo(onError, new EveryGroup()), slices, rows, List.of());
        digests.add(Rows.digest(estimated.advantages(), Advantages.TABLE));
        estimated.free();
      }
      assertThat(digests).as("%s", onError).hasSize(1);
      seen.addAll(digests);
    }
    assertThat(seen).hasSize(2);
  }

  @Test
  void tablesGiveWhatRowsInMemoryGive() {
    for (AdvantageEstimator estimator : List.of(new Grpo(1e-6), new BatchMean(), new MovingBaseline(0.5, 0))) {
      Credit credit = credit(estimator, new EveryGroup(), Set.of(Credit.key(0, "g3")));
      Credit.Estimated held = estimated(credit, 2, many(), List.of());
      String digest = Rows.digest(held.advantages(), Advantages.TABLE);
      held.free();
      for (int slices : Rows.SLICES) {
        assertSame(streamed(credit, slices, many(), List.of()), held, digest);
      }
    }
  }

  @Test
  void tokensOfTablesGetWhatTokensInMemoryGet() {
    Credit credit = new Credit(new WeightedSum(Map.of("right", 1.0, "kl", 0.5)), ANY, new EveryGroup(),
        new ReinforcePlusPlus(1), 0, Set.of());
    List<Row> rewards = new ArrayList<>();
    List<Row> rollouts = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      rewards.add(Rows.reward("g" + i / 2, i % 2, "right", i % 3));
      rewards.add(Rows.ofTokens("g" + i / 2, i % 2, "kl", Math.sin(i) * 1e3, i));
      rollouts.add(Rows.rollout("g" + i / 2, i % 2, 5, 1));
    }
    Credit.Estimated held = estimated(credit, 2, rewards, rollouts);
    String digest = Rows.digest(held.advantages(), Advantages.TABLE);
    held.free();
    for (int slices : Rows.SLICES) {
      assertSame(streamed(credit, slices, rewards, rollouts), held, digest);
    }
    assertThatThrownBy(() -> streamed(credit, 2, rewards, List.of())).isInstanceOf(DataException.class)
        .hasMessageMatching("rewards: g[0-9]+, sample [01], kl has 2 token values for 0 tokens. Score again.");
  }

  @Test
  void groupsThatDoNotFitInMemoryGoThroughTheDisk() throws Exception {
    Credit credit = credit(new BatchMean(), new EveryGroup(), Set.of());
    Credit.Estimated held = estimated(credit, 2, many(), List.of());
    String digest = Rows.digest(held.advantages(), Advantages.TABLE);
    held.free();
    SparkSession spark = TestSession.spark();
    AtomicLong spilled = new AtomicLong();
    SparkListener listener = new SparkListener() {
      @Override
      public void onTaskEnd(SparkListenerTaskEnd task) {
        spilled.addAndGet(task.taskMetrics().diskBytesSpilled());
      }
    };
    spark.sparkContext().addSparkListener(listener);
    SparkEnv.get().conf().set(SPILL_AFTER, "10");
    try {
      assertSame(streamed(credit, 2, many(), List.of()), held, digest);
    } finally {
      SparkEnv.get().conf().remove(SPILL_AFTER);
    }
    spark.sparkContext().listenerBus().waitUntilEmpty();
    spark.sparkContext().removeSparkListener(listener);
    assertThat(spilled.get()).isPositive();
  }

  @Test
  void bucketsFollowFromKeysAsSqlSeesThem() {
    List<String> keys = List.of("", "000000/a", "000001/\u00fc\ud83d\ude00", Credit.key(1234567, "long"));
    Dataset<Row> hashed = TestSession.spark().createDataset(keys, Encoders.STRING()).toDF();
    List<Row> rows = hashed.withColumn("bucket", Buckets.of(hashed.col("value"))).collectAsList();
    for (Row row : rows) {
      assertThat(row.getInt(1)).as(row.getString(0)).isEqualTo(Buckets.of(row.getString(0))).isBetween(0, 1023);
    }
    assertThat(Credit.key(7, "g")).isEqualTo("000007/g");
    assertThat(Credit.key(1234567, "g")).isEqualTo("1234567/g");
  }

  @Test
  void ofSeveralFailuresTheFirstNameIsGiven() {
    Credit credit = new Credit(new WeightedSum(Map.of("right", 1.0, "short", 0.5)), ANY, new EveryGroup(),
        new Grpo(1e-6), 0, Set.of());
    List<Row> rewards = List.of(Rows.failed("a", 0, "short"), Rows.failed("a", 0, "right"));
    for (List<Row> order : List.of(rewards, List.of(rewards.get(1), rewards.get(0)))) {
      assertThat(Advantages.DROPPED.<String>of(byKey(credit.over(Rows.in(1, order), Rows.in(1, List.of()), 1))
          .get("a/0"))).isEqualTo("reward right: error");
    }
  }

  private static Credit.Estimated streamed(Credit credit, int slices, List<Row> rewards, List<Row> rollouts) {
    return credit.streamed(Rows.table(slices, rewards, Rewards.TABLE), Rows.table(slices, rollouts, Rollouts.TABLE),
        slices);
  }

  private static void assertSame(Credit.Estimated streamed, Credit.Estimated held, String digest) {
    assertThat(Rows.digest(streamed.advantages(), Advantages.TABLE)).isEqualTo(digest);
    assertThat(streamed.rewards()).isEqualTo(held.rewards());
    assertThat(List.of(streamed.groups(), streamed.equal(), streamed.dropped()))
        .isEqualTo(List.of(held.groups(), held.equal(), held.dropped()));
  }

  @Test
  void nothingGivesNothing() {
    Credit.Estimated estimated = estimated(credit(new BatchMean(), new EveryGroup(), Set.of()), 2, List.of(), List
        .of());
    assertThat(estimated.advantages().collect()).isEmpty();
    assertThat(estimated.groups()).isZero();
    assertThat(estimated.rewards().count()).isZero();
  }

  private static List<Row> many() {
    List<Row> rows = new ArrayList<>(rewards());
    for (int i = 0; i < 20; i++) {
      for (int s = 0; s < 5; s++) {
        rows.add(Rows.reward("g" + i, s, "right", Math.sin(i * 5 + s) * 1e3));    // sums depend on their order
      }
    }
    return rows;
  }
}
