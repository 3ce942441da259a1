package alluvium.contracts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import alluvium.advantages.AdvantageEstimator;
import alluvium.advantages.BatchAdvantage;
import alluvium.advantages.GroupAdvantage;
import alluvium.advantages.Moments;
import alluvium.advantages.MovingAdvantage;
import alluvium.advantages.TokenAdvantage;
import alluvium.normalizers.Normalizer;
import alluvium.objectives.Objective;
import alluvium.optimizers.Optimizer;
import alluvium.optimizers.Schedule;
import alluvium.optimizers.Steps;
import alluvium.policies.TokenBatch;
import alluvium.references.Reference;
import alluvium.regularizers.K3;
import alluvium.regularizers.KlDirection;
import alluvium.regularizers.KlEstimator;
import alluvium.regularizers.KlGradient;
import alluvium.regularizers.Regularizer;
import alluvium.selections.GroupSelection;
import alluvium.selections.Selection;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** What every record of a slot must obey, found by itself: a new class is under contract from its first compilation. */
class SlotsTest {
  private static final List<Class<?>> SLOTS = List.of(AdvantageEstimator.class, Objective.class, Regularizer.class,
      KlEstimator.class, KlGradient.class, KlDirection.class, Normalizer.class, Selection.class, Reference.class,
      Optimizer.class, Schedule.class, Steps.class);
  private static final List<double[]> GROUPS = List.of(new double[] {1, 0, 0, .5}, new double[] {3, -2},
      new double[] {.1, .7, .2, .9, .4}, new double[] {1, 1, 1}, new double[] {.3});
  private static final Moments BATCH = Moments.of(GROUPS.stream().flatMapToDouble(DoubleStream::of).toArray());
  private static final String SHIFT_INVARIANT = "Adding a constant to all rewards changes nothing";

  private NDManager manager;

  @BeforeEach
  void open() {
    manager = Gradients.open();
  }

  @AfterEach
  void close() {
    manager.close();
  }

  @Test
  void everySlotHasRecordsAndNoExampleIsNeedless() {
    SLOTS.forEach(slot -> assertThat(Examples.records(slot)).as(slot.getName()).isNotEmpty());
    Examples.REFUSE_DEFAULTS.keySet().forEach(type ->
        assertThat(Examples.takesDefaults(type.asSubclass(Record.class))).as(type.getName()).isFalse());
  }

  @TestFactory
  Stream<DynamicTest> comesBackEqualFromSerialization() {
    return SLOTS.stream().flatMap(slot -> each(slot, record -> {
      byte[] bytes = bytes(record);
      assertThat(bytes.length).isLessThan(10_000);
      try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes))) {
        assertEquals(record, in.readObject());
      } catch (IOException | ClassNotFoundException e) {
        throw new AssertionError(e);
      }
    }));
  }

  @TestFactory
  Stream<DynamicTest> everyComponentMatters() {
    return SLOTS.stream().flatMap(slot -> each(slot, record -> {
      double[] own = outputs(record);
      assertThat(own).as("the same twice").containsExactly(outputs(record));
      Examples.variants(record).forEach((component, variants) -> assertThat(variants)
          .as("changing %s of %s", component, record).anyMatch(other -> !Arrays.equals(own, outputs(other))));
    }));
  }

  @TestFactory
  Stream<DynamicTest> outputsAreFinite() {
    return SLOTS.stream().flatMap(slot -> each(slot, record -> {
      assertThat(outputs(record)).isNotEmpty();
      finite(outputs(record));
    }));
  }

  @TestFactory
  Stream<DynamicTest> advantagesAreOnePerReward() {
    return each(AdvantageEstimator.class, record -> GROUPS.forEach(rewards ->
        assertEquals(rewards.length, advantages(record, rewards, BATCH).length)));
  }

  @TestFactory
  Stream<DynamicTest> advantagesDoNotDependOnTheOrderOfCompletions() {
    return each(AdvantageEstimator.class, record -> GROUPS.forEach(rewards ->
        assertArrayEquals(reversed(advantages(record, rewards, BATCH)),
            advantages(record, reversed(rewards), BATCH), 1e-12)));
  }

  @TestFactory
  Stream<DynamicTest> groupAndBatchAdvantagesOfOneOrEqualRewardsAreZero() {
    return each(AdvantageEstimator.class, record -> {
      if (record instanceof GroupAdvantage || record instanceof BatchAdvantage) {
        for (double[] rewards : List.of(new double[] {.3}, new double[] {.3, .3, .3}, new double[] {.3, .1 + .2})) {
          assertArrayEquals(new double[rewards.length], advantages(record, rewards, Moments.of(rewards)), 0);
        }
      }
    });
  }

  @TestFactory
  Stream<DynamicTest> advantagesAreShiftInvariantWhereTheirDocSaysSo() {
    return each(AdvantageEstimator.class, record -> {
      double[] rewards = {1, 0, 0, .5};
      double[] plain = advantages(record, rewards, Moments.of(rewards));
      double[] shifted = {8, 7, 7, 7.5};
      double[] moved = advantages(record, shifted, Moments.of(shifted));
      boolean unchanged = IntStream.range(0, plain.length).allMatch(i -> Math.abs(plain[i] - moved[i]) < 1e-9);
      if (doc(record.getClass()).contains(SHIFT_INVARIANT)) {
        assertThat(unchanged).as("%s: %s", record, SHIFT_INVARIANT).isTrue();
      }
    });
  }

  @TestFactory
  Stream<DynamicTest> tokenCreditIsOnePerTokenAndZeroWithoutInformation() {
    return each(AdvantageEstimator.class, record -> {
      if (record instanceof TokenAdvantage method) {
        assertEquals(0, method.credit(1, new double[0], new double[] {1, 0}).length);
        assertEquals(3, method.credit(1, new double[3], new double[] {1, 0}).length);
        assertArrayEquals(new double[1], method.advantages(new double[] {.7}, Moments.of(.7)), 0);
        assertArrayEquals(new double[3], method.advantages(new double[] {.1, .1, .1}, Moments.of(.1, .1, .1)), 0);
      }
    });
  }

  @TestFactory
  Stream<DynamicTest> termsHaveTheShapeOfTheBatch() {
    return losses(loss -> {
      Probe probe = new Probe(manager, 1);
      assertEquals(probe.logp.getShape(), loss.terms(probe.batch(probe.logp, probe.full)).getShape());
    });
  }

  @TestFactory
  Stream<DynamicTest> termsDoNotDependOnTheOrderOfCompletions() {
    return losses(loss -> {
      Probe probe = new Probe(manager, 2);
      assertArrayEquals(Gradients.doubles(loss.terms(probe.batch(probe.logp, probe.full)).flip(0)),
          Gradients.doubles(loss.terms(probe.reversed())), 1e-12);
    });
  }

  @TestFactory
  Stream<DynamicTest> gradientsEqualDifferences() {
    return losses(loss -> {
      for (long seed = 0; seed < 3; seed++) {
        Probe probe = new Probe(manager, seed);
        assertArrayEquals(
            Gradients.byDifferences(probe.logp, x -> loss.surrogate(probe, x, probe.full).mul(probe.mask())),
            Gradients.byEngine(probe.logp, x -> loss.terms(probe.batch(x, probe.full)).mul(probe.mask())), 1e-7);
        assertArrayEquals(
            Gradients.byDifferences(probe.full, x -> loss.surrogate(probe, probe.logp, x).mul(probe.mask())),
            Gradients.byEngine(probe.full, x -> loss.terms(probe.batch(probe.logp, x)).mul(probe.mask())), 1e-7);
      }
    });
  }

  @TestFactory
  Stream<DynamicTest> emptyCompletionsAndExtremeRatiosGiveFiniteTermsAndGradients() {
    return losses(loss -> {
      Probe plain = new Probe(manager, 3);
      for (Probe probe : List.of(plain, plain.empty(), plain.extreme(), plain.extreme().empty())) {
        finite(Gradients.doubles(loss.terms(probe.batch(probe.logp, probe.full))));
        double[] slopes = Gradients.byEngine(probe.logp,
            x -> loss.terms(probe.batch(x, probe.full)).mul(probe.mask()));
        double[] mask = Gradients.doubles(probe.mask());
        finite(slopes);
        IntStream.range(0, mask.length).filter(i -> mask[i] == 0).forEach(i -> assertEquals(0, slopes[i], 0));
      }
    });
  }

  @TestFactory
  Stream<DynamicTest> normalizersIgnoreEmptyCompletionsAndNeverPreferShortOnes() {
    return each(Normalizer.class, record -> {
      Normalizer normalizer = (Normalizer) record;
      assertEquals(0, normalizer.share(0));
      double before = 0;
      for (int length = 1; length <= 8; length++) {
        // the loss of a batch of one completion whose tokens all have the loss 1
        double alone = normalizer.weight(length) * length / normalizer.share(length);
        assertThat(alone).isPositive().isFinite().isGreaterThanOrEqualTo(before - 1e-12);
        before = alone;
      }
    });
  }

  @TestFactory
  Stream<DynamicTest> schedulesStayBetweenZeroAndOne() {
    return each(Schedule.class, record -> IntStream.range(0, 40)
        .forEach(step -> assertThat(((Schedule) record).factor(step)).isBetween(0.0, 1.0)));
  }

  @TestFactory
  Stream<DynamicTest> optimizersDescendAndLeaveZeroGradientsAlone() {
    return each(Optimizer.class, record -> {
      Optimizer optimizer = (Optimizer) record;
      float[] weights = {1, -1, 2};
      List<float[]> slots = optimizer.slots().stream().map(name -> new float[3]).toList();
      optimizer.step(weights, new float[] {3, -2, 0}, slots, false, 4);   // past the warm-up of the examples
      assertThat(weights[0]).isLessThan(1);
      assertThat(weights[1]).isGreaterThan(-1);
      assertThat(weights[2]).isEqualTo(2);
    });
  }

  /** An objective or a regularizer: what gives terms. */
  private interface Loss {
    NDArray terms(TokenBatch batch);

    NDArray surrogate(Probe frozen, NDArray logp, NDArray full);
  }

  private Stream<DynamicTest> losses(Consumer<Loss> check) {
    return Stream.of(Objective.class, Regularizer.class).flatMap(slot -> each(slot, r -> check.accept(loss(r))));
  }

  private static Loss loss(Record record) {
    return new Loss() {
      @Override
      public NDArray terms(TokenBatch batch) {
        return record instanceof Objective o ? o.terms(batch) : ((Regularizer) record).terms(batch);
      }

      @Override
      public NDArray surrogate(Probe frozen, NDArray logp, NDArray full) {
        return record instanceof Objective o
            ? Surrogates.of(o, frozen.batch(frozen.logp, frozen.full), frozen.batch(logp, full))
            : Surrogates.of((Regularizer) record, frozen.batch(logp, full));
      }
    };
  }

  private Stream<DynamicTest> each(Class<?> slot, Consumer<Record> check) {
    return Examples.records(slot).stream().flatMap(type -> Examples.of(type).stream())
        .map(record -> dynamicTest(record.toString(), () -> check.accept(record)));
  }

  /** All that a record says on the probes: values, and gradients where it has them. */
  private double[] outputs(Record record) {
    DoubleStream.Builder out = DoubleStream.builder();
    Consumer<double[]> all = values -> Arrays.stream(values).forEach(out::add);
    if (record instanceof AdvantageEstimator) {
      GROUPS.forEach(rewards -> all.accept(advantages(record, rewards, BATCH)));
    }
    if (record instanceof MovingAdvantage moving) {
      out.add(moving.initial()).add(moving.next(.7, BATCH)).add(moving.state().hashCode());
    }
    if (record instanceof TokenAdvantage method) {
      all.accept(method.advantages(method.credit(1, new double[] {.1, -.3, .2}, GROUPS.get(0)), BATCH));
    }
    if (record instanceof Objective || record instanceof Regularizer) {
      Probe probe = new Probe(manager, 7);
      Function<NDArray, NDArray> sampled = x -> loss(record).terms(probe.batch(x, probe.full));
      UnaryOperator<NDArray> full = x -> loss(record).terms(probe.batch(probe.logp, x));
      all.accept(Gradients.doubles(sampled.apply(probe.logp)));
      all.accept(Gradients.byEngine(probe.logp, sampled::apply));
      all.accept(Gradients.byEngine(probe.full, full));
    }
    if (record instanceof KlEstimator estimator) {
      NDArray ratios = manager.create(new double[] {-3, -.1, 0, .2, 4}).reshape(1, 5);
      all.accept(Gradients.doubles(estimator.value(ratios)));
      all.accept(Gradients.byEngine(ratios, estimator::value));
    }
    if (record instanceof KlGradient gradient) {
      Probe probe = new Probe(manager, 7);
      UnaryOperator<NDArray> value = x -> gradient.terms(x.sub(probe.logp.div(2)), new K3(),
          probe.batch(x, probe.full));
      all.accept(Gradients.doubles(value.apply(probe.logp)));
      all.accept(Gradients.byEngine(probe.logp, value));
    }
    if (record instanceof KlDirection direction) {
      Probe probe = new Probe(manager, 7);
      all.accept(Gradients.doubles(direction.divergence(probe.full, probe.full.flip(0))));
    }
    if (record instanceof Normalizer normalizer) {
      IntStream.range(1, 9).forEach(n -> out.add(normalizer.weight(n)).add(normalizer.share(n)));
    }
    if (record instanceof Selection selection) {
      out.add(selection.maxRounds());
    }
    if (record instanceof GroupSelection selection) {
      out.add(selection.metric().hashCode());
      GROUPS.forEach(values -> out.add(selection.keeps(values) ? 1 : 0));
    }
    if (record instanceof Reference reference) {
      IntStream.range(0, 4).forEach(i -> out.add(reference.iteration(i)));
    }
    if (record instanceof Schedule schedule) {
      IntStream.range(0, 20).forEach(step -> out.add(schedule.factor(step)));
    }
    if (record instanceof Steps steps) {
      out.add(steps.epochs()).add(steps.miniBatches()).add(steps.shards()).add(steps.microBatch());
    }
    if (record instanceof Optimizer optimizer) {
      out.add(optimizer.maxNorm());
      float[] weights = {1, -1, 2};
      List<float[]> slots = optimizer.slots().stream().map(name -> new float[3]).toList();
      for (int step = 0; step < 9; step++) {
        optimizer.step(weights, new float[] {3 - step, -.1f * step, 1}, slots, true, step);
        all.accept(new double[] {optimizer.learningRate(step), weights[0], weights[1], weights[2]});
      }
    }
    return out.build().toArray();
  }

  /** One number per reward, whatever the estimator compares with; of token credit that of a completion's last token. */
  private static double[] advantages(Record record, double[] rewards, Moments batch) {
    if (record instanceof GroupAdvantage group) {
      return group.advantages(rewards);
    }
    if (record instanceof BatchAdvantage whole) {
      return whole.advantages(rewards, batch);
    }
    if (record instanceof MovingAdvantage moving) {
      return moving.advantages(rewards, moving.initial());
    }
    if (record instanceof TokenAdvantage token) {
      List<Double> last = new ArrayList<>();
      for (double reward : rewards) {
        last.add(token.credit(reward, new double[2], rewards)[1]);
      }
      return token.advantages(last.stream().mapToDouble(x -> x).toArray(),
          Moments.of(last.stream().mapToDouble(x -> x).toArray()));
    }
    throw new IllegalStateException(record.getClass() + " compares with something that this contract does not know");
  }

  private static void finite(double[] values) {
    assertThat(Arrays.stream(values).boxed()).allMatch(Double::isFinite);
  }

  private static double[] reversed(double[] values) {
    return IntStream.range(0, values.length).mapToDouble(i -> values[values.length - 1 - i]).toArray();
  }

  /** The source of a class as one line of words. */
  private static String doc(Class<?> type) {
    try {
      return Files.readString(Path.of("udfs", type.getName().replace('.', '/') + ".java"))
          .replaceAll("\\s+\\*?\\s*", " ");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static byte[] bytes(Record record) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(record);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return bytes.toByteArray();
  }
}
