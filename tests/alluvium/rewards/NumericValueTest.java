package alluvium.rewards;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NumericValueTest {
  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "72 | 72", "007 | 7", "110.00 | 110", "-35 | -35", "+5 | 5", "\u22125 | -5", "$1,200.50 | 2401/2",
      "-$5 | -5", "$-5 | -5", "$ 5 | 5", "€3 | 3", "50% | 50%", "12.5 percent | 25/2%", "\\$18 | 18", "25\\% | 25%",
      "3/4 | 3/4", "6/8 | 3/4", "-3/4 | -3/4", "3 / 4 | 3/4", "1 1/2 | 3/2", "-1 1/2 | -3/2", "1½ | 3/2", "½ | 1/2",
      ".5 | 1/2", "72. | 72", "1e3 | 1000", "1.5E-2 | 3/200", "3 \\times 10^{5} | 300000", "2.5 × 10^-1 | 1/4",
      "10^4 | 10000", "1{,}234 | 1234", "1,\\!234 | 1234", "\\frac{1}{2} | 1/2", "-\\dfrac{3}{6} | -1/2",
      "\\frac12 | 1/2", "2\\tfrac{1}{4} | 9/4", "\\frac{1,000}{-4} | -250", "\\frac{\\frac{1}{2}}{3} | 1/6"})
  void parses(String text, String expected) {
    assertEquals(expected, NumericValue.parse(text).orElseThrow().toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "seventy", "72 clips", "3 4", "5/0", "\\frac{1}{0}", "2^{10}", "\\frac{\\sqrt{3}}{2}",
      "1e999999999", "1e-999999999", "1e401", "\\frac", "x2", "1 + 2"})
  void isNotOneNumber(String text) {
    assertEquals(Optional.empty(), NumericValue.parse(text));
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "She sold 48/2 = 24 clips. | 24", "It costs $1,080 in all. | 1080", "10,000,5 | 5", "1,2345 | 2345",
      "20-30 | 30", "20 - 30 | 30", "it fell to -30 | -30", "temperature: (-4) | -4", "an area of 25 cm^2 | 25",
      "25 m^{2} and H_2 | 25", "the value x2 is 7, said B12 | 7", "Rs.500 | 500", "24/7 | 24/7", "40 km/h | 40",
      "2 \\cdot3 | 3", "12 pages (of 120-page book) | 120", "He is 5'9 | 9"})
  void lastOfAText(String text, String expected) {
    assertEquals(expected, NumericValue.last(text).orElseThrow().toString());
  }

  @Test
  void noNumberWhereTheLastOneIsOutOfBounds() {
    assertEquals(Optional.empty(), NumericValue.last("5 then 1e999999999"));
    assertEquals(Optional.empty(), NumericValue.last("5 then 2^10"));
    assertEquals(Optional.empty(), NumericValue.last("5 then " + "9".repeat(401)));
    assertEquals("9".repeat(400), NumericValue.last("9".repeat(400)).orElseThrow().toString());
    assertEquals("1" + "0".repeat(400), NumericValue.last("1e400").orElseThrow().toString());
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "a 5~@ 72 | 72", "@ $1,200 and 7 more | 1200", "@ **-3** clips | -3", "@ \\boxed{8} | 8", "@ 5~@ 6~7 | 6",
      "@72 | 72"})
  void afterTheMarker(String text, String expected) {
    assertEquals(expected, NumericValue.afterMarker(text.replace("@", "####").replace("~",
        "\n")).orElseThrow().toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"72", "#### none", "#### Step 1: add", "####", "####\n72"})
  void nothingAfterTheMarker(String text) {
    assertEquals(Optional.empty(), NumericValue.afterMarker(text));
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "\\boxed{5} | 5", "\\boxed{1} or \\boxed{\\frac{3}{4}} so 9 | 3/4", "\\boxed{5\\text{ cm in 3 boxes}} | 5",
      "\\boxed{\\text{72}} | 72", "\\boxed{x = 12} | 12", "\\boxed{\\boxed{7}} | 7", "\\boxed{90^\\circ} | 90"})
  void inTheBox(String text, String expected) {
    assertEquals(expected, NumericValue.boxed(text).orElseThrow().toString());
  }

  @Test
  void boxesWithoutANumber() {
    assertEquals(Optional.empty(), NumericValue.boxed("72"));
    assertEquals(Optional.empty(), NumericValue.boxed("\\boxed{none}"));
    assertEquals(Optional.empty(), NumericValue.boxed("\\boxed{5"));
  }

  @Test
  void whatATextStates() {
    assertEquals("72", stated("4 + 5\n#### 72\nIs that 3?"));
    assertEquals("8", stated("#### Step 2: add 3\n so \\boxed{8}, checked 4 times"));
    assertEquals("8", stated("#### 2. Add 3\n so \\boxed{8}"));
    assertEquals("6", stated("\\boxed{5}\n#### 6"));
    assertEquals("9", stated("so the answer is 9."));
    assertEquals("9", stated("#### Step 2\n so 9"));
    assertEquals(Optional.empty(), NumericValue.stated("7 tries, \\boxed{\\text{no solution}}"));
  }

  private static String stated(String text) {
    return NumericValue.stated(text).orElseThrow().toString();
  }

  @Test
  void agreement() {
    assertTrue(agree("1/3", "2/6", 0));
    assertTrue(agree("0.5", "1/2", 0));
    assertFalse(agree("0.333", "1/3", 0));
    assertTrue(agree("0.333", "1/3", 1e-3));       // off by 1/3000 = 3.3e-4
    assertFalse(agree("0.333", "1/3", 3e-4));
    assertTrue(agree("1010", "1000", 0.01));       // off by 10 = 0.01 * 1000
    assertFalse(agree("1010.1", "1000", 0.01));
    assertTrue(agree("-1010", "-1000", 0.01));
    assertFalse(agree("5", "-5", 0.01));
  }

  @Test
  void aPercentageAgreesWithItsNumberAndWithItsHundredth() {
    assertTrue(agree("50%", "50", 0));
    assertTrue(agree("50%", "0.5", 0));
    assertTrue(agree("0.5", "50%", 0));
    assertTrue(agree("50%", "50%", 0));
    assertFalse(agree("50%", "0.5%", 0));
    assertFalse(agree("50", "0.5", 0));
  }

  private static boolean agree(String a, String b, double tolerance) {
    return NumericValue.parse(a).orElseThrow().agrees(NumericValue.parse(b).orElseThrow(), tolerance);
  }

  @Test
  void theLastNumberOfALongText() {
    String filler = "12 and ".repeat(10_000);
    assertEquals("-5/4", NumericValue.last(filler + "-1 1/4" + " words".repeat(10_000)).orElseThrow().toString());
    assertEquals(Optional.empty(), NumericValue.last(filler + "\\frac{x}{y}" + " words".repeat(10_000)));
    assertEquals(Optional.empty(), NumericValue.last(filler + "7".repeat(10_000)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"9", "1,", ",000", "1/", "1 ", "\\boxed{", "{", "\\frac{", "\\frac", "-", "####", "$", "1e",
      "^{", "10^", "1 1/", "½", "\\text{", ".", "%", "5\\times 10^"})
  void aMegabyteOfAnythingIsReadInTime(String piece) {
    String text = piece.repeat(1_000_000 / piece.length());
    assertTimeoutPreemptively(Duration.ofSeconds(10), () -> {
      NumericValue.stated(text);
      NumericValue.stated("#### " + text);
      NumericValue.stated("\\boxed{" + text + "}");
    });
  }
}
