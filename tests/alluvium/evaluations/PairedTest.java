package alluvium.evaluations;

import static org.assertj.core.api.Assertions.assertThat;

import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class PairedTest {
  private static final Offset<Double> CLOSE = Offset.offset(1e-12);

  @Test
  void threePairsByHand() {
    Paired all = Paired.NONE.plus(1, 2).plus(2, 4).plus(3, 5);
    assertThat(all.count()).isEqualTo(3);
    assertThat(all.meanX()).isCloseTo(2, CLOSE);
    assertThat(all.meanY()).isCloseTo(11.0 / 3, CLOSE);
    assertThat(all.squaresX()).isCloseTo(2, CLOSE);             // 1 + 0 + 1
    assertThat(all.squaresY()).isCloseTo(14.0 / 3, CLOSE);      // (25 + 1 + 16) / 9
    assertThat(all.products()).isCloseTo(3, CLOSE);             // 5/3 + 0 + 4/3
    assertThat(all.correlation()).isCloseTo(3 / Math.sqrt(28.0 / 3), CLOSE);
  }

  @Test
  void twoSumsAreOne() {
    Paired left = Paired.NONE.plus(1, 2).plus(2, 4);
    Paired right = Paired.NONE.plus(3, 5).plus(-4, 0);
    Paired all = Paired.NONE.plus(1, 2).plus(2, 4).plus(3, 5).plus(-4, 0);
    assertThat(left.plus(right).products()).isCloseTo(all.products(), CLOSE);
    assertThat(left.plus(right).squaresX()).isCloseTo(all.squaresX(), CLOSE);
    assertThat(left.plus(right).squaresY()).isCloseTo(all.squaresY(), CLOSE);
    assertThat(left.plus(Paired.NONE)).isEqualTo(Paired.NONE.plus(left)).isEqualTo(left);
  }

  @Test
  void whereOneNeverChangesThereIsNoCorrelation() {
    assertThat(Paired.NONE.correlation()).isNaN();
    assertThat(Paired.NONE.plus(1, 1).plus(1, 2).correlation()).isNaN();
    assertThat(Paired.NONE.plus(1, 3).plus(2, 1).correlation()).isCloseTo(-1, CLOSE);
  }
}
