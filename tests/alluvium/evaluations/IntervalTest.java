package alluvium.evaluations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertEquals;

import alluvium.tables.RecipeException;
import org.junit.jupiter.api.Test;

class IntervalTest {
  @Test
  void passAtKCountsTheWaysToMiss() {
    // n 5, c 2: C(3, 2) / C(5, 2) = 3 / 10 miss both, C(3, 3) / C(5, 3) = 1 / 10 miss all three
    assertEquals(0.7, PassAtK.estimate(5, 2, 2), 1e-12);
    assertEquals(0.9, PassAtK.estimate(5, 2, 3), 1e-12);
    assertEquals(0.4, PassAtK.estimate(5, 2, 1), 1e-12);
    assertEquals(1, PassAtK.estimate(5, 2, 4), 0);
    assertEquals(0, PassAtK.estimate(5, 0, 5), 0);
    assertEquals(1, PassAtK.estimate(1, 1, 1), 0);
    assertThatThrownBy(() -> PassAtK.estimate(4, 5, 1)).isInstanceOf(RecipeException.class)
        .hasMessage("pass@k needs 0 <= c <= n and 1 <= k <= n, got n 4, c 5, k 1");
  }

  @Test
  void wilsonOfHalfRight() {
    // p 1/2, n 10, z^2 = 3.8415: centre 1/2, half = 1.96 sqrt(0.025 + 0.0096) / 1.38415 = 0.2634
    Interval half = Interval.wilson(5, 10);
    assertEquals(0.5, half.value(), 0);
    assertEquals(0.2366, half.low(), 1e-4);
    assertEquals(0.7634, half.high(), 1e-4);
    Interval none = Interval.wilson(0, 10);
    assertEquals(0, none.low(), 1e-12);
    assertEquals(0.2775, none.high(), 1e-4);    // z^2 / (n + z^2) = 3.8415 / 13.8415
    assertThat(Interval.wilson(0, 0).value()).isNaN();
  }

  @Test
  void normalOfThree() {
    // mean 2, std 1, so 1.96 / sqrt 3 = 1.1316
    Interval interval = Interval.normal(1, 2, 3);
    assertEquals(2, interval.value(), 1e-12);
    assertEquals(2 - 1.1316, interval.low(), 1e-4);
    assertEquals(2 + 1.1316, interval.high(), 1e-4);
    assertThat(Interval.normal(0.3).high()).isInfinite();
    assertEquals(1, interval.ofShare().high(), 0);
  }

  @Test
  void bootstrapOfPairedDifferences() {
    double[] differences = new double[400];
    for (int i = 0; i < 400; i++) {
      differences[i] = i % 4 == 0 ? 1 : 0;
    }
    // mean 1/4, standard error sqrt(3/16 / 400) = 0.02165, so about 0.25 +- 0.0424
    Interval interval = Interval.bootstrap(differences, 4000, 7);
    assertEquals(0.25, interval.value(), 1e-12);
    assertEquals(0.2076, interval.low(), 0.006);
    assertEquals(0.2924, interval.high(), 0.006);
    assertEquals(interval, Interval.bootstrap(differences, 4000, 7));
    assertEquals(0, Interval.bootstrap(new double[] {0, 0}, 10, 1).high(), 0);
  }
}
