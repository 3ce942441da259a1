package alluvium.policies;

import java.io.Serializable;

/**
 * How a policy's rotary frequencies are changed so that it reaches further than it was first trained. All arithmetic
 * is float32, in the order of transformers.
 */
public sealed interface RopeScaling extends Serializable {

  /** The frequency that takes the place of an inverse frequency (radians per position). */
  float scale(float inverseFrequency);

  /** No scaling. */
  record None() implements RopeScaling {
    @Override
    public float scale(float inverseFrequency) {
      return inverseFrequency;
    }
  }

  /**
   * Every frequency divided by one factor.
   *
   * <pre>  f' = f / factor </pre>
   *
   * @param factor > 0; 1 changes nothing
   */
  record Linear(double factor) implements RopeScaling {
    @Override
    public float scale(float inverseFrequency) {
      return inverseFrequency / (float) factor;
    }
  }

  /**
   * Llama 3.1's: long waves slowed down, short ones kept, the ones between interpolated.
   *
   * <pre>  w = 2 pi / f;   s = (original / w - low) / (high - low)
   *  f' = f                             if w < original / high
   *  f' = f / factor                    if w > original / low
   *  f' = (1 - s) f / factor + s f      else </pre>
   *
   * @see <a href="https://arxiv.org/abs/2407.21783">Grattafiori et al. 2024, The Llama 3 Herd of Models</a>
   * @param factor > 0; 1 changes nothing
   * @param low low_freq_factor, > 0
   * @param high high_freq_factor, > low
   * @param original positions of the first training
   */
  record Llama3(double factor, double low, double high, int original) implements RopeScaling {
    @Override
    public float scale(float inverseFrequency) {
      float wave = (float) (2 * Math.PI) / inverseFrequency;
      if (wave < (float) (original / high)) {
        return inverseFrequency;
      }
      if (wave > (float) (original / low)) {
        return inverseFrequency / (float) factor;
      }
      float smooth = ((float) original / wave - (float) low) / (float) (high - low);
      return (1 - smooth) * inverseFrequency / (float) factor + smooth * inverseFrequency;
    }
  }
}
