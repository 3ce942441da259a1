package alluvium.objectives;

import static alluvium.tables.RecipeException.require;

/** The bounds of a trust region around a ratio of 1: [1 - low, 1 + high]. */
final class Bounds {
  private Bounds() {}

  static void check(String name, float low, float high) {
    require(low > 0 && low < 1, "%s.low must be in (0, 1), got %s. The lower bound is 1 - low.", name, low);
    require(high > 0 && Float.isFinite(high), "%s.high must be > 0, got %s. The upper bound is 1 + high.", name, high);
  }
}
