package alluvium.policies;

import alluvium.rollouts.Sampling;

/**
 * Bytes that a policy of an architecture takes, and what is computed with it, all in float32: numbers that live at
 * once, without what an allocator keeps beside them.
 *
 * <pre>
 *   P parameters, L layers, H hidden, I intermediate, V vocabulary, q = heads * headDim, k = kvHeads * headDim
 *   N = rows * positions of a batch, C = rows * completion tokens of it
 * </pre>
 *
 * @param config the architecture
 */
public record Footprint(PolicyConfig config) {
  private static final long FLOAT = 4;

  /** Numbers in all weights, P; tied output weights count once. */
  public long parameters() {
    return config.names().stream().mapToLong(name -> product(config.shape(name))).sum();
  }

  /** One copy of the weights, their gradients, or one set of an optimizer's moments: 4 P. */
  public long weights() {
    return FLOAT * parameters();
  }

  /** Weights that generation joins, beside those it joins them from: 4 L ((q + 2 k) H + 2 I H). */
  public long fused() {
    return FLOAT * config.layers() * config.hidden() * (queries() + 2 * keys() + 2L * config.intermediate());
  }

  /** Keys and values of so many rows: 4 * 2 L N k. */
  public long cache(long rows, long positions) {
    return FLOAT * 2 * config.layers() * rows * positions * keys();
  }

  /**
   * The logits of one decoding step and what a token is drawn with: 20 bytes per row and token of the vocabulary (a
   * logarithm, and a probability and its sum in double); 48 where all are sorted for topP or minP; where the topK
   * largest are kept, 8 and 44 for each of them.
   */
  public long logits(long rows, Sampling sampling) {
    long vocabulary = config.vocab();
    if (sampling.temperature() == 0) {
      return 12 * rows * vocabulary;
    }
    if (sampling.topK() > 0) {
      return rows * (8 * vocabulary + 44 * Math.min(sampling.topK(), vocabulary));
    }
    return (sampling.topP() < 1 || sampling.minP() > 0 ? 48L : 20L) * rows * vocabulary;
  }

  /**
   * What the prompts of a batch take on their way through one layer, on top of the cache: residual, normed residual,
   * and the wider of attention (projections, rotated ones, repeated keys and values) and gated unit.
   *
   * <pre>  4 N (2 H + max(3 q + 6 k, 4 I)) + 4 N k samples + 5 N positions </pre>
   *
   * the last for the mask, a bit that becomes a number.
   */
  public long prompts(long prompts, long positions, long samples) {
    long n = prompts * positions;
    return FLOAT * n * (2L * config.hidden() + Math.max(3 * queries() + 6 * keys(), 4L * config.intermediate()))
        + FLOAT * n * keys() * samples + 5 * n * positions;
  }

  /**
   * What is kept of the forward pass to differentiate it, and what the way back takes at once.
   *
   * <pre>
   *   layer:  4 N (6 H + 4 q + 4 I)     two norms with three H each (input, normed, scaled); queries, repeated keys and
   *                                     values, attention's result; gate, its activation, up, their product
   *           + 4 N 2 (q + k)           where queries and keys are normed
   *   way back through one layer: 4 N (3 I + 2 H)
   * </pre>
   */
  public long activations(long rows, long positions) {
    long n = rows * positions;
    long normed = config.qkNorm() ? 2 * (queries() + keys()) : 0;
    return FLOAT * n * (config.layers() * (6L * config.hidden() + 4 * queries() + 4L * config.intermediate() + normed)
        + 3L * config.intermediate() + 2L * config.hidden());
  }

  /** So many arrays over the whole vocabulary at completion tokens: 4 C V each. */
  public long vocabulary(long rows, long tokens, int arrays) {
    return FLOAT * rows * tokens * config.vocab() * arrays;
  }

  /** What examples take on their way through one layer without gradient: 4 N (2 H + max(3 q + 6 k, 4 I)). */
  public long forward(long rows, long positions) {
    return FLOAT * rows * positions
        * (2L * config.hidden() + Math.max(3 * queries() + 6 * keys(), 4L * config.intermediate()));
  }

  /** The largest tensor, of which the way back holds a second copy while it is added up: 4 max(V H, I H). */
  public long largest() {
    return FLOAT * config.hidden() * Math.max(config.vocab(), config.intermediate());
  }

  private long queries() {
    return (long) config.heads() * config.headDim();
  }

  private long keys() {
    return (long) config.kvHeads() * config.headDim();
  }

  private static long product(long[] shape) {
    long product = 1;
    for (long length : shape) {
      product = Math.multiplyExact(product, length);
    }
    return product;
  }
}
