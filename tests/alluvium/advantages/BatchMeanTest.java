package alluvium.advantages;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BatchMeanTest {
  @Test
  void againstTheMeanOfTheBatchNotOfTheGroup() {
    // batch (1, 0, 1, 1, 1, 2): mean 1
    assertArrayEquals(new double[] {0, -1},
        new BatchMean().advantages(new double[] {1, 0}, Moments.of(1, 0, 1, 1, 1, 2)), 1e-15);
  }

  @Test
  void aBatchOfOneAndEqualRewardsAreZero() {
    assertArrayEquals(new double[1], new BatchMean().advantages(new double[] {.7}, Moments.of(.7)), 0);
    assertArrayEquals(new double[2], new BatchMean().advantages(new double[] {.3, .1 + .2},
        Moments.of(.3, .1 + .2)), 0);
  }

  @Test
  void lowersTheVarianceOfABanditsGradientAndKeepsItsMean() {
    // 10 arms, uniform softmax policy, rewards 5 + arm/10. Exact gradient on the logits: pi_a (r_a - pi.r).
    double[] exact = new double[10];
    for (int arm = 0; arm < 10; arm++) {
      exact[arm] = .1 * (5 + arm / 10.0 - 5.45);
    }
    double[] plain = new double[20];
    double[] based = new double[20];
    Random random = new Random(3);
    int batches = 400;
    int size = 50;
    for (int n = 0; n < batches; n++) {
      int[] arms = random.ints(size, 0, 10).toArray();
      double[] rewards = Arrays.stream(arms).mapToDouble(a -> 5 + a / 10.0).toArray();
      accumulate(plain, arms, rewards);
      accumulate(based, arms, new BatchMean().advantages(rewards, Moments.of(rewards)));
    }
    for (int arm = 0; arm < 10; arm++) {
      // a batch's mean contains the reward itself, which shrinks the estimate by (n - 1)/n
      assertEquals(exact[arm] * (size - 1) / size, based[arm] / batches, .005);
      assertTrue(based[10 + arm] < plain[10 + arm] / 10, "variance of arm " + arm);
    }
  }

  /** Adds the gradient A (1[a] - pi) averaged over the batch, then its square. */
  private static void accumulate(double[] sums, int[] arms, double[] advantages) {
    for (int logit = 0; logit < 10; logit++) {
      double gradient = 0;
      for (int i = 0; i < arms.length; i++) {
        gradient += advantages[i] * ((arms[i] == logit ? 1 : 0) - .1) / arms.length;
      }
      sums[logit] += gradient;
      sums[10 + logit] += gradient * gradient;
    }
  }
}
