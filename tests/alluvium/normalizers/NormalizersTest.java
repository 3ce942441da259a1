package alluvium.normalizers;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertEquals;

import alluvium.tables.RecipeException;
import org.junit.jupiter.api.Test;

class NormalizersTest {
  /** Two completions with losses (1, 1) and (2, 2, 2, 2), and one without tokens. */
  private static final double[][] LOSSES = {{1, 1}, {2, 2, 2, 2}, {}};

  @Test
  void perToken() {
    assertEquals(10.0 / 6, loss(new PerToken()), 1e-12);
  }

  @Test
  void perSequence() {
    assertEquals((1 + 2) / 2.0, loss(new PerSequence()), 1e-12);
  }

  @Test
  void sequenceSum() {
    assertEquals((2 + 8) / 2.0, loss(new SequenceSum()), 1e-12);
  }

  @Test
  void constant() {
    assertEquals((.2 + .8) / 2, loss(new Constant(10)), 1e-12);
  }

  @Test
  void constantMustBePositive() {
    assertThatThrownBy(() -> new Constant(0)).isInstanceOf(RecipeException.class)
        .hasMessage("Constant.length must be at least 1, got 0. The generation limit is usual.");
  }

  private static double loss(Normalizer normalizer) {
    double sum = 0;
    double shares = 0;
    for (double[] completion : LOSSES) {
      for (double loss : completion) {
        sum += normalizer.weight(completion.length) * loss;
      }
      shares += normalizer.share(completion.length);
    }
    return sum / shares;
  }
}
