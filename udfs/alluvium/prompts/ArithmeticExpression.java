package alluvium.prompts;

import alluvium.tables.DataException;

/**
 * The value of an expression of decimals, + - * / ( ), signs, // (a quotient rounded down) and % (a hundredth), with
 * the usual precedence, in double precision. At most 500 characters, so that its nesting is bounded too.
 */
final class ArithmeticExpression {
  private static final int MAX_LENGTH = 500;
  private final String text;
  private int at;

  private ArithmeticExpression(String text) {
    this.text = text;
  }

  /** The finite value of the expression; throws where it has none, naming the place in it. */
  static double value(String expression) {
    if (expression.length() > MAX_LENGTH) {
      throw new DataException("expression '%.40s...' is longer than %s characters", expression, MAX_LENGTH);
    }
    ArithmeticExpression parser = new ArithmeticExpression(expression.replaceAll("\\s++", ""));
    double value = parser.sum();
    if (parser.at < parser.text.length()) {
      throw parser.unexpected();
    }
    if (!Double.isFinite(value)) {
      throw new DataException("expression '%.80s' has no finite value", expression);
    }
    return value;
  }

  private double sum() {
    double value = product();
    while (peek() == '+' || peek() == '-') {
      value = take() == '+' ? value + product() : value - product();
    }
    return value;
  }

  private double product() {
    double value = signed();
    while (peek() == '*' || peek() == '/') {
      if (take() == '*') {
        value *= signed();
      } else if (peek() == '/') {
        at++;
        value = Math.floor(value / signed());
      } else {
        value /= signed();
      }
    }
    return value;
  }

  private double signed() {
    if (peek() == '+' || peek() == '-') {
      return take() == '-' ? -signed() : signed();
    }
    double value = primary();
    while (peek() == '%') {
      at++;
      value /= 100;
    }
    return value;
  }

  private double primary() {
    if (peek() == '(') {
      at++;
      double value = sum();
      if (peek() != ')') {
        throw unexpected();
      }
      at++;
      return value;
    }
    return decimal();
  }

  private double decimal() {
    int from = at;
    int digits = digits();
    if (peek() == '.') {
      at++;
      digits += digits();
    }
    if (digits == 0) {
      throw unexpected();
    }
    return Double.parseDouble(text.substring(from, at));
  }

  private int digits() {
    int from = at;
    while (peek() >= '0' && peek() <= '9') {
      at++;
    }
    return at - from;
  }

  private char take() {
    return text.charAt(at++);
  }

  private char peek() {
    return at < text.length() ? text.charAt(at) : '\0';
  }

  private DataException unexpected() {
    return at < text.length()
        ? new DataException("expression '%.80s' cannot be read at '%s', character %s", text, text.charAt(at), at)
        : new DataException("expression '%.80s' ends too early", text);
  }
}
