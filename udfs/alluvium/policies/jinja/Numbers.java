package alluvium.policies.jinja;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/** Python's operators on numbers, and + * % on strings and lists; integers are those of 64 bits, others are refused. */
final class Numbers {
  private Numbers() { }

  static double real(Object value) {
    return value instanceof Double number ? number : (double) Values.integer(value);
  }

  private static boolean whole(Object value) {
    return value instanceof Long || value instanceof Boolean;
  }

  static int compare(Object a, Object b) {
    return whole(a) && whole(b) ? Long.compare(Values.integer(a), Values.integer(b))
        : real(a) == real(b) ? 0 : Double.compare(real(a), real(b));
  }

  private static Fault mismatch(String operator, Object a, Object b) {
    if (a instanceof Undefined undefined) {
      return undefined.fault();
    }
    return b instanceof Undefined undefined ? undefined.fault()
        : new Fault("operator %s does not take %s and %s", operator, Values.type(a), Values.type(b));
  }

  static Object add(Object a, Object b, Budget budget) {
    if (whole(a) && whole(b)) {
      return exact(() -> Math.addExact(Values.integer(a), Values.integer(b)));
    }
    if (Values.isNumber(a) && Values.isNumber(b)) {
      return real(a) + real(b);
    }
    if (a instanceof String x && b instanceof String y) {
      budget.text((long) x.length() + y.length());
      return x + y;
    }
    if (a instanceof List<?> x && b instanceof List<?> y && Values.kind(x) == Values.kind(y) && !(a instanceof View)
        && !(a instanceof Range)) {
      budget.spend((long) x.size() + y.size());
      List<Object> sum = new ArrayList<>(x);
      sum.addAll(y);
      return a instanceof Tuple ? new Tuple(sum) : sum;
    }
    throw mismatch("+", a, b);
  }

  static Object subtract(Object a, Object b) {
    if (whole(a) && whole(b)) {
      return exact(() -> Math.subtractExact(Values.integer(a), Values.integer(b)));
    }
    numbers("-", a, b);
    return real(a) - real(b);
  }

  static Object multiply(Object a, Object b, Budget budget) {
    if (whole(a) && whole(b)) {
      return exact(() -> Math.multiplyExact(Values.integer(a), Values.integer(b)));
    }
    if (Values.isNumber(a) && Values.isNumber(b)) {
      return real(a) * real(b);
    }
    if (whole(b)) {
      return repeat(a, Values.integer(b), b, budget);
    }
    if (whole(a)) {
      return repeat(b, Values.integer(a), a, budget);
    }
    throw mismatch("*", a, b);
  }

  private static Object repeat(Object value, long times, Object factor, Budget budget) {
    long n = Math.max(0, Math.min(times, Budget.WORK + 1));
    if (value instanceof String text) {
      budget.text(text.length() * n);
      return text.repeat(text.isEmpty() ? 0 : (int) n);
    }
    if (value instanceof List<?> list && !(value instanceof View) && !(value instanceof Range)) {
      budget.spend(list.size() * n);
      List<Object> product = new ArrayList<>();
      for (long i = 0; i < (list.isEmpty() ? 0 : n); i++) {
        product.addAll(list);
      }
      return value instanceof Tuple ? new Tuple(product) : product;
    }
    throw mismatch("*", value, factor);
  }

  static Object divide(Object a, Object b) {
    numbers("/", a, b);
    return real(a) / divisor(b);
  }

  static Object floorDivide(Object a, Object b) {
    numbers("//", a, b);
    double divisor = divisor(b);
    if (whole(a) && whole(b)) {
      return Values.integer(b) == -1 ? negate(a) : (Object) Math.floorDiv(Values.integer(a), Values.integer(b));
    }
    return Math.floor(real(a) / divisor);
  }

  static Object modulo(Object a, Object b, Budget budget) {
    if (a instanceof String format) {
      return Formats.percent(format, b, budget);
    }
    numbers("%", a, b);
    double divisor = divisor(b);
    if (whole(a) && whole(b)) {
      return Math.floorMod(Values.integer(a), Values.integer(b));
    }
    double rest = real(a) % divisor;
    return rest != 0 && rest < 0 != divisor < 0 ? rest + divisor : rest;
  }

  static Object power(Object a, Object b) {
    numbers("**", a, b);
    if (!whole(a) || !whole(b) || Values.integer(b) < 0) {
      if (real(a) == 0 && real(b) < 0) {
        throw new Fault("0 has no negative power");
      }
      double power = Math.pow(real(a), real(b));
      if (Double.isNaN(power) || Double.isInfinite(power)) {
        throw new Fault("%s ** %s is not a finite number", a, b);
      }
      return power;
    }
    return exact(() -> wholePower(Values.integer(a), Values.integer(b)));
  }

  private static long wholePower(long base, long exponent) {
    long power = 1;
    long square = base;
    for (long e = exponent; e > 0; e >>= 1) {
      if ((e & 1) == 1) {
        power = Math.multiplyExact(power, square);
      }
      square = e > 1 ? Math.multiplyExact(square, square) : square;
    }
    return power;
  }

  static Object negate(Object value) {
    if (whole(value)) {
      return exact(() -> Math.negateExact(Values.integer(value)));
    }
    numbers("-", value, 0L);
    return -real(value);
  }

  static Object plus(Object value) {
    numbers("+", value, 0L);
    return whole(value) ? (Object) Values.integer(value) : value;
  }

  private static void numbers(String operator, Object a, Object b) {
    if (!Values.isNumber(a) || !Values.isNumber(b)) {
      throw mismatch(operator, a, b);
    }
  }

  private static double divisor(Object value) {
    if (real(value) == 0) {
      throw new Fault("division by zero");
    }
    return real(value);
  }

  /** A computation in 64 bits, refused when the result does not fit. */
  private static long exact(LongSupplier computation) {
    try {
      return computation.getAsLong();
    } catch (ArithmeticException e) {
      throw new Fault("an integer does not fit in 64 bits");
    }
  }

  /** The shortest digits that give the number again, as Python prints them. */
  static String repr(double value) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    BigDecimal exact = new BigDecimal(Math.abs(value));
    BigDecimal shortest = exact;
    for (int digits = 1; digits <= 17; digits++) {
      shortest = exact.round(new MathContext(digits));
      if (shortest.doubleValue() == Math.abs(value)) {
        break;
      }
    }
    String digits = shortest.stripTrailingZeros().unscaledValue().toString();
    int exponent = digits.length() - shortest.stripTrailingZeros().scale() - 1;
    return (value < 0 ? "-" : "") + (exponent < -4 || exponent >= 16 ? scientific(digits, exponent)
        : plain(digits, exponent));
  }

  private static String scientific(String digits, int exponent) {
    String mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
    return mantissa + "e" + (exponent < 0 ? "-" : "+") + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
  }

  private static String plain(String digits, int exponent) {
    if (exponent < 0) {
      return "0." + "0".repeat(-exponent - 1) + digits;
    }
    return digits.length() <= exponent + 1 ? digits + "0".repeat(exponent + 1 - digits.length()) + ".0"
        : digits.substring(0, exponent + 1) + "." + digits.substring(exponent + 1);
  }
}
