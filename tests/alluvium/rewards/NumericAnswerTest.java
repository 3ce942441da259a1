package alluvium.rewards;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import alluvium.tables.RecipeException;
import java.util.Map;
import org.junit.jupiter.api.Test;

class NumericAnswerTest {
  private static final NumericAnswer EXACT = new NumericAnswer(1, -1, 0);

  static Sample sample(String completion, String answer) {
    return new Sample("", completion, answer, 10, false, Map.of());
  }

  @Test
  void sameNumberInAnotherSpelling() {
    assertEquals(Verdict.ok(1, "110"), EXACT.verdict(sample("90+20 = <<90+20=110.00>>110\n#### $110.00", "110")));
    assertEquals(Verdict.ok(1, "1080"), EXACT.verdict(sample("She pays \\boxed{1080}.", "1,080")));
    assertEquals(Verdict.ok(1, "1/2"), EXACT.verdict(sample("The answer is \\frac{1}{2}", "0.5")));
    assertEquals(Verdict.ok(1, "72"), EXACT.verdict(sample("72", "She sold 24 + 48.\n#### 72")));
  }

  @Test
  void anotherNumber() {
    assertEquals(Verdict.ok(-1, "71, not 72"), EXACT.verdict(sample("#### 71", "72")));
    assertEquals(Verdict.ok(-1, "333/1000, not 1/3"), EXACT.verdict(sample("0.333", "1/3")));
    assertEquals(Verdict.ok(1, "333/1000"), new NumericAnswer(1, -1, 1e-3).verdict(sample("0.333", "1/3")));
  }

  @Test
  void aPolicyWithoutANumberIsWrongAReferenceWithoutOneIsUnparseable() {
    assertEquals(Verdict.ok(-1, "no number"), EXACT.verdict(sample("I do not know", "72")));
    assertEquals(Verdict.ok(-1, "no number"), EXACT.verdict(sample("", "72")));
    assertEquals(Verdict.ok(-1, "no number"), EXACT.verdict(sample("1e999999999", "72")));
    Verdict verdict = EXACT.verdict(sample("72", "seventy"));
    assertEquals(Status.UNPARSEABLE, verdict.status());
    assertEquals("the reference answer holds no number: 'seventy'", verdict.message());
    assertEquals(Status.UNPARSEABLE, EXACT.verdict(sample("72", "")).status());
  }

  @Test
  void messagesAreShort() {
    assertEquals(40 + ", not ".length() + 40,
        EXACT.verdict(sample("1".repeat(300), "2".repeat(300))).message().length());
  }

  @Test
  void badParametersAreRefused() {
    assertEquals("NumericAnswer.tolerance must be >= 0 and finite, got -0.1",
        assertThrows(RecipeException.class, () -> new NumericAnswer(1, 0, -0.1)).getMessage());
    assertThrows(RecipeException.class, () -> new NumericAnswer(1, 0, Double.NaN));
    assertEquals("NumericAnswer.right must be finite and > wrong, got right 0.0, wrong 0.0",
        assertThrows(RecipeException.class, () -> new NumericAnswer(0, 0, 0)).getMessage());
    assertThrows(RecipeException.class, () -> new NumericAnswer(Double.POSITIVE_INFINITY, 0, 0));
  }
}
