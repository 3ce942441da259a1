package alluvium.policies;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One thread's sum of gradients with respect to a policy's weights, over any number of micro-batches. The weights
 * are shared
 * with the policy, the gradients are this object's own, so several threads may differentiate one policy at once.
 * Starts at
 * zero; closing frees the gradients.
 */
public final class Differentiation implements AutoCloseable {
  private final Policy policy;
  private final Optional<Policy> reference;
  private final double temperature;
  private final NDManager manager;
  private final Map<String, NDArray> leaves = new HashMap<>();
  private final boolean before;
  private long batches;

  /**
   * Opens a sum for the calling thread, which has called {@link Policy#enter}.
   *
   * @param reference consulted for its vocabulary distributions, where a loss needs them
   * @param temperature of the log-probabilities
   */
  public Differentiation(Policy policy, Optional<Policy> reference, double temperature) {
    this.policy = policy;
    this.reference = reference;
    this.temperature = temperature;
    manager = policy.manager().newSubManager();
    before = JniUtils.isGradMode();
    JniUtils.setGradMode(true);
    for (String name : policy.names()) {
      NDArray leaf = policy.weight(name).stopGradient();
      leaf.detach();
      leaf.attach(manager);
      leaf.setRequiresGradient(true);
      leaves.put(name, leaf);
    }
  }

  /** One micro-batch on its way through the loss. Closing frees everything it made. */
  public final class Batch implements AutoCloseable {
    private final NDManager micro = manager.newSubManager();
    private final TokenBatch tokens;
    private final NDArray entropy;
    private final int width;
    private final int size;

    private Batch(List<Example> rows, boolean vocabulary) {
      policy.known(rows);
      Padded padded = Padded.of(rows, micro);
      width = padded.width();
      size = rows.size();
      NDList arguments = policy.arguments(padded, temperature, policy.ordered(leaves), micro);
      NDArray logp;
      Optional<NDArray> full;
      if (vocabulary) {
        NDArray all = Decoder.shared().differentiably("full", arguments).get(0);
        full = Optional.of(all);
        logp = all.gather(padded.targets().expandDims(2), 2).squeeze(2);
        NDArray still = all.stopGradient();
        entropy = still.exp().mul(still).sum(new int[] {2}).neg();
      } else {
        NDList out = Decoder.shared().differentiably("forward", arguments);
        full = Optional.empty();
        logp = out.get(0);
        entropy = out.get(1);
      }
      boolean referenced = rows.stream().allMatch(r -> r.reference().length == r.completion().length);
      tokens = new TokenBatch(logp, array(rows, Example::oldLogp), array(rows, Example::advantages),
          array(rows, r -> ones(r.weights())),
          referenced ? Optional.of(array(rows, Example::reference)) : Optional.empty(),
          () -> full.orElseThrow(() -> new IllegalStateException("the loss did not ask for the vocabulary")),
          reference.map(r -> () -> r.full(padded, temperature, micro)));
    }

    public TokenBatch tokens() {
      return tokens;
    }

    /** (B, T) nats of the live policy at the sampling temperature, without gradient. */
    public NDArray entropy() {
      return entropy;
    }

    /** Padded length of the completions. */
    public int width() {
      return width;
    }

    /** Adds the gradient of sum(terms * weights) to the sum and returns the value of that sum. */
    public double add(NDArray terms, float[] weights) {
      NDArray weighted = terms.mul(micro.create(weights, new Shape(size, width))).sum();
      double value = weighted.toFloatArray()[0];
      batches++;
      JniUtils.backward((PtNDArray) weighted, (PtNDArray) micro.ones(weighted.getShape()), false, false);
      return value;
    }

    @Override
    public void close() {
      micro.close();
    }

    private NDArray array(List<Example> rows, java.util.function.Function<Example, float[]> column) {
      float[] values = new float[size * width];
      for (int i = 0; i < size; i++) {
        float[] row = column.apply(rows.get(i));
        System.arraycopy(row, 0, values, i * width, row.length);
      }
      return micro.create(values, new Shape(size, width));
    }
  }

  /** Log-probabilities of the sampled tokens only. */
  public Batch sampled(List<Example> rows) {
    return new Batch(rows, false);
  }

  /** Log-probabilities of the whole vocabulary as well. */
  public Batch vocabulary(List<Example> rows) {
    return new Batch(rows, true);
  }

  /** The sum of gradients so far, copied to the heap; zeros before the first batch. */
  public Tensors gradients() {
    List<long[]> shapes = new ArrayList<>();
    List<float[]> values = new ArrayList<>();
    for (String name : policy.names()) {
      NDArray leaf = leaves.get(name);
      shapes.add(leaf.getShape().getShape());
      if (batches == 0) {
        values.add(new float[(int) leaf.size()]);
      } else {
        try (NDArray gradient = leaf.getGradient()) {
          values.add(gradient.toFloatArray());
        }
      }
    }
    return new Tensors(policy.names(), shapes, values);
  }

  @Override
  public void close() {
    JniUtils.setGradMode(before);
    manager.close();
  }

  private static float[] ones(float[] weights) {
    float[] ones = new float[weights.length];
    for (int i = 0; i < ones.length; i++) {
      ones[i] = weights[i] != 0 ? 1 : 0;
    }
    return ones;
  }
}
