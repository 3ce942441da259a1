package alluvium.policies;

/** Text that has a form in UTF-8. */
final class WellFormed {
  private static final char REPLACEMENT = '\ufffd';

  private WellFormed() { }

  /** The text with the replacement character for each half of a surrogate pair that stands alone. */
  static String text(String text) {
    StringBuilder result = new StringBuilder(text.length());
    text.codePoints().forEach(c -> result.appendCodePoint(
        c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? REPLACEMENT : c));
    return result.toString();
  }
}
