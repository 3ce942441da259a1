package alluvium.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import alluvium.normalizers.PerToken;
import alluvium.objectives.ClipHigher;
import alluvium.objectives.Loss;
import alluvium.objectives.NegativeLogLikelihood;
import alluvium.objectives.Objective;
import alluvium.optimizers.AdamW;
import alluvium.optimizers.Constant;
import alluvium.optimizers.MiniBatches;
import alluvium.optimizers.Optimizer;
import alluvium.policies.Checkpoint;
import alluvium.policies.Example;
import alluvium.policies.Tensors;
import alluvium.policies.TokenBatch;
import alluvium.regularizers.Direct;
import alluvium.regularizers.Forward;
import alluvium.regularizers.FullKl;
import alluvium.regularizers.K3;
import alluvium.regularizers.Kl;
import alluvium.regularizers.Regularizer;
import alluvium.rollouts.Sampling;
import alluvium.tables.Advantages;
import alluvium.tables.DataException;
import alluvium.tables.Field;
import alluvium.tables.Rollouts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;

/** The way from rows of rollouts and advantages to a policy's new weights. */
class UpdateShardsTest {
  private static final Checkpoint START = TinyPolicies.checkpoint(1);
  private static final PolicyHandle POLICY = TinyPolicies.handle(START);
  private static final PolicyHandle OTHER = TinyPolicies.handle(TinyPolicies.checkpoint(2));
  private static final Optimizer ADAM = new AdamW(1e-2, 0.9, 0.95, 1e-8, 0.01, 1, new Constant(0));
  private static final List<String> SUMS = List.of("0+0=", "0+1=", "1+0+1=", "2+0=", "0+0+1+1=");
  private static final List<Row> ROLLOUTS = Rows.generated(new Rollout(POLICY, new Sampling(5, 1, 0, 1, 0, List.of(),
      List.of(), 2), 3, Rows.RUN, 0, 0, 0), Rows.prompts(SUMS.toArray(String[]::new)));

  private final JavaSparkContext context = JavaSparkContext.fromSparkContext(TestSession.spark().sparkContext());

  private static Row advantage(Row rollout, Map<Field, Object> credit) {
    Map<Field, Object> values = new HashMap<>(credit);
    for (Field key : List.of(Advantages.RUN_ID, Advantages.ITERATION, Advantages.WAVE, Advantages.PROMPT_ID,
        Advantages.GROUP_ID, Advantages.SAMPLE)) {
      values.put(key, key.of(rollout));
    }
    return Advantages.TABLE.row(values);
  }

  /** Sample 0 of each group has the credit 1, sample 1 has -0.5, the last one is dropped. */
  private static List<Row> advantages(List<Row> rollouts) {
    double[] credits = {1, -0.5};
    return rollouts.stream().map(row -> {
      int sample = Rollouts.SAMPLE.of(row);
      return advantage(row, sample < 2 ? Map.of(Advantages.ADVANTAGE, credits[sample], Advantages.REWARD, 1.0)
          : Map.of(Advantages.DROPPED, "reward right: error"));
    }).toList();
  }

  private static GradientShards gradients(Objective objective, List<Regularizer> regularizers,
      List<PolicyHandle> consulted) {
    return new GradientShards(POLICY, consulted, new Loss(objective, regularizers, new PerToken()), 1, 4);
  }

  private record Outcome(Tensors weights, List<Tensors> slots, List<Stepping.Step> steps, long examples) {
    String bits() {
      StringBuilder bits = new StringBuilder();
      weights.values().forEach(v -> bits.append(Arrays.hashCode(v)).append('/'));
      slots.forEach(slot -> slot.values().forEach(v -> bits.append(Arrays.hashCode(v)).append('/')));
      return bits.toString();
    }
  }

  private Outcome updated(int slices, List<Row> rollouts, List<Row> advantages, MiniBatches steps,
      GradientShards gradients,
      List<PolicyHandle> reference) {
    List<Tensors> slots = List.of(START.weights().zeros(), START.weights().zeros());
    Stepping stepping = new Stepping(context, gradients, ADAM, START.weights().copy(), slots, 0);
    List<Stepping.Step> done = new ArrayList<>();
    try (UpdateShards batch = UpdateShards.of(Rows.in(slices, advantages), Rows.in(slices, rollouts), steps, reference,
        1,
        5, 0)) {
      for (int epoch = 0; epoch < steps.epochs(); epoch++) {
        for (int part = 0; part < batch.miniBatches(); part++) {
          done.add(stepping.step(batch.miniBatch(part)));
        }
      }
      return new Outcome(stepping.weights(), stepping.slots(), done, batch.examples());
    }
  }

  @Test
  void weightsAreBitEqualWhateverThePartitionsAndTheOrder() {
    List<Regularizer> penalties = List.of(new Kl(0.1f, new K3(), new Direct()));
    Set<String> bits = new HashSet<>();
    for (int slices : Rows.SLICES) {
      Outcome outcome = updated(slices, ROLLOUTS, advantages(ROLLOUTS), new MiniBatches(2, 2, 2, 3),
          gradients(new ClipHigher(0.2f, 0.28f), penalties, List.of()), List.of(OTHER));
      bits.add(outcome.bits());
      assertThat(outcome.steps()).hasSize(4);
      assertThat(outcome.examples()).isEqualTo(10);
    }
    assertThat(bits).hasSize(1);
    List<Row> zero = ROLLOUTS.stream().map(row -> advantage(row, Map.of(Advantages.ADVANTAGE, 0.0))).toList();
    assertThat(updated(2, ROLLOUTS, zero, new MiniBatches(2, 2, 2, 3), gradients(new ClipHigher(0.2f, 0.28f), penalties,
        List.of()), List.of(OTHER)).bits()).isNotIn(bits);
  }

  @Test
  void onPolicyTheLossIsTheMeanCreditOfTheTokensThatCount() {
    double credit = 0;
    long tokens = 0;
    for (Row row : ROLLOUTS) {
      int sample = Rollouts.SAMPLE.of(row);
      credit += sample == 0 ? Rollouts.TOKENS.size(row) : sample == 1 ? -0.5 * Rollouts.TOKENS.size(row) : 0;
      tokens += sample < 2 ? Rollouts.TOKENS.size(row) : 0;
    }
    Stepping.Step step = updated(2, ROLLOUTS, advantages(ROLLOUTS), new MiniBatches(1, 1, 2, 3),
        gradients(new ClipHigher(0.2f, 0.28f), List.of(), List.of()), List.of()).steps().get(0);
    assertThat(step.sums().tokens()).isEqualTo(tokens);
    assertThat(step.sums().completions()).isEqualTo(10);
    assertThat(step.loss()).isCloseTo(-credit / tokens, org.assertj.core.data.Offset.offset(1e-4));
    assertThat(step.sums().ratio() / tokens).isCloseTo(1, org.assertj.core.data.Offset.offset(1e-4));
    assertThat(step.sums().mismatch()).isLessThan(1e-4);
    assertThat(step.sums().clipped()).isZero();
    assertThat(step.gradientNorm()).isPositive();
  }

  @Test
  void tokensThatThePolicyDidNotWriteDoNotCount() {
    List<Row> other = ROLLOUTS.stream().map(row -> {
      Map<Field, Object> values = new HashMap<>();
      Rollouts.TABLE.fields().forEach(f -> values.put(f, f.of(row)));
      int[] roles = new int[Rollouts.TOKENS.size(row)];
      Arrays.fill(roles, 2);
      roles[0] = 1;
      values.put(Rollouts.ROLES, roles);
      return Rollouts.TABLE.row(values);
    }).toList();
    Stepping.Step step = updated(2, other, advantages(other), new MiniBatches(1, 1, 2, 3),
        gradients(new ClipHigher(0.2f, 0.28f), List.of(), List.of()), List.of()).steps().get(0);
    assertThat(step.sums().tokens()).isEqualTo(10);
  }

  @Test
  void nothingThatTrainsChangesNothing() {
    List<Row> dropped = ROLLOUTS.stream().map(row -> advantage(row, Map.of(Advantages.DROPPED, "reward r: error")))
        .toList();
    for (List<Row> advantages : List.of(dropped, List.<Row>of())) {
      Outcome outcome = updated(2, ROLLOUTS, advantages, new MiniBatches(1, 2, 2, 3),
          gradients(new ClipHigher(0.2f, 0.28f), List.of(), List.of()), List.of(OTHER));
      assertThat(outcome.examples()).isZero();
      assertThat(outcome.steps()).hasSize(2).allMatch(s -> s.sums().tokens() == 0 && s.gradientNorm() == 0);
      for (int i = 0; i < START.weights().size(); i++) {
        assertThat(outcome.weights().values().get(i)).isEqualTo(START.weights().values().get(i));
      }
    }
  }

  @Test
  void oneGroupLeavesTheOtherMiniBatchesOut() {
    List<Row> one = ROLLOUTS.stream().filter(r -> Rollouts.GROUP_ID.of(r).equals("0+0=")).toList();
    Outcome outcome = updated(7, one, advantages(one), new MiniBatches(1, 3, 2, 3),
        gradients(new ClipHigher(0.2f, 0.28f), List.of(), List.of()), List.of());
    assertThat(outcome.steps()).extracting(s -> s.sums().completions()).containsExactlyInAnyOrder(2L, 0L, 0L);
    assertThat(outcome.bits()).isNotEqualTo(new Outcome(START.weights(), List.of(), List.of(), 0).bits());
  }

  @Test
  void anAdvantageThatIsNoNumberIsRefusedWithItsKeys() {
    List<Row> poisoned = new ArrayList<>(advantages(ROLLOUTS));
    poisoned.set(0, advantage(ROLLOUTS.get(0), Map.of(Advantages.ADVANTAGE, Double.NaN)));
    String key = Credit.key(ROLLOUTS.get(0)) + "/0";
    assertThatThrownBy(() -> updated(2, ROLLOUTS, poisoned, new MiniBatches(1, 1, 1, 1), new GradientShards(POLICY,
        List.of(), new Loss(new ClipHigher(0.2f, 0.28f), List.of(), new PerToken()), 1, 1), List.of()))
        .isInstanceOf(DataException.class).hasMessage("the loss of examples " + key + " to " + key
            + " is NaN: the step is refused. Look at their log-probabilities and advantages, or lower the learning"
            + " rate.");
  }

  @Test
  void aWeightThatIsNoNumberIsRefused() {
    Tensors weights = START.weights().copy();
    weights.values().get(weights.size() - 1)[0] = Float.NaN;
    Stepping stepping = new Stepping(context, gradients(new ClipHigher(0.2f, 0.28f), List.of(), List.of()), ADAM,
        weights,
        List.of(weights.zeros(), weights.zeros()), 0);
    try (UpdateShards batch = UpdateShards.of(Rows.in(2, advantages(ROLLOUTS)), Rows.in(2, ROLLOUTS),
        new MiniBatches(1, 1, 2, 4), List.of(), 1, 5, 0)) {
      assertThatThrownBy(() -> stepping.step(batch.miniBatch(0))).isInstanceOf(DataException.class)
          .hasMessageMatching("the loss of examples 000000/\\S+/[01] to 000000/\\S+/[01] is NaN: the step is .*");
    }
    assertThat(stepping.steps()).isZero();
  }

  @Test
  void rowsThatDoNotFitAreRefusedWithTheirKey() {
    assertThatThrownBy(() -> updated(2, ROLLOUTS.subList(3, ROLLOUTS.size()), advantages(ROLLOUTS),
        new MiniBatches(1, 1, 1, 4), gradients(new ClipHigher(0.2f, 0.28f), List.of(), List.of()), List.of()))
        .isInstanceOf(DataException.class).hasMessageMatching(
            "rollouts: 000000/\\S+/[01], which has an advantage, is not there\\. Run Estimate again\\.");
    List<Row> uneven = List.of(advantage(ROLLOUTS.get(0), Map.of(Advantages.TOKEN_ADVANTAGES, new float[77])));
    assertThatThrownBy(() -> updated(2, ROLLOUTS, uneven, new MiniBatches(1, 1, 1, 4),
        gradients(new ClipHigher(0.2f, 0.28f), List.of(), List.of()), List.of()))
        .isInstanceOf(DataException.class).hasMessageContaining(" log-probabilities, 77 advantages, ");
  }

  /** Waits for another thread, so that a step ends only where two tasks are in it at once. */
  record Together() implements Objective {
    private static final CyclicBarrier BARRIER = new CyclicBarrier(2);

    @Override
    public NDArray terms(TokenBatch b) {
      try {
        BARRIER.await(30, TimeUnit.SECONDS);
      } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
        throw new IllegalStateException(e);
      }
      return new NegativeLogLikelihood().terms(b);
    }
  }

  @Test
  void twoTasksDifferentiateOnePolicyAtOnce() {
    MiniBatches steps = new MiniBatches(1, 1, 2, 64);
    long before = PolicyHandle.loads();
    Outcome together = updated(2, ROLLOUTS, advantages(ROLLOUTS), steps, new GradientShards(POLICY, List.of(),
        new Loss(new Together(), List.of(), new PerToken()), 1, 64), List.of());
    assertThat(PolicyHandle.loads() - before).isEqualTo(1);
    Outcome apart = updated(2, ROLLOUTS, advantages(ROLLOUTS), steps, new GradientShards(POLICY, List.of(),
        new Loss(new NegativeLogLikelihood(), List.of(), new PerToken()), 1, 64), List.of());
    assertThat(together.bits()).isEqualTo(apart.bits());
  }

  @Test
  void microBatchesLeaveNothingBehind() {
    Broadcast<Tensors> weights = context.broadcast(START.weights().copy());
    List<Example> examples = new ArrayList<>();
    for (Row row : ROLLOUTS) {
      float[] ones = new float[Rollouts.TOKENS.size(row)];
      Arrays.fill(ones, 1);
      examples.add(new Example(Credit.key(row) + Rollouts.SAMPLE.of(row), Rollouts.PROMPT_TOKENS.ints(row),
          Rollouts.TOKENS.ints(row), Rollouts.LOGP.floats(row), Rollouts.LOGP.floats(row), ones, ones));
    }
    for (Regularizer penalty : List.of(new Kl(0.1f, new K3(), new Direct()), new FullKl(0.1f, new Forward()))) {
      GradientShards shards = new GradientShards(POLICY, List.of(OTHER),
          new Loss(new ClipHigher(0.2f, 0.28f), List.of(penalty), new PerToken()), 1, 1);
      GradientShards.Sums first = shards.sums("leak", weights, examples);
      int live = POLICY.with("leak", weights, p -> p.managedArrays());
      int fixed = OTHER.with(p -> p.managedArrays());
      GradientShards.Sums again = first;
      for (int i = 0; i < 7; i++) {    // 15 micro-batches each
        again = shards.sums("leak", weights, examples);
      }
      assertThat(POLICY.<Integer>with("leak", weights, p -> p.managedArrays())).isEqualTo(live);
      assertThat(OTHER.<Integer>with(p -> p.managedArrays())).isEqualTo(fixed);
      for (int i = 0; i < START.weights().size(); i++) {
        assertThat(again.gradients().values().get(i)).isEqualTo(first.gradients().values().get(i));
      }
    }
  }
}
