package alluvium.rewards;

import static alluvium.tables.RecipeException.require;

/** The rule that every reward with two outcomes obeys. */
final class Outcome {
  private Outcome() {}

  /** Throws unless both numbers are finite and the right answer earns more. */
  static void check(String name, double right, double wrong) {
    require(Double.isFinite(right) && Double.isFinite(wrong) && right > wrong,
        "%s.right must be finite and > wrong, got right %s, wrong %s", name, right, wrong);
  }
}
