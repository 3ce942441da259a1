package alluvium.policies;

import java.nio.charset.StandardCharsets;

/**
 * Standard normal numbers that depend on a seed, a name and an index alone, the same on every machine.
 *
 * <pre>  u_k = mix(mix(seed + hash(name)) + k g) / 2^64,  k = 1, 2, ...
 *  z_2j = sqrt(-2 ln u_{2j+1}) cos(2 pi u_{2j+2}),  z_{2j+1} the same with sin </pre>
 *
 * mix: SplitMix64's finalizer, g its increment; hash: FNV-1a of the name's UTF-8 bytes; u in (0, 1], of 53 bits.
 *
 * @see <a href="https://doi.org/10.1145/2660193.2660195">Steele et al. 2014, Fast splittable pseudorandom number
 *     generators</a>; Box and Muller 1958
 */
record Normals(long seed) {
  private static final long INCREMENT = 0x9e3779b97f4a7c15L;

  /** The first numbers of the name's sequence, times the standard deviation. */
  float[] draw(String name, int count, double deviation) {
    long key = mix(seed + hash(name));
    float[] draws = new float[count];
    for (int i = 0; i < count; i += 2) {
      double radius = deviation * StrictMath.sqrt(-2 * StrictMath.log(uniform(key, i + 1L)));
      double angle = 2 * Math.PI * uniform(key, i + 2L);
      draws[i] = (float) (radius * StrictMath.cos(angle));
      if (i + 1 < count) {
        draws[i + 1] = (float) (radius * StrictMath.sin(angle));
      }
    }
    return draws;
  }

  private static double uniform(long key, long index) {
    return ((mix(key + index * INCREMENT) >>> 11) + 1) * 0x1p-53;
  }

  private static long mix(long value) {
    long z = (value ^ value >>> 30) * 0xbf58476d1ce4e5b9L;
    z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
    return z ^ z >>> 31;
  }

  private static long hash(String name) {
    long hash = 0xcbf29ce484222325L;
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ b & 0xff) * 0x100000001b3L;
    }
    return hash;
  }
}
