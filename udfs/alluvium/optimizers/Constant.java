package alluvium.optimizers;

import static alluvium.tables.RecipeException.require;

/**
 * The peak learning rate throughout, after a linear warm-up.
 *
 * <pre>  factor(s) = s / warmup for s < warmup, else 1 </pre>
 *
 * s: 0-based optimizer step of the run, so with a warm-up the first step has the rate 0.
 *
 * @param warmup steps until the peak, >= 0
 */
public record Constant(int warmup) implements Schedule {
  public Constant {
    require(warmup >= 0, "Constant.warmup must be >= 0 steps, got %s.", warmup);
  }

  @Override
  public double factor(long step) {
    return step < warmup ? (double) step / warmup : 1;
  }
}
