package alluvium.contracts;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import alluvium.policies.TokenBatch;
import java.util.Optional;
import java.util.Random;

/**
 * A batch of made-up numbers in float64 that reaches the branches of a loss: completions of 5, 4, 0, 1 and 3 tokens,
 * ratios far above and below 1 for single tokens and for whole completions, advantages of either sign, padding that
 * holds arbitrary numbers.
 */
final class Probe {
  static final int[] LENGTHS = {5, 4, 0, 1, 3};
  static final int TOKENS = 5;
  static final int WORDS = 3;

  final NDManager manager;
  /** (B, T). */
  final NDArray logp;
  /** (B, T, V). */
  final NDArray full;
  private final NDArray oldLogp;
  private final NDArray advantage;
  private final NDArray reference;
  private final NDArray fullReference;
  private final NDArray mask;

  Probe(NDManager manager, long seed) {
    Random random = new Random(seed);
    this.manager = manager;
    Shape shape = new Shape(LENGTHS.length, TOKENS);
    int cells = LENGTHS.length * TOKENS;
    double[] old = new double[cells];
    double[] live = new double[cells];
    double[] ref = new double[cells];
    double[] a = new double[cells];
    double[] m = new double[cells];
    for (int i = 0; i < cells; i++) {
      double drift = i / TOKENS % 2 == 0 ? .5 : -.6;      // rows are, on the whole, more or less probable than before
      old[i] = -4 + 2 * random.nextDouble();
      live[i] = old[i] + drift + 3 * (random.nextDouble() - .5);
      ref[i] = live[i] + 2 * (random.nextDouble() - .5);
      a[i] = (random.nextBoolean() ? 1 : -1) * (.2 + random.nextDouble());
      m[i] = i % TOKENS < LENGTHS[i / TOKENS] ? 1 : 0;
    }
    oldLogp = manager.create(old, shape);
    logp = manager.create(live, shape);
    reference = manager.create(ref, shape);
    advantage = manager.create(a, shape);
    mask = manager.create(m, shape);
    Shape distributions = new Shape(LENGTHS.length, TOKENS, WORDS);
    full = manager.create(random.doubles(cells * WORDS, -3, 0).toArray(), distributions).logSoftmax(2);
    fullReference = manager.create(random.doubles(cells * WORDS, -3, 0).toArray(), distributions).logSoftmax(2);
  }

  private Probe(Probe p, NDArray logp, NDArray oldLogp, NDArray reference, NDArray mask) {
    this.manager = p.manager;
    this.logp = logp;
    this.oldLogp = oldLogp;
    this.reference = reference;
    this.mask = mask;
    this.advantage = p.advantage;
    this.full = p.full;
    this.fullReference = p.fullReference;
  }

  /** The same with no token at all that counts. */
  Probe empty() {
    return new Probe(this, logp, oldLogp, reference, mask.zerosLike());
  }

  /** The same with a live policy that has become all but certain, of other tokens than before. */
  Probe extreme() {
    NDArray swing = manager.create(new double[] {1, 0, 1, 0, 1}).reshape(1, TOKENS).mul(mask.onesLike()).mul(-1e4);
    return new Probe(this, logp.add(swing), oldLogp.sub(swing.add(1e4)), reference.sub(swing.add(1e4)), mask);
  }

  /** The batch as it is, but with these live arrays. */
  TokenBatch batch(NDArray live, NDArray liveFull) {
    return new TokenBatch(live, oldLogp, advantage, mask, Optional.of(reference), () -> liveFull,
        Optional.of(() -> fullReference));
  }

  /** The batch with its rows in reverse order. */
  TokenBatch reversed() {
    return new TokenBatch(logp.flip(0), oldLogp.flip(0), advantage.flip(0), mask.flip(0),
        Optional.of(reference.flip(0)), () -> full.flip(0), Optional.of(() -> fullReference.flip(0)));
  }

  NDArray mask() {
    return mask;
  }
}
