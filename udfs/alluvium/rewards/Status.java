package alluvium.rewards;

import java.util.Locale;

/** How a reward call ended. Only OK carries a number. */
public enum Status {
  OK, ERROR, TIMEOUT, UNPARSEABLE, SKIPPED;

  /** The value stored in the column {@code status}. */
  public String column() {
    return name().toLowerCase(Locale.ROOT);
  }
}
