package alluvium.normalizers;

/**
 * The mean over completions of each one's sum over its tokens: the completion is one action.
 *
 * <pre>  loss = 1/N sum_i sum_t L_it </pre>
 *
 * N: completions of the update batch with at least one token. With {@link alluvium.objectives.PolicyGradient} the
 * gradient is the unbiased one of the expected reward.
 *
 * @see <a href="https://doi.org/10.1007/BF00992696">Williams 1992, REINFORCE</a>
 */
public record SequenceSum() implements Normalizer {
  @Override
  public double weight(int length) {
    return 1;
  }

  @Override
  public double share(int length) {
    return length > 0 ? 1 : 0;
  }
}
