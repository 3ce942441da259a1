package alluvium.prompts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import alluvium.tables.DataException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class Gsm8kCalculatorTest {
  private static final Gsm8kCalculator FORMAT = new Gsm8kCalculator("calculator");

  private static Map<String, Object> row(String answer) {
    return Map.of("question", "q", "answer", answer);
  }

  private static Task task(String prompt, String answer) {
    return Task.of("calculator", prompt, Optional.of(answer)).withSolution(Optional.of(answer));
  }

  @Test
  void everyAnnotationIsATask() {
    assertEquals(List.of(task("48/2=", "24"), task("90+20=", "110"), task("20*.01*50=", "10"), task("1/3=", "0.33")),
        FORMAT.tasks(row("<<48/2=24>>24 <<90+20=110.00>> <<20 * .01*50 = 10>> <<1/3=.33>> <<48/2=24>>\n#### 24")));
  }

  @Test
  void rowsThatCannotBeUsedAreRefusedWhole() {
    assertEquals("answer has no annotation such as <<48/2=24>>",
        TaskFormatsTest.refusal(FORMAT, row("He has 3.\n#### 3")));
    assertEquals("annotation <<2+2=5>> is off: the expression is 4",
        TaskFormatsTest.refusal(FORMAT, row("<<48/2=24>> <<2+2=5>>")));
    assertEquals("annotation <<2+2>> has no =", TaskFormatsTest.refusal(FORMAT, row("<<2+2>>")));
    assertEquals("expression '2+x' cannot be read at 'x', character 2",
        TaskFormatsTest.refusal(FORMAT, row("<<2+x=4>>")));
    assertEquals("expression '' ends too early", TaskFormatsTest.refusal(FORMAT, row("<<=4>>")));
    assertEquals("expression '2+2=4' cannot be read at '=', character 3",
        TaskFormatsTest.refusal(FORMAT, row("<<2+2=4=4>>")));
    assertEquals("answer is missing", TaskFormatsTest.refusal(FORMAT, Map.of("question", "q")));
  }

  @Test
  void aPersonsRoundingIsKeptUpToOneInAHundred() {
    assertEquals(List.of(task("200/3=", "67")), FORMAT.tasks(row("<<200/3=67>>")));   // off by 1/3 of 67: 0.5%
    assertThrows(DataException.class, () -> FORMAT.tasks(row("<<200/3=68>>")));       // off by 4/3 of 68: 2%
    assertEquals(List.of(task("5-5=", "0")), FORMAT.tasks(row("<<5-5=0.00>>")));
  }

  /** As C prints it. */
  @ParameterizedTest
  @CsvSource({"110, 110", "1234567, 1.23457e+06", "109200000, 1.092e+08", "0.0001, 0.0001", "0.00001234, 1.234e-05",
      "0.3333333333, 0.333333", "2.5, 2.5", "1000000, 1e+06", "999999.5, 1e+06", "100000, 100000", "123456.5, 123456",
      "-35.50, -35.5", "0.00001, 1e-05", "0.1234565, 0.123456", "2e300, 2e+300", "-0.0, 0", "0, 0"})
  void sixSignificantDigits(double value, String expected) {
    assertEquals(expected, Gsm8kCalculator.g(value));
  }

  @ParameterizedTest
  @CsvSource({"2+3*4, 14", "(2+3)*4, 20", "100-50-30-15, 5", "48/4/2, 6", "560//9, 62", "-7//2, -4", "20%*50, 10",
      "+10, 10", "-14+-8+1, -21", "2*-3, -6", "-(2+3), -5", ".5+5., 5.5", "120*(1-20*.01), 96", "1 000 + 1, 1001"})
  void expressions(String expression, double value) {
    assertEquals(value, ArithmeticExpression.value(expression), 1e-12);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "(", "(2", "2)", "2+", "*2", ".", "2 x 3", "1/0", "0/0", "1e5", "2(3)", "()", "1..2",
      "9.9.9", "$5"})
  void noExpressions(String text) {
    assertThrows(DataException.class, () -> ArithmeticExpression.value(text));
  }

  @Test
  void hostileExpressionsEnd() {
    assertEquals("expression '((((((((((((((((((((((((((((((((((((((((...' is longer than 500 characters",
        assertThrows(DataException.class, () -> ArithmeticExpression.value("(".repeat(1_000_000))).getMessage());
    assertThrows(DataException.class, () -> ArithmeticExpression.value("(".repeat(500)));
    assertThrows(DataException.class, () -> ArithmeticExpression.value("-".repeat(500)));
    assertThrows(DataException.class, () -> ArithmeticExpression.value("9".repeat(400)));
  }
}
