package alluvium.rewards;

import static alluvium.tables.RecipeException.require;

import java.io.Serializable;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A number as people and policies write it, held exactly as a fraction in lowest terms.
 *
 * <p>Read are: thousands with commas, signs (also the Unicode minus), currency signs, decimals, scientific notation
 * (1.5e3, 1.5 × 10^3), fractions (3/4), mixed numbers (1 1/2), \frac{a}{b} and its kin, percent. A number glued to a
 * letter before it (x2) or to ^ or _ (cm^2) is part of a name or a unit, not a number. A power other than of ten, a
 * \frac of something symbolic, a division by zero, more than 400 digits or an exponent beyond 400 stand for no number.
 *
 * @param numerator carries the sign
 * @param denominator > 0
 * @param unit whether a percent sign followed
 */
public record NumericValue(BigInteger numerator, BigInteger denominator, Unit unit) implements Serializable {
  private static final String MARKER = "####";
  private static final String BOX = "\\boxed{";
  private static final Pattern WORDS =
      Pattern.compile("\\\\(?:text|textbf|textrm|mathrm|mathbf|mbox)\\{[^{}]*+\\}");
  private static final Pattern DECORATION = Pattern.compile("\\\\(?:boxed|text|textbf|mathrm|mathbf)\\{");

  /** What stands behind the digits. */
  public enum Unit { ONE, PERCENT }

  public NumericValue {
    require(denominator.signum() > 0, "NumericValue.denominator must be > 0, got %s", denominator);
    BigInteger divisor = numerator.gcd(denominator);
    numerator = numerator.divide(divisor);
    denominator = denominator.divide(divisor);
  }

  static NumericValue of(BigDecimal decimal) {
    return decimal.scale() > 0
        ? new NumericValue(decimal.unscaledValue(), BigInteger.TEN.pow(decimal.scale()), Unit.ONE)
        : new NumericValue(decimal.toBigIntegerExact(), BigInteger.ONE, Unit.ONE);
  }

  /** The number that the text is, blanks and a full stop around it aside; empty where it is anything else or more. */
  public static Optional<NumericValue> parse(String text) {
    String plain = NumberScanner.plain(text);
    Optional<NumberScanner.Token> token = new NumberScanner(plain).next();
    return token
        .filter(t -> plain.substring(0, t.start()).isBlank())
        .filter(t -> plain.substring(t.end()).replaceFirst("^\\.", "").isBlank())
        .flatMap(NumberScanner.Token::value);
  }

  /** The last number of the text; empty where there is none or where the last one is beyond the bounds. */
  public static Optional<NumericValue> last(String text) {
    return lastOf(NumberScanner.plain(text));
  }

  /**
   * The number that follows the last #### on its line with no word between; a heading such as "#### Step 1" is none.
   */
  public static Optional<NumericValue> afterMarker(String text) {
    return marked(NumberScanner.plain(text)).flatMap(NumberScanner.Token::value);
  }

  /** The last number in the last \boxed{}, whose braces must balance; words in \text{} count only if all else fails. */
  public static Optional<NumericValue> boxed(String text) {
    return box(NumberScanner.plain(text)).flatMap(NumericValue::content);
  }

  /**
   * The number that a text states as its answer: after #### or in \boxed{}, whichever comes later in the text, else
   * the last number. A box without a number states none.
   */
  public static Optional<NumericValue> stated(String text) {
    String plain = NumberScanner.plain(text);
    Optional<NumberScanner.Token> marked = marked(plain);
    Optional<String> box = box(plain);
    if (marked.isPresent() && (box.isEmpty() || plain.lastIndexOf(BOX) < marked.get().end())) {
      return marked.get().value();
    }
    return box.isPresent() ? content(box.get()) : lastOf(plain);
  }

  private static Optional<NumericValue> lastOf(String plain) {
    NumberScanner scanner = NumberScanner.ofTail(plain);
    Optional<NumberScanner.Token> last = Optional.empty();
    for (Optional<NumberScanner.Token> token = scanner.next(); token.isPresent(); token = scanner.next()) {
      last = token;
    }
    return last.flatMap(NumberScanner.Token::value);
  }

  /** The token after the last marker, placed in the whole text. */
  private static Optional<NumberScanner.Token> marked(String plain) {
    int marker = plain.lastIndexOf(MARKER);
    if (marker < 0) {
      return Optional.empty();
    }
    int from = marker + MARKER.length();
    int newline = plain.indexOf('\n', from);
    String line = plain.substring(from, newline < 0 ? plain.length() : newline);
    return new NumberScanner(line).next()
        .filter(t -> DECORATION.matcher(line.substring(0, t.start())).replaceAll("").chars()
            .noneMatch(Character::isLetter))
        .map(t -> new NumberScanner.Token(from + t.start(), from + t.end(), t.value()));
  }

  /** What stands in the last box; only the last is looked at, so that a page of open boxes costs one pass. */
  private static Optional<String> box(String plain) {
    int box = plain.lastIndexOf(BOX);
    int depth = 1;
    for (int i = box + BOX.length(); box >= 0 && i < plain.length(); i++) {
      depth += plain.charAt(i) == '{' ? 1 : plain.charAt(i) == '}' ? -1 : 0;
      if (depth == 0) {
        return Optional.of(plain.substring(box + BOX.length(), i));
      }
    }
    return Optional.empty();
  }

  private static Optional<NumericValue> content(String box) {
    String symbols = WORDS.matcher(box).replaceAll(" ");
    return new NumberScanner(symbols).next().isPresent() ? lastOf(symbols) : lastOf(box);
  }

  /**
   * Whether both are the same number.
   *
   * <pre>  |this - other| <= tolerance * max(1, |other|) </pre>
   *
   * Tolerance 0 compares exactly. Where one of the two is a percentage and the other is not, the percentage may stand
   * for its bare number or for its hundredth: 50% agrees with 50 and with 0.5.
   */
  public boolean agrees(NumericValue other, double tolerance) {
    if (unit == other.unit) {
      return near(this, other, tolerance);
    }
    return near(this, other, tolerance) || near(fraction(), other.fraction(), tolerance);
  }

  private NumericValue fraction() {
    return unit == Unit.ONE ? this
        : new NumericValue(numerator, denominator.multiply(BigInteger.valueOf(100)), Unit.ONE);
  }

  private static boolean near(NumericValue a, NumericValue b, double tolerance) {
    BigInteger difference = a.numerator.multiply(b.denominator).subtract(b.numerator.multiply(a.denominator)).abs();
    BigInteger scale = b.numerator.abs().max(b.denominator).multiply(a.denominator);
    return new BigDecimal(difference).compareTo(BigDecimal.valueOf(tolerance).multiply(new BigDecimal(scale))) <= 0;
  }

  @Override
  public String toString() {
    return numerator + (denominator.equals(BigInteger.ONE) ? "" : "/" + denominator) + (unit == Unit.ONE ? "" : "%");
  }
}
