package alluvium.normalizers;

import static alluvium.tables.RecipeException.require;

/**
 * The mean over completions of each one's sum over its tokens, divided by a constant that no completion's length moves.
 *
 * <pre>  loss = 1/N sum_i (1/length sum_t L_it) </pre>
 *
 * N: completions of the update batch with at least one token. {@link SequenceSum} in other units. Some libraries leave
 * out the division by N.
 *
 * @see <a href="https://arxiv.org/abs/2503.20783">Liu et al. 2025, Understanding R1-Zero-like training</a>, section 3.2
 * @param length tokens, >= 1; the paper takes the generation limit
 */
public record Constant(int length) implements Normalizer {
  public Constant {
    require(length >= 1, "Constant.length must be at least 1, got %s. The generation limit is usual.", length);
  }

  @Override
  public double weight(int length) {
    return 1.0 / this.length;
  }

  @Override
  public double share(int length) {
    return length > 0 ? 1 : 0;
  }
}
