package alluvium.normalizers;

/**
 * The mean over all tokens of the update batch: every token weighs the same, long completions more.
 *
 * <pre>  loss = sum_it L_it / sum_i T_i </pre>
 *
 * Completions without tokens add nothing. All lengths equal: {@link PerSequence}.
 *
 * @see <a href="https://arxiv.org/abs/2503.14476">Yu et al. 2025, DAPO</a>, section 3.3
 */
public record PerToken() implements Normalizer {
  @Override
  public double weight(int length) {
    return 1;
  }

  @Override
  public double share(int length) {
    return length;
  }
}
