package alluvium.regularizers;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import alluvium.contracts.Gradients;
import alluvium.contracts.Rows;
import alluvium.tables.RecipeException;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Expectations over the three tokens of a vocabulary: pi = (.6, .3, .1) with logits log pi, ref = (.2, .3, .5). */
class RegularizersTest {
  private static final double[] PI = {.6, .3, .1};
  private static final double[] REF = {.2, .3, .5};
  /** .6 log 3 + .1 log .2 = .659167 - .160944. */
  private static final double REVERSE_KL = .498224;
  /** pi_a (log(pi_a / ref_a) - KL). */
  private static final double[] REVERSE_SLOPE = {.360233, -.149467, -.210766};
  /** pi - ref. */
  private static final double[] FORWARD_SLOPE = {.4, 0, -.4};

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
  void k1HasTheValueOfTheDivergenceAndNoGradient() {
    check(new Kl(1, new K1(), new Direct()), PI, REVERSE_KL, new double[3]);
  }

  @Test
  void k2IsBiasedAndHasTheGradientOfTheReverseDivergence() {
    // .6 (log 3)^2 / 2 + .1 (log .2)^2 / 2
    check(new Kl(1, new K2(), new Direct()), PI, .491599, REVERSE_SLOPE);
  }

  @Test
  void k3IsUnbiasedAndHasTheGradientOfTheForwardDivergence() {
    check(new Kl(1, new K3(), new Direct()), PI, REVERSE_KL, FORWARD_SLOPE);
  }

  @Test
  void straightThroughHasOneValueAndTheOtherGradient() {
    check(new Kl(1, new K3(), new StraightThrough(new K2())), PI, REVERSE_KL, REVERSE_SLOPE);
    check(new Kl(1, new K2(), new StraightThrough(new K3())), PI, .491599, FORWARD_SLOPE);
  }

  @Test
  void importanceWeightedHasTheGradientOfTheReverseDivergenceWhoeverSampled() {
    for (double[] sampler : new double[][] {PI, {.5, .25, .25}}) {
      check(new Kl(1, new K1(), new ImportanceWeighted()), sampler, REVERSE_KL, REVERSE_SLOPE);
      check(new Kl(1, new K3(), new ImportanceWeighted()), sampler, REVERSE_KL, REVERSE_SLOPE);
    }
  }

  @Test
  void detachedIsAMetric() {
    check(new Kl(1, new K3(), new Detached()), PI, REVERSE_KL, new double[3]);
  }

  @Test
  void betaScalesValueAndGradient() {
    check(new Kl(.5f, new K3(), new Direct()), PI, REVERSE_KL / 2, new double[] {.2, 0, -.2});
  }

  @Test
  void k3PerToken() {
    // 1/3 - 1 + log 3, 0, 5 - 1 - log 5
    assertArrayEquals(new double[] {.431946, 0, 2.390562}, values(new K3(), PI, REF), 1e-6);
  }

  @Test
  void variancesUnderPi() {
    double[] pi = {.5, .3, .2};
    assertEquals(.274887, moment(new K1(), pi, 1), 1e-6);
    assertEquals(.512149, moment(new K1(), pi, 2) - Math.pow(moment(new K1(), pi, 1), 2), 1e-6);
    assertEquals(.037008, moment(new K2(), pi, 2) - Math.pow(moment(new K2(), pi, 1), 2), 1e-6);
    assertEquals(.042600, moment(new K3(), pi, 2) - Math.pow(moment(new K3(), pi, 1), 2), 1e-6);
  }

  @Test
  void equalPoliciesAreZero() {
    for (KlEstimator estimator : new KlEstimator[] {new K1(), new K2(), new K3()}) {
      assertArrayEquals(new double[3], values(estimator, PI, PI), 1e-15);
    }
  }

  @Test
  void aTokenImpossibleUnderTheReferenceIsCutOff() {
    NDArray reference = manager.create(new float[] {Float.NEGATIVE_INFINITY, 0}).reshape(1, 2);
    NDArray logp = manager.create(new float[] {-1, -300}).reshape(1, 2);
    UnaryOperator<NDArray> k1 = x -> new Kl(1, new K1(), new Direct()).terms(Rows.sampled(x, x, reference));
    assertArrayEquals(new double[] {20, -20}, Gradients.doubles(k1.apply(logp)), 0);
    assertArrayEquals(new double[2], Gradients.byEngine(logp, k1), 0);
    // e^-20 - 1 + 20 and e^20 - 1 - 20 are cut at 10
    UnaryOperator<NDArray> k3 = x -> new Kl(1, new K3(), new Direct()).terms(Rows.sampled(x, x, reference));
    assertArrayEquals(new double[] {10, 10}, Gradients.doubles(k3.apply(logp)), 0);
    assertArrayEquals(new double[2], Gradients.byEngine(logp, k3), 0);
  }

  @Test
  void fullDivergencesBothWays() {
    // .2 log(1/3) + .5 log 5 = -.219722 + .804719
    full(new FullKl(1, new Reverse()), REVERSE_KL, REVERSE_SLOPE);
    full(new FullKl(1, new Forward()), .584996, FORWARD_SLOPE);
    full(new FullKl(.5f, new Forward()), .584996 / 2, new double[] {.2, 0, -.2});
  }

  @Test
  void entropyBonusPullsTowardsUniform() {
    // H = -(.6 log .6 + .3 log .3 + .1 log .1) = .306495 + .361192 + .230259; d(-H)/dlogit_a = pi_a (log pi_a + H)
    double h = .897946;
    full(new EntropyBonus(.1f), -.1 * h,
        new double[] {.06 * (Math.log(.6) + h), .03 * (Math.log(.3) + h), .01 * (Math.log(.1) + h)});
  }

  @Test
  void impossibleTokensOfAFullDistributionCountNothingOrHundredNats() {
    float none = Float.NEGATIVE_INFINITY;
    float half = (float) Math.log(.5);
    NDArray live = manager.create(new float[] {half, half, none}).reshape(1, 1, 3);
    NDArray reference = manager.create(new float[] {half, none, half}).reshape(1, 1, 3);
    // .5 (log .5 + 100) and twice nothing
    for (KlDirection direction : new KlDirection[] {new Reverse(), new Forward()}) {
      UnaryOperator<NDArray> kl = x -> new FullKl(1, direction).terms(Rows.full(x.logSoftmax(2), reference));
      assertArrayEquals(new double[] {.5 * (100 + Math.log(.5))}, Gradients.doubles(kl.apply(live)), 1e-4);
      for (double slope : Gradients.byEngine(live, kl)) {
        assertEquals(true, Double.isFinite(slope));
      }
    }
    UnaryOperator<NDArray> entropy = x -> new EntropyBonus(1).terms(Rows.full(x.logSoftmax(2), reference));
    assertArrayEquals(new double[] {Math.log(.5)}, Gradients.doubles(entropy.apply(live)), 1e-6);
    assertArrayEquals(new double[3], Gradients.byEngine(live, entropy), 1e-6);
  }

  @Test
  void whatEachLooksAt() {
    assertEquals(Regularizer.Needs.REFERENCE, new Kl(1, new K1(), new Direct()).needs());
    assertEquals(Regularizer.Needs.FULL_REFERENCE, new FullKl(1, new Reverse()).needs());
    assertEquals(Regularizer.Needs.FULL, new EntropyBonus(1).needs());
    assertEquals(Regularizer.Needs.NOTHING, new NoRegularizer().needs());
  }

  @Test
  void noRegularizerIsZero() {
    NDArray any = manager.create(new float[] {-1, -2}).reshape(1, 2);
    assertArrayEquals(new float[2], new NoRegularizer().terms(Rows.of(any, any, any)).toFloatArray());
  }

  @Test
  void badComponentsAreNamed() {
    assertThatThrownBy(() -> new Kl(-1, new K1(), new Direct())).isInstanceOf(RecipeException.class)
        .hasMessage("Kl.beta must be >= 0 and finite, got -1.0. 0.001 to 0.04 is usual.");
    assertThatThrownBy(() -> new FullKl(-1, new Reverse())).isInstanceOf(RecipeException.class)
        .hasMessage("FullKl.beta must be >= 0 and finite, got -1.0. 0.001 to 0.04 is usual.");
    assertThatThrownBy(() -> new EntropyBonus(Float.NaN)).isInstanceOf(RecipeException.class)
        .hasMessage("EntropyBonus.coefficient must be finite, got NaN. 0.001 to 0.01 is usual.");
  }

  /** The mean over tokens drawn by the sampler, which does not depend on the logits. */
  private void check(Regularizer regularizer, double[] sampler, double value, double[] slope) {
    NDArray old = manager.create(sampler);
    NDArray logits = manager.create(PI).log();
    UnaryOperator<NDArray> mean = x -> regularizer
        .terms(Rows.sampled(x.logSoftmax(0), old.log(), manager.create(REF).log())).mul(old);
    assertEquals(value, Gradients.doubles(mean.apply(logits).sum())[0], 1e-6, regularizer + " value");
    assertArrayEquals(slope, Gradients.byEngine(logits, mean), 1e-6, regularizer + " slope");
  }

  private void full(Regularizer regularizer, double value, double[] slope) {
    NDArray logits = manager.create(PI).log().reshape(1, 1, 3);
    UnaryOperator<NDArray> f = x -> regularizer
        .terms(Rows.full(x.logSoftmax(2), manager.create(REF).log().reshape(1, 1, 3)));
    assertArrayEquals(new double[] {value}, Gradients.doubles(f.apply(logits)), 1e-6, regularizer + " value");
    assertArrayEquals(slope, Gradients.byEngine(logits, f), 1e-6, regularizer + " slope");
  }

  private double[] values(KlEstimator estimator, double[] pi, double[] ref) {
    return Gradients.doubles(estimator.value(manager.create(pi).log().sub(manager.create(ref).log())));
  }

  private double moment(KlEstimator estimator, double[] pi, int power) {
    double[] values = values(estimator, pi, REF);
    double moment = 0;
    for (int a = 0; a < pi.length; a++) {
      moment += pi[a] * Math.pow(values[a], power);
    }
    return moment;
  }
}
