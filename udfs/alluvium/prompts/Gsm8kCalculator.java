package alluvium.prompts;

import static alluvium.tables.RecipeException.require;

import alluvium.tables.DataException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;

/**
 * The calculator task in GSM8K's rows: every annotation {@literal <<48/2=24>>} asks "48/2=" and is answered "24".
 *
 * <p>Blanks in the expression are cut. The answer is the value that a person wrote, as C prints it with %g: six
 * significant digits, no trailing zeros, an exponent below 1e-4 and from 1e6 on, never -0. It must agree with the
 * expression to one part in a hundred. All or nothing: a row without an annotation, or with one that cannot be read or
 * does not agree, is refused. An annotation that occurs twice in a row is one task. The solution is the answer.
 *
 * @param source name of the data set
 */
public record Gsm8kCalculator(String source) implements TaskFormat {
  private static final double TOLERANCE = 1e-2;
  private static final int DIGITS = 6;

  public Gsm8kCalculator {
    require(!source.isBlank(), "Gsm8kCalculator.source must not be blank");
  }

  @Override
  public List<Task> tasks(Map<String, Object> row) {
    String worked = RawRow.of(row).text("answer");
    Set<Task> tasks = new LinkedHashSet<>();
    for (Matcher annotation = Gsm8k.ANNOTATION.matcher(worked); annotation.find();) {
      tasks.add(task(annotation.group(1)));
    }
    if (tasks.isEmpty()) {
      throw new DataException("answer has no annotation such as <<48/2=24>>");
    }
    return List.copyOf(tasks);
  }

  private Task task(String annotation) {
    int equals = annotation.lastIndexOf('=');
    if (equals < 0) {
      throw new DataException("annotation <<%.80s>> has no =", annotation);
    }
    String expression = annotation.substring(0, equals).replaceAll("\\s++", "");
    double computed = ArithmeticExpression.value(expression);
    double written = ArithmeticExpression.value(annotation.substring(equals + 1));
    if (Math.abs(computed - written) > TOLERANCE * Math.max(Math.abs(computed), Math.abs(written))) {
      throw new DataException("annotation <<%.80s>> is off: the expression is %s", annotation, g(computed));
    }
    Optional<String> answer = Optional.of(g(written));
    return Task.of(source, expression + "=", answer).withSolution(answer);
  }

  /** The number as printf's %g, but without the sign of a negative zero. */
  static String g(double value) {
    BigDecimal rounded = new BigDecimal(value).round(new MathContext(DIGITS, RoundingMode.HALF_EVEN));
    if (rounded.signum() == 0) {
      return "0";
    }
    BigDecimal plain = rounded.stripTrailingZeros();
    int exponent = plain.precision() - plain.scale() - 1;
    if (exponent >= -4 && exponent < DIGITS) {
      return plain.toPlainString();
    }
    return plain.movePointLeft(exponent).toPlainString() + String.format("e%s%02d", exponent < 0 ? "-" : "+",
        Math.abs(exponent));
  }
}
