package alluvium.rewards;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Walks once over a text, from number to number. Time is linear in the text, whatever it holds. */
final class NumberScanner {
  private static final int MAX_DIGITS = 400;
  private static final int MAX_EXPONENT = 400;
  private static final int MAX_ARGUMENT = 64;   // characters of a \frac's argument
  private static final String FRAC = "\\frac";
  private static final String CURRENCY = "$€£¥₹₩";
  private static final Pattern POWER = Pattern.compile("\\^(?:\\{([+-]?\\d{1,9})\\}|([+-]?\\d{1,9}))");
  private static final Pattern TIMES_TEN_POWER = Pattern.compile(" ?(?:×|\\\\times|\\\\cdot|\\*|x) ?10"
      + POWER.pattern());
  private static final Pattern PERCENT = Pattern.compile(" ?(?:%|percent\\b)");
  private static final int LOOKAHEAD = 32;
  private static final String[][] SPELLINGS = {
      {"\u2212", "-"}, {"\u2013", "-"}, {"\uFE63", "-"}, {"\uFF0D", "-"}, {"{,}", ","}, {"\\!", ""}, {"\\,", ""},
      {"\\$", "$"}, {"\\%", "%"}, {"\\dfrac", FRAC}, {"\\tfrac", FRAC}, {"\\cfrac", FRAC}, {"½", " 1/2"},
      {"¼", " 1/4"}, {"¾", " 3/4"}, {"⅓", " 1/3"}, {"⅔", " 2/3"}, {"\u00A0", " "}, {"\u202F", " "}};

  private static final int TAIL = 4096;         // longer than anything that is read as a number
  private final String text;
  private int at;

  /** A number in the text, its sign and currency included; no value where it is beyond what is read as a number. */
  record Token(int start, int end, Optional<NumericValue> value) {}

  /** Scans a text that went through {@link #plain}. */
  NumberScanner(String plain) {
    this.text = plain;
  }

  /** Scans the last numbers of such a text, the very last among them. */
  static NumberScanner ofTail(String plain) {
    NumberScanner scanner = new NumberScanner(plain);
    int last = plain.length() - 1;
    while (last >= 0 && !scanner.digit(last)) {
      last--;
    }
    scanner.at = Math.max(0, Math.max(last, plain.lastIndexOf(FRAC)) - TAIL);
    return scanner;
  }

  /** The text with one spelling for each of the signs that have several. */
  static String plain(String text) {
    String plain = text;
    for (String[] spelling : SPELLINGS) {
      plain = plain.replace(spelling[0], spelling[1]);
    }
    return plain;
  }

  /** The next number, or empty at the end of the text. */
  Optional<Token> next() {
    while (at < text.length()) {
      int from = at;
      if (text.startsWith(FRAC, at)) {
        at += FRAC.length();
        return Optional.of(token(from, fraction()));
      }
      if (!digit(at) && !(peek(at) == '.' && digit(at + 1) && !Character.isLetterOrDigit(peek(at - 1)))) {
        at++;
      } else if (named(from)) {
        number();
      } else {
        return Optional.of(token(from, number()));
      }
    }
    return Optional.empty();
  }

  /** Adds sign, currency and percent to what was read from there up to the cursor. */
  private Token token(int from, Optional<NumericValue> magnitude) {
    int start = from;
    int before = from - 1;
    if (signs(before)) {
      start = before;
    }
    int money = peek(start - 1) == ' ' ? start - 2 : start - 1;
    if (CURRENCY.indexOf(peek(money)) >= 0) {
      start = money;
      if (signs(money - 1)) {
        start = money - 1;
        before = money - 1;
      }
    }
    Optional<NumericValue> value = magnitude;
    if (start <= before && peek(before) == '-') {
      value = value.map(v -> new NumericValue(v.numerator().negate(), v.denominator(), v.unit()));
    }
    if (accept(PERCENT).isPresent()) {
      value = value.map(v -> new NumericValue(v.numerator(), v.denominator(), NumericValue.Unit.PERCENT));
    }
    return new Token(start, at, value);
  }

  /** Whether there is a plus or minus that belongs to what follows it: not one between two operands, not a hyphen. */
  private boolean signs(int index) {
    char before = peek(index - 1);
    return (peek(index) == '-' || peek(index) == '+')
        && !Character.isLetterOrDigit(before) && ")].%}".indexOf(before) < 0;
  }

  /** Whether the number there is the tail of a name, an exponent or an index. */
  private boolean named(int from) {
    int before = from - 1;
    if (Character.isLetter(peek(before))) {
      return !command(before);
    }
    before -= signs(before) ? 1 : 0;
    before -= peek(before) == '{' ? 1 : 0;
    return peek(before) == '^' || peek(before) == '_';
  }

  /** Whether the letters up to there are the name of a LaTeX command, as in \cdot3. */
  private boolean command(int last) {
    int first = last;
    while (last - first < LOOKAHEAD && Character.isLetter(peek(first))) {
      first--;
    }
    return peek(first) == '\\';
  }

  private Optional<NumericValue> number() {
    int from = at;
    Optional<NumericValue> first = decimal();
    Optional<String> tens = accept(TIMES_TEN_POWER);
    if (tens.isPresent()) {
      return first.flatMap(f -> shift(f, tens.get()));
    }
    Optional<String> power = accept(POWER);
    if (power.isPresent()) {
      return text.startsWith("10^", from) ? shift(integer(BigInteger.ONE), power.get()) : Optional.empty();
    }
    boolean whole = text.substring(from, at).chars().allMatch(c -> c == ',' || c >= '0' && c <= '9');
    if (whole && text.startsWith(FRAC, at)) {
      at += FRAC.length();
      return sum(first, fraction());
    }
    if (whole && peek(at) == ' ' && simpleFraction(at + 1)) {
      at++;
      return sum(first, quotient(decimal()));
    }
    return quotient(first);
  }

  /** Divides by the number behind the slash, if there is a slash with a number behind it. */
  private Optional<NumericValue> quotient(Optional<NumericValue> dividend) {
    int slash = peek(at) == ' ' ? at + 1 : at;
    int divisor = peek(slash + 1) == ' ' ? slash + 2 : slash + 1;
    if (peek(slash) != '/' || !digit(divisor)) {
      return dividend;
    }
    at = divisor;
    return divide(dividend, decimal());
  }

  /** Whether digits, a slash and digits stand there. */
  private boolean simpleFraction(int from) {
    int i = from;
    while (i - from < LOOKAHEAD && digit(i)) {
      i++;
    }
    return i > from && peek(i) == '/' && digit(i + 1);
  }

  /** The cursor is at a digit or at the point before one; moves it behind the decimal. */
  private Optional<NumericValue> decimal() {
    int from = at;
    skipDigits();
    if (at - from <= 3 && at > from) {
      while (peek(at) == ',' && digit(at + 1) && digit(at + 2) && digit(at + 3) && !digit(at + 4)) {
        at += 4;
      }
    }
    if (peek(at) == '.' && digit(at + 1)) {
      at++;
      skipDigits();
    }
    int mantissa = at;
    int exponent = peek(at + 1) == '-' || peek(at + 1) == '+' ? at + 2 : at + 1;
    if ((peek(at) == 'e' || peek(at) == 'E') && digit(exponent)) {
      at = exponent;
      skipDigits();
    }
    if (mantissa - from > MAX_DIGITS) {
      return Optional.empty();
    }
    NumericValue value = NumericValue.of(new BigDecimal(text.substring(from, mantissa).replace(",", "")));
    return at == mantissa ? Optional.of(value) : shift(value, text.substring(mantissa + 1, at));
  }

  /** The two arguments behind \frac. */
  private Optional<NumericValue> fraction() {
    Optional<NumericValue> above = argument();
    return divide(above, argument());
  }

  /** A braced argument or a single digit; a symbolic one has no value, but is passed over. */
  private Optional<NumericValue> argument() {
    at += peek(at) == ' ' ? 1 : 0;
    if (digit(at)) {
      at++;
      return Optional.of(integer(BigInteger.valueOf(text.charAt(at - 1) - '0')));
    }
    if (peek(at) != '{') {
      return Optional.empty();
    }
    int depth = 0;
    for (int i = at; i < Math.min(text.length(), at + MAX_ARGUMENT); i++) {
      depth += text.charAt(i) == '{' ? 1 : text.charAt(i) == '}' ? -1 : 0;
      if (depth == 0) {
        String inner = text.substring(at + 1, i);
        at = i + 1;
        return NumericValue.parse(inner);
      }
    }
    return Optional.empty();
  }

  private static NumericValue integer(BigInteger value) {
    return new NumericValue(value, BigInteger.ONE, NumericValue.Unit.ONE);
  }

  private static Optional<NumericValue> shift(NumericValue value, String exponent) {
    if (exponent.length() > 5 || Math.abs(Integer.parseInt(exponent)) > MAX_EXPONENT) {
      return Optional.empty();
    }
    int power = Integer.parseInt(exponent);
    BigInteger factor = BigInteger.TEN.pow(Math.abs(power));
    return Optional.of(power >= 0
        ? new NumericValue(value.numerator().multiply(factor), value.denominator(), value.unit())
        : new NumericValue(value.numerator(), value.denominator().multiply(factor), value.unit()));
  }

  private static Optional<NumericValue> sum(Optional<NumericValue> a, Optional<NumericValue> b) {
    return a.flatMap(x -> b.map(y -> new NumericValue(
        x.numerator().multiply(y.denominator()).add(y.numerator().multiply(x.denominator())),
        x.denominator().multiply(y.denominator()), x.unit())));
  }

  private static Optional<NumericValue> divide(Optional<NumericValue> a, Optional<NumericValue> b) {
    return a.flatMap(x -> b.filter(y -> y.numerator().signum() != 0).map(y -> {
      BigInteger below = x.denominator().multiply(y.numerator());
      BigInteger above = x.numerator().multiply(y.denominator());
      return below.signum() > 0 ? new NumericValue(above, below, x.unit())
          : new NumericValue(above.negate(), below.negate(), x.unit());
    }));
  }

  /** Moves behind the pattern if it stands at the cursor; its only group, or the empty string where it has none. */
  private Optional<String> accept(Pattern pattern) {
    Matcher matcher = pattern.matcher(text).region(at, Math.min(text.length(), at + LOOKAHEAD));
    if (!matcher.lookingAt()) {
      return Optional.empty();
    }
    at = matcher.end();
    for (int group = 1; group <= matcher.groupCount(); group++) {
      if (matcher.start(group) >= 0) {
        return Optional.of(matcher.group(group));
      }
    }
    return Optional.of("");
  }

  private void skipDigits() {
    while (digit(at)) {
      at++;
    }
  }

  private boolean digit(int index) {
    char c = peek(index);
    return c >= '0' && c <= '9';
  }

  /** The character there; NUL outside of the text. */
  private char peek(int index) {
    return index >= 0 && index < text.length() ? text.charAt(index) : '\0';
  }
}
