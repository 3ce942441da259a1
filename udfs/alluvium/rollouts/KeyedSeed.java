package alluvium.rollouts;

import static alluvium.tables.RecipeException.require;

/**
 * Seeds from keys: the same keys give the same 64 bits on every machine, one changed key gives others.
 *
 * <pre>  h_0 = mix(seed);  h_k = mix(0x100000001B3 h_{k-1} + v_k)  for each part in order </pre>
 *
 * v of a whole number is mix(number); v of a text is mix(mix(FNV-1a over its UTF-16 units, high byte first, xor its
 * length) xor a constant); mix adds 0x9E3779B97F4A7C15 and applies SplitMix64's finalizer, so every bit of a key
 * reaches every bit of the seed. An int and a long of the same value are the same part. Not cryptographic: do not use
 * it where somebody gains by a collision.
 *
 * @see <a href="https://doi.org/10.1145/2660193.2660195">Steele, Lea, Flood 2014</a>, figure 17
 */
public final class KeyedSeed {
  private static final long GAMMA = 0x9E3779B97F4A7C15L;
  private static final long FNV_OFFSET = 0xCBF29CE484222325L;
  private static final long FNV_PRIME = 0x100000001B3L;
  private static final long TEXT = 0x54455854L;   // keeps "" apart from 0

  private KeyedSeed() {}

  /** The seed of one completion. */
  public static long of(long runSeed, int iteration, String id, int sample) {
    return next(next(next(mix(runSeed), whole(iteration)), text(id)), whole(sample));
  }

  /** The seed of any keys: ints, longs and texts. */
  public static long of(long seed, Object... parts) {
    long hash = mix(seed);
    for (Object part : parts) {
      require(part instanceof Integer || part instanceof Long || part instanceof String,
          "KeyedSeed: a key must be an int, a long or a text, got %s", part.getClass().getName());
      hash = next(hash, part instanceof String text ? text(text) : whole(((Number) part).longValue()));
    }
    return hash;
  }

  private static long next(long hash, long value) {
    return mix(hash * FNV_PRIME + value);
  }

  private static long whole(long value) {
    return mix(value);
  }

  private static long text(String text) {
    long hash = FNV_OFFSET;
    for (int i = 0; i < text.length(); i++) {
      hash = (hash ^ text.charAt(i) >>> 8) * FNV_PRIME;
      hash = (hash ^ text.charAt(i) & 0xFF) * FNV_PRIME;
    }
    return mix(mix(hash ^ text.length()) ^ TEXT);
  }

  private static long mix(long value) {
    long z = value + GAMMA;
    z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
    z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
    return z ^ z >>> 31;
  }
}
