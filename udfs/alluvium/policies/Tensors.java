package alluvium.policies;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Named float32 arrays on the Java heap in a fixed order: weights, gradients, moments of an optimizer.
 *
 * @param names unique
 * @param shapes one per name
 * @param values one per name, row-major, as long as the product of its shape; shared, not copied
 */
public record Tensors(List<String> names, List<long[]> shapes, List<float[]> values) implements Serializable {

  public Tensors {
    if (names.size() != shapes.size() || names.size() != values.size()) {
      throw new IllegalArgumentException("names, shapes and values must be of the same number");
    }
  }

  public int size() {
    return names.size();
  }

  /** Number of floats over all arrays. */
  public long count() {
    return values.stream().mapToLong(v -> v.length).sum();
  }

  /** The same names and shapes, zeros everywhere. */
  public Tensors zeros() {
    List<float[]> zeros = new ArrayList<>();
    values.forEach(v -> zeros.add(new float[v.length]));
    return new Tensors(names, shapes, zeros);
  }

  public Tensors copy() {
    List<float[]> copies = new ArrayList<>();
    values.forEach(v -> copies.add(Arrays.copyOf(v, v.length)));
    return new Tensors(names, shapes, copies);
  }

  public float[] of(String name) {
    return values.get(names.indexOf(name));
  }

  /** Whether the i-th array is a matrix rather than a vector. */
  public boolean matrix(int i) {
    return shapes.get(i).length > 1;
  }
}
