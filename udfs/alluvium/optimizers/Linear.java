package alluvium.optimizers;

import static alluvium.tables.RecipeException.require;

/**
 * A linear warm-up to the peak learning rate, then a straight line down to 0.
 *
 * <pre>  factor(s) = s / warmup for s < warmup, else max(0, (total - s) / (total - warmup)) </pre>
 *
 * s: 0-based optimizer step of the run; with a warm-up the first step has the rate 0.
 *
 * @param warmup steps until the peak, >= 0
 * @param total steps until 0, > warmup
 */
public record Linear(int warmup, int total) implements Schedule {
  public Linear {
    require(warmup >= 0, "Linear.warmup must be >= 0 steps, got %s.", warmup);
    require(total > warmup, "Linear.total must be more than the %s steps of warmup, got %s.", warmup, total);
  }

  @Override
  public double factor(long step) {
    return step < warmup ? (double) step / warmup : Math.max(0, (double) (total - step) / (total - warmup));
  }
}
