package alluvium.normalizers;

import java.io.Serializable;

/**
 * How token losses become one number: loss = sum over completions i and tokens t of weight(T_i) * L_it / sum over i
 * of share(T_i),
 * T_i the number of tokens of completion i that count. Both sums run over the whole update batch, whatever the shards.
 */
public interface Normalizer extends Serializable {
  /** Weight of each counted token of a completion with this many of them; length >= 1. */
  double weight(int length);

  /** What such a completion adds to the denominator; 0 for length 0. */
  double share(int length);
}
