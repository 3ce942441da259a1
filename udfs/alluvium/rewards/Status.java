package alluvium.rewards;

import java.util.Locale;

/** How a reward call ended. Only OK carries a number. */
public enum Status {
  OK, ERROR, TIMEOUT, UNPARSEABLE, SKIPPED;

  /**
   * Whether it counts for the share of failures that stops a run: ERROR and TIMEOUT, for the grader broke, and
   * UNPARSEABLE, for it can judge no completion of such a task. A completion that cannot be read is no failure but a
   * wrong answer, which is OK. Not SKIPPED: the reward chose not to judge.
   */
  public boolean failure() {
    return this != OK && this != SKIPPED;
  }

  /** The value stored in the column {@code status}. */
  public String column() {
    return name().toLowerCase(Locale.ROOT);
  }
}
