package alluvium.rewards;

import java.util.concurrent.atomic.AtomicLong;

/**
 * A text that may be looked at so many times and no more, so that a pattern with exponential backtracking ends, after
 * the same number of steps on every machine.
 *
 * @param text what is matched
 * @param steps characters that may still be read; shared by all texts of one verdict
 */
record MeteredText(CharSequence text, AtomicLong steps) implements CharSequence {
  static final long STEPS = 20_000_000;

  /** The budget is used up. */
  static final class Exhausted extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Exhausted() {
      super("matching took more than " + STEPS + " steps");
    }
  }

  static AtomicLong budget() {
    return new AtomicLong(STEPS);
  }

  @Override
  public char charAt(int index) {
    if (steps.decrementAndGet() < 0) {
      throw new Exhausted();
    }
    return text.charAt(index);
  }

  @Override
  public int length() {
    return text.length();
  }

  @Override
  public CharSequence subSequence(int start, int end) {
    return text.subSequence(start, end);
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
