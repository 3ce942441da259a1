package alluvium.rewards;

import static alluvium.rewards.NumericAnswerTest.sample;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import alluvium.tables.RecipeException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TextAnswersTest {
  private static final ChoiceAnswer CHOICE = new ChoiceAnswer("ABCDE", 1, 0);

  @Test
  void exactUpToBlanks() {
    ExactAnswer exact = new ExactAnswer(2, -2);
    assertEquals(Verdict.ok(2, ""), exact.verdict(sample("  New \n York\u00A0", "New York")));
    assertEquals(Verdict.ok(-2, "'new york', not 'New York'"), exact.verdict(sample("new york", "New York")));
    assertEquals(Verdict.ok(-2, "'', not 'x'"), exact.verdict(sample("", "x")));
    assertEquals(Status.UNPARSEABLE, exact.verdict(sample("x", " ")).status());
    assertThrows(RecipeException.class, () -> new ExactAnswer(0, 1));
  }

  @Test
  void theLastMatchOfAPatternIsTheAnswer() {
    RegexAnswer city = new RegexAnswer("City: *(\\w+( \\w+)?)", 1, 1, 0);
    assertEquals(Verdict.ok(1, "New York"), city.verdict(sample("City: Rome. No. City:  New York.", "New  York")));
    assertEquals(Verdict.ok(0, "'Rome', not 'New York'"), city.verdict(sample("City: Rome", "New York")));
    assertEquals(Verdict.ok(0, "no match"), city.verdict(sample("Rome", "Rome")));
    assertEquals(Status.UNPARSEABLE, city.verdict(sample("City: Rome", "")).status());
    assertEquals(Verdict.ok(0, "no match"), new RegexAnswer("a(b)?", 1, 1, 0).verdict(sample("a", "b")));
  }

  @Test
  void groupZeroIsAMatchAnywhere() {
    RegexAnswer yes = new RegexAnswer("(?i)\\byes\\b", 0, 1, -1);
    assertEquals(Verdict.ok(1, "YES"), yes.verdict(sample("Well, YES!", "")));
    assertEquals(Verdict.ok(-1, "no match"), yes.verdict(sample("eyes", "")));
  }

  @Test
  void aPatternThatBacktracksForeverTimesOut() {
    Verdict expected = Verdict.failed(Status.TIMEOUT, "matching took more than 20000000 steps");
    Sample hostile = sample("a".repeat(60), "a");
    assertTimeoutPreemptively(Duration.ofSeconds(20), () -> {
      assertEquals(expected, new RegexAnswer("^(a|a)*\\1b", 1, 1, 0).verdict(hostile));
      assertEquals(expected, new RegexAnswer("^(a|a)*\\1b", 0, 1, 0).verdict(hostile));
      assertEquals(expected, new Format("(a|a)*\\1b", 1, 0).verdict(hostile));
    });
  }

  @Test
  void badPatternsAreRefused() {
    assertEquals("RegexAnswer.pattern '(a' is not a pattern: Unclosed group at character 2",
        assertThrows(RecipeException.class, () -> new RegexAnswer("(a", 0, 1, 0)).getMessage());
    assertEquals("RegexAnswer.group must be in 0..1, the groups of '(a)', got 2",
        assertThrows(RecipeException.class, () -> new RegexAnswer("(a)", 2, 1, 0)).getMessage());
    assertThrows(RecipeException.class, () -> new RegexAnswer("(a)", -1, 1, 0));
    assertThrows(RecipeException.class, () -> new Format("[", 1, 0));
  }

  @Test
  void aFormIsOfTheWholeCompletion() {
    Format think = new Format("<think>.*</think>\\s*\\S.*", 0.5, 0);
    assertEquals(Verdict.ok(0.5, ""), think.verdict(sample("<think>a\nb</think>\n72", "")));
    assertEquals(Verdict.ok(0, "another form"), think.verdict(sample("So <think>a</think> 72", "")));
    assertEquals(Verdict.ok(0, "another form"), think.verdict(sample("<think>a</think> ", "")));
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "B", "(B)", "b is out, (b)", "**B**", "**B.**", "B.", "B) Paris", "The answer is B", "The answer is (B).",
      "Answer: B", "**Answer:** B", "Answer: **B**", "The correct answer is option B because A is a city.",
      "\\boxed{B}", "$\\boxed{\\text{(B)}}$", "\\boxed{b}", "The answer is A. No, the answer is B.",
      "A. Rome~B. Paris~C. Oslo~The answer is (B)", "(A) is Rome, so (B)", "Answer: A~... \\boxed{B}",
      "A dog would choose so.~B.", "The answer is (B), not (C)", "answer:~B", "My choice: B"})
  void chooses(String completion) {
    assertEquals(Verdict.ok(1, "B"), CHOICE.verdict(sample(completion.replace('~', '\n'), "B")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "A dog", "Both are fine", "I'd say Paris", "The answer is a dog", "answer is Belgium",
      "(F)", "\\boxed{F}", "Answer: A's", "HABIT"})
  void choosesNothing(String completion) {
    assertEquals(Verdict.ok(0, "no choice"), CHOICE.verdict(sample(completion, "A")));
  }

  @Test
  void anotherChoiceAndBadReferences() {
    assertEquals(Verdict.ok(0, "C, not B"), CHOICE.verdict(sample("Answer: C", "(B) Paris")));
    assertEquals(Verdict.ok(1, "B"), CHOICE.verdict(sample("Answer: B", "B. Paris")));
    assertEquals(Verdict.failed(Status.UNPARSEABLE, "the reference answer is none of ABCDE: 'F'"),
        CHOICE.verdict(sample("B", "F")));
    assertEquals(Verdict.ok(1, "F"), new ChoiceAnswer("ABCDEF", 1, 0).verdict(sample("F", "F")));
    assertThrows(RecipeException.class, () -> new ChoiceAnswer("A", 1, 0));
    assertThrows(RecipeException.class, () -> new ChoiceAnswer("ABA", 1, 0));
    assertThrows(RecipeException.class, () -> new ChoiceAnswer("A-D", 1, 0));
  }

  @ParameterizedTest
  @ValueSource(strings = {"(", "answer ", "answer is ", "* ", "**", "\\boxed{", "\\boxed{ (", " ", "\n", "B",
      "answer:**("})
  void aMegabyteOfAnythingIsReadInTime(String piece) {
    String text = piece.repeat(1_000_000 / piece.length());
    assertTimeoutPreemptively(Duration.ofSeconds(10), () -> CHOICE.verdict(sample(text, "B")));
  }
}
