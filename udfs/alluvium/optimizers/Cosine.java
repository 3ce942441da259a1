package alluvium.optimizers;

import static alluvium.tables.RecipeException.require;

/**
 * A linear warm-up to the peak learning rate, then half a cosine down to 0.
 *
 * <pre>  factor(s) = s / warmup for s < warmup, else (1 + cos(pi min(1, (s - warmup) / (total - warmup)))) / 2 </pre>
 *
 * s: 0-based optimizer step of the run; with a warm-up the first step has the rate 0.
 *
 * @see <a href="https://arxiv.org/abs/1608.03983">Loshchilov and Hutter 2017, SGDR</a>, eq. 5, without restarts
 * @param warmup steps until the peak, >= 0
 * @param total steps until 0, > warmup; the rate stays 0 from there on
 */
public record Cosine(int warmup, int total) implements Schedule {
  public Cosine {
    require(warmup >= 0, "Cosine.warmup must be >= 0 steps, got %s.", warmup);
    require(total > warmup, "Cosine.total must be more than the %s steps of warmup, got %s.", warmup, total);
  }

  @Override
  public double factor(long step) {
    double progress = Math.min(1, (double) (step - warmup) / (total - warmup));
    return step < warmup ? (double) step / warmup : (1 + Math.cos(Math.PI * progress)) / 2;
  }
}
