package alluvium.rewards;

import alluvium.tables.DataException;

/**
 * The estimator k1 of the divergence from the reference policy as a reward of each token.
 *
 * <pre>  r_t = -(logp_t - ref_t) </pre>
 *
 * Natural logs at the sampling temperature; no unit. The factor beta is the weight that the aggregation gives the
 * reward. Equal policies: 0. No token: no value. No gradient flows: it is part of the reward, as in REINFORCE++.
 *
 * @see <a href="https://arxiv.org/abs/2501.03262">Hu 2025, REINFORCE++</a>
 */
public record KlToReference() implements ReferenceReward {
  @Override
  public double[] values(double[] sampled, double[] reference) {
    if (sampled.length != reference.length) {
      throw new DataException("KlToReference: %s sampled log-probabilities, but %s of the reference",
          sampled.length, reference.length);
    }
    double[] values = new double[sampled.length];
    for (int t = 0; t < values.length; t++) {
      values[t] = -(sampled[t] - reference[t]);
      if (!Double.isFinite(values[t])) {
        throw new DataException("KlToReference: token %s has log-probabilities %s and %s: no finite difference",
            t, sampled[t], reference[t]);
      }
    }
    return values;
  }
}
