package alluvium.policies;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class NormalsTest {
  @Test
  void theEquationByHand() {
    // u_1 = 0.9420260877354019, u_2 = 0.6859131039944862: sqrt(-2 ln u_1) = 0.345609, 2 pi u_2 = 4.309719 rad;
    // 0.345609 (cos, sin) = (-0.135435, -0.317965); the third from u_3, u_4 is -0.518366
    assertThat(new Normals(42).draw("model.norm.weight", 3, 1))
        .containsExactly(-0.13543534f, -0.31796524f, -0.5183655f);
    assertThat(new Normals(42).draw("model.norm.weight", 1, 2)).containsExactly(-0.27087069f);
  }

  @Test
  void longerSequencesBeginAlike() {
    assertThat(new Normals(1).draw("a", 1000, 1)).startsWith(new Normals(1).draw("a", 7, 1));
    assertThat(new Normals(1).draw("a", 0, 1)).isEmpty();
  }

  @Test
  void seedAndNameMatter() {
    float[] draws = new Normals(1).draw("a", 8, 1);
    assertThat(new Normals(2).draw("a", 8, 1)).isNotEqualTo(draws);
    assertThat(new Normals(1).draw("b", 8, 1)).isNotEqualTo(draws);
    assertThat(new Normals(1).draw("a", 8, 1)).isEqualTo(draws);
  }

  @Test
  void meanVarianceAndFourthMomentOfANormal() {
    int n = 1_000_000;   // standard errors: 0.001 of the mean, sqrt(2 / n) = 0.0014, sqrt(96 / n) = 0.0098
    double[] moments = new double[5];
    for (float z : new Normals(5).draw("moments", n, 1)) {
      for (int power = 1; power <= 4; power++) {
        moments[power] += Math.pow(z, power) / n;
      }
    }
    assertThat(Math.abs(moments[1])).isLessThan(0.005);
    assertThat(Math.abs(moments[2] - 1)).isLessThan(0.007);
    assertThat(Math.abs(moments[3])).isLessThan(0.02);
    assertThat(Math.abs(moments[4] - 3)).isLessThan(0.05);
  }
}
