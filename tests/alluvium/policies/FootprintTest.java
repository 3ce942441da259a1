package alluvium.policies;

import static org.assertj.core.api.Assertions.assertThat;

import alluvium.rollouts.Sampling;
import alluvium.spark.TinyPolicies;
import java.util.List;
import org.junit.jupiter.api.Test;

class FootprintTest {
  /** L = 1, H = 16, two heads of 8: q = 16; one of keys: k = 8; I = 32, V = 8, tied. */
  private static final Footprint SMALL = new Footprint(PolicyConfig.qwen2(1, 16, 2, 1, 32, 8, 24, true, 1, 0));

  @Test
  void weightsAreCountedByHand() {
    // embedding 8 * 16, last norm 16; two norms, q 16 * 16 + 16, k and v 8 * 16 + 8, o 16 * 16, three of 32 * 16
    long layer = 2 * 16 + (16 * 16 + 16) + 2 * (8 * 16 + 8) + 16 * 16 + 3 * 32 * 16;
    assertThat(SMALL.parameters()).isEqualTo(8 * 16 + 16 + layer).isEqualTo(2512);
    assertThat(SMALL.weights()).isEqualTo(10048);
    assertThat(SMALL.fused()).isEqualTo(4 * 16 * (16 + 8 + 8 + 32 + 32));
    assertThat(SMALL.largest()).isEqualTo(4 * 32 * 16);
  }

  @Test
  void weightsAreThoseOfACheckpoint() {
    Checkpoint checkpoint = TinyPolicies.checkpoint(1);
    assertThat(new Footprint(checkpoint.config()).parameters()).isEqualTo(checkpoint.weights().count());
  }

  @Test
  void generationOfTwoRowsOfThreeTokens() {
    assertThat(SMALL.cache(2, 3)).isEqualTo(4 * 2 * 2 * 3 * 8);
    // 6 positions: two H and the wider of 3 q + 6 k = 96 and 4 I = 128; keys for 5 samples; the mask
    assertThat(SMALL.prompts(2, 3, 5)).isEqualTo(4 * 6 * (32 + 128) + 4 * 6 * 8 * 5 + 5 * 6 * 3);
    assertThat(SMALL.forward(2, 3)).isEqualTo(4 * 6 * (32 + 128));
    assertThat(SMALL.logits(2, sampling(1, 0, 1, 0))).isEqualTo(20 * 2 * 8);
    assertThat(SMALL.logits(2, sampling(1, 0, 0.9, 0))).isEqualTo(48 * 2 * 8);
    assertThat(SMALL.logits(2, sampling(1, 0, 1, 0.1))).isEqualTo(48 * 2 * 8);
    assertThat(SMALL.logits(2, sampling(1, 3, 1, 0))).isEqualTo(2 * (8 * 8 + 44 * 3));
    assertThat(SMALL.logits(2, sampling(1, 99, 1, 0))).isEqualTo(2 * (8 * 8 + 44 * 8));
    assertThat(SMALL.logits(2, sampling(0, 0, 1, 0))).isEqualTo(12 * 2 * 8);
  }

  @Test
  void trainingOfTwoRowsOfThreeTokens() {
    // kept: 6 H + 4 q + 4 I = 288; on the way back 3 I + 2 H = 128
    assertThat(SMALL.activations(2, 3)).isEqualTo(4 * 6 * (288 + 128));
    assertThat(SMALL.vocabulary(2, 3, 4)).isEqualTo(4 * 6 * 8 * 4);
  }

  private static Sampling sampling(double temperature, int topK, double topP, double minP) {
    return new Sampling(3, temperature, topK, topP, minP, List.of(), List.of(), 2);
  }
}
