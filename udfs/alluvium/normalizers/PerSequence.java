package alluvium.normalizers;

/**
 * The mean over completions of each one's mean over its tokens: every completion weighs the same.
 *
 * <pre>  loss = 1/N sum_i (1/T_i sum_t L_it) </pre>
 *
 * N: completions of the update batch with at least one token. All lengths equal: {@link PerToken}.
 *
 * @see <a href="https://arxiv.org/abs/2402.03300">Shao et al. 2024, DeepSeekMath</a>, eq. 3
 */
public record PerSequence() implements Normalizer {
  @Override
  public double weight(int length) {
    return 1.0 / length;
  }

  @Override
  public double share(int length) {
    return length > 0 ? 1 : 0;
  }
}
