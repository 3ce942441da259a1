package alluvium.rewards;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class FaultyTest {
  private static final NumericAnswer SOUND = new NumericAnswer(1, 0, 0);

  private static Verdict verdict(double share, int prompt, String completion) {
    return Guarded.verdict(new Faulty(SOUND, share),
        new Sample(prompt + "=", completion, String.valueOf(prompt), 2, false, Map.of()));
  }

  @Test
  void aTenthOfTheRightAnswersFailsTheSameOnesEachTime() {
    int failed = 0;
    for (int prompt = 0; prompt < 2000; prompt++) {
      Verdict first = verdict(0.1, prompt, String.valueOf(prompt));
      assertThat(verdict(0.1, prompt, String.valueOf(prompt))).isEqualTo(first);
      if (first.status() == Status.ERROR) {
        assertThat(first.message()).isEqualTo("IllegalStateException: the answer cannot be parsed");
        failed++;
      } else {
        assertThat(first).isEqualTo(Verdict.ok(1, String.valueOf(prompt)));
      }
    }
    assertThat(failed).isBetween(140, 260);    // 200, standard deviation 13.4
  }

  @Test
  void wrongAnswersNeverFail() {
    for (int prompt = 0; prompt < 200; prompt++) {
      assertThat(verdict(1, prompt, "-1").status()).isEqualTo(Status.OK);
      assertThat(verdict(1, prompt, String.valueOf(prompt)).status()).isEqualTo(Status.ERROR);
      assertThat(verdict(0, prompt, String.valueOf(prompt)).status()).isEqualTo(Status.OK);
    }
  }
}
