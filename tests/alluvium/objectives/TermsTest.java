package alluvium.objectives;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import alluvium.contracts.Gradients;
import alluvium.contracts.Rows;
import alluvium.tables.RecipeException;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Terms of hand-made ratios, one completion (1, T), old log-probabilities log 0.1 throughout. */
class TermsTest {
  private static final float OLD = (float) Math.log(.1);

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
  void clipHigherTakesTheSmallerGain() {
    float[] rho = {1.5f, 1.5f, .5f, .5f};
    float[] a = {1, -1, 1, -1};
    // -min(1.5, 1.2), -min(-1.5, -1.2), -min(.5, .8), -min(-.5, -.8); where unclipped d/dlogp = -rho A
    check(new ClipHigher(.2f, .2f), rho, a, terms(-1.2, 1.5, -.5, .8), slopes(0, 1.5, -.5, 0));
  }

  @Test
  void clipHigherHasItsOwnUpperBound() {
    check(new ClipHigher(.2f, .28f), new float[] {1.25f, 1.5f}, new float[] {1, 1}, terms(-1.25, -1.28),
        slopes(-1.25, 0));
  }

  @Test
  void atRatioOneTheClippedTermsHaveThePolicyGradient() {
    float[] a = {2, -3};
    for (Objective objective : new Objective[] {new ClipHigher(.2f, .2f), new DualClip(.2f, .2f, 3),
        new SequenceClip(.2f, .2f)}) {
      check(objective, new float[] {1, 1}, a, terms(-2, 3), slopes(-2, 3));
    }
    for (Objective objective : new Objective[] {new PolicyGradient(), new TruncatedImportance(2),
        new Cispo(1, .2f)}) {
      check(objective, new float[] {1, 1}, a, terms(-2 * OLD, 3 * OLD), slopes(-2, 3));
    }
  }

  @Test
  void dualClipBoundsTheLossOfABadToken() {
    // A -1, rho 5: PPO's 5 is capped at 3; rho 2 is not; A 1 is PPO's 1.2
    check(new DualClip(.2f, .2f, 3), new float[] {5, 2, 5}, new float[] {-1, -1, 1}, terms(3, 2, -1.2),
        slopes(0, 2, 0));
    // with a cap that is never reached it is ClipHigher
    check(new DualClip(.2f, .2f, 1e9f), new float[] {5, .5f}, new float[] {-1, 1}, terms(5, -.5), slopes(5, -.5));
  }

  @Test
  void cispoBoundsTheWeightAndKeepsTheGradient() {
    // weights 1.2, .5, 1: the term is -weight A logp, its slope -weight A
    double[] logp = {Math.log(.15), Math.log(.05), Math.log(.1)};
    check(new Cispo(10, .2f), new float[] {1.5f, .5f, 1}, new float[] {1, -1, 1},
        terms(-1.2 * logp[0], .5 * logp[1], -logp[2]), slopes(-1.2, .5, -1));
    // a lower bound of 1 - .4
    check(new Cispo(.4f, .2f), new float[] {.5f}, new float[] {-1}, terms(.6 * logp[1]), slopes(.6));
  }

  @Test
  void truncatedImportanceIsCappedAbove() {
    double[] logp = {Math.log(.3), Math.log(.05)};
    check(new TruncatedImportance(2), new float[] {3, .5f}, new float[] {1, 1}, terms(-2 * logp[0], -.5 * logp[1]),
        slopes(-2, -.5));
  }

  @Test
  void negativeLogLikelihoodIgnoresTheAdvantage() {
    check(new NegativeLogLikelihood(), new float[] {1, 2}, new float[] {5, -5}, terms(-OLD, -OLD - Math.log(2)),
        slopes(-1, -1));
  }

  @Test
  void sequenceClipUsesTheMeanLogRatio() {
    // log-ratios .1, -.2, .4: mean .1, s = e^.1 = 1.105171, inside 1 +- .5
    float[] rho = {(float) Math.exp(.1), (float) Math.exp(-.2), (float) Math.exp(.4)};
    double s = 1.105171;
    check(new SequenceClip(.5f, .5f), rho, new float[] {1, 1, 1}, terms(-s, -s, -s), slopes(-s, -s, -s));
    // above 1.1 the completion is dropped entirely where A > 0, and kept where A < 0
    check(new SequenceClip(.5f, .1f), rho, new float[] {1, 1, 1}, terms(-1.1, -1.1, -1.1), slopes(0, 0, 0));
    check(new SequenceClip(.5f, .1f), rho, new float[] {-1, -1, -1}, terms(s, s, s), slopes(s, s, s));
  }

  @Test
  void sequenceClipHasTheGradientOfTheSequenceForm() {
    double[] ratios = {.3, -.5, .1, .9};
    NDArray old = manager.create(new double[] {-1, -2, -3, -9}).reshape(1, 4);
    NDArray logp = old.add(manager.create(ratios).reshape(1, 4));
    NDArray mask = manager.create(new double[] {1, 1, 1, 0}).reshape(1, 4);
    NDArray a = mask.mul(.7);
    double[] token = Gradients.byEngine(logp,
        x -> new SequenceClip(.2f, .2f).terms(Rows.of(x, old, a, mask)).mul(mask).div(3));
    // -min(s A, clip(s) A) with s = exp(mean over the three counted tokens)
    double[] sequence = Gradients.byDifferences(logp,
        x -> x.sub(old).mul(mask).sum().div(3).exp().mul(.7).neg());
    assertArrayEquals(sequence, token, 1e-8);
    assertArrayEquals(new double[] {0}, new double[] {token[3]}, 0);
  }

  @Test
  void sequenceClipOfOneTokenIsClipHigher() {
    for (float rho : new float[] {.5f, 1, 1.1f, 2}) {
      for (float a : new float[] {-1, 1}) {
        NDArray logp = manager.create(new float[] {OLD + (float) Math.log(rho)}).reshape(1, 1);
        NDArray old = manager.create(new float[] {OLD}).reshape(1, 1);
        NDArray advantage = manager.create(new float[] {a}).reshape(1, 1);
        UnaryOperator<NDArray> one = x -> new SequenceClip(.2f, .3f).terms(Rows.of(x, old, advantage));
        UnaryOperator<NDArray> other = x -> new ClipHigher(.2f, .3f).terms(Rows.of(x, old, advantage));
        assertArrayEquals(other.apply(logp).toFloatArray(), one.apply(logp).toFloatArray(), 1e-6f);
        assertArrayEquals(Gradients.byEngine(logp, other), Gradients.byEngine(logp, one), 1e-6);
      }
    }
  }

  @Test
  void aCompletionWithoutTokensHasSequenceRatioOne() {
    NDArray old = manager.create(new float[] {-1, -2}).reshape(1, 2);
    NDArray one = old.onesLike();
    assertArrayEquals(new float[] {-1, -1},
        new SequenceClip(.2f, .2f).terms(Rows.of(old.add(5), old, one, one.zerosLike())).toFloatArray());
  }

  @Test
  void logRatiosAreCutAtTwenty() {
    NDArray old = manager.create(new float[] {-100, 0}).reshape(1, 2);
    NDArray logp = manager.create(new float[] {0, -100}).reshape(1, 2);
    assertArrayEquals(new double[] {Math.exp(20), Math.exp(-20)},
        Gradients.doubles(Ratios.ofTokens(Rows.of(logp, old, old))), Math.exp(20) * 1e-6);
    assertArrayEquals(new double[2], Gradients.byEngine(logp, x -> Ratios.ofTokens(Rows.of(x, old, old))), 0);
  }

  @Test
  void theExpectedPolicyGradientOfABandit() {
    // pi (.5, .3, .2), rewards (1, 0, 0): ascent pi_a (r_a - pi.r) = (.25, -.15, -.1), the loss has the opposite sign
    NDArray pi = manager.create(new double[] {.5, .3, .2});
    NDArray rewards = manager.create(new double[] {1, 0, 0});
    double[] gradient = Gradients.byEngine(pi.log(), logits -> {
      NDArray logp = logits.logSoftmax(0);
      return new PolicyGradient().terms(Rows.of(logp, pi.log(), rewards)).mul(pi);
    });
    assertArrayEquals(new double[] {-.25, .15, .1}, gradient, 1e-12);
  }

  @Test
  void badBoundsAreNamed() {
    assertThatThrownBy(() -> new ClipHigher(0, .2f)).isInstanceOf(RecipeException.class)
        .hasMessage("ClipHigher.low must be in (0, 1), got 0.0. The lower bound is 1 - low.");
    assertThatThrownBy(() -> new SequenceClip(.2f, 0)).isInstanceOf(RecipeException.class)
        .hasMessage("SequenceClip.high must be > 0, got 0.0. The upper bound is 1 + high.");
    assertThatThrownBy(() -> new DualClip(.2f, .5f, 1.2f)).isInstanceOf(RecipeException.class)
        .hasMessage("DualClip.cap must be at least 1 + high = 1.5, got 1.2. The paper has 3.");
    assertThatThrownBy(() -> new Cispo(0, .2f)).isInstanceOf(RecipeException.class)
        .hasMessage("Cispo.low must be > 0, got 0.0. 1 or more means no lower bound.");
    assertThatThrownBy(() -> new Cispo(1, -1)).isInstanceOf(RecipeException.class);
    assertThatThrownBy(() -> new TruncatedImportance(0)).isInstanceOf(RecipeException.class)
        .hasMessage("TruncatedImportance.cap must be > 0, got 0.0. 2 is usual.");
  }

  private void check(Objective objective, float[] rho, float[] advantages, double[] terms, double[] slopes) {
    float[] logp = new float[rho.length];
    float[] olds = new float[rho.length];
    for (int t = 0; t < rho.length; t++) {
      olds[t] = OLD;
      logp[t] = OLD + (float) Math.log(rho[t]);
    }
    NDArray leaf = manager.create(logp).reshape(1, rho.length);
    NDArray old = manager.create(olds).reshape(1, rho.length);
    NDArray a = manager.create(advantages).reshape(1, rho.length);
    UnaryOperator<NDArray> f = x -> objective.terms(Rows.of(x, old, a));
    assertArrayEquals(terms, Gradients.doubles(f.apply(leaf)), 1e-5, objective + " terms");
    assertArrayEquals(slopes, Gradients.byEngine(leaf, f), 1e-5, objective + " slopes");
  }

  private static double[] terms(double... values) {
    return values;
  }

  private static double[] slopes(double... values) {
    return values;
  }
}
