package alluvium.spark;

import alluvium.objectives.LossSums;
import alluvium.optimizers.GradientClip;
import alluvium.optimizers.Optimizer;
import alluvium.policies.Example;
import alluvium.policies.Tensors;
import alluvium.tables.DataException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import scala.Tuple2;

/**
 * The driver's side of an update: asks executors for the gradient sums of a step's shards, adds them in shard
 * order, divides
 * once, clips, and steps the optimizer. Weights and moments live here.
 */
public final class Stepping {
  private final JavaSparkContext context;
  private final GradientShards shards;
  private final Optimizer optimizer;
  private final Tensors weights;
  private final List<Tensors> slots;
  private long steps;

  /**
   * Starts from weights and moments, which are changed from now on.
   *
   * @param slots one per name of the optimizer's slots
   * @param steps taken so far in the run
   */
  public Stepping(JavaSparkContext context, GradientShards shards, Optimizer optimizer, Tensors weights,
      List<Tensors> slots, long steps) {
    this.context = context;
    this.shards = shards;
    this.optimizer = optimizer;
    this.weights = weights;
    this.slots = slots;
    this.steps = steps;
  }

  /**
   * What one step did.
   *
   * @param sums over the step's examples
   * @param gradientNorm before clipping
   * @param learningRate that was used
   * @param seconds in which executors computed
   */
  public record Step(LossSums sums, double gradientNorm, double learningRate, double seconds) {
    /** The loss, divided once. */
    public double loss() {
      return sums.numerator() / sums.denominator();
    }
  }

  /** One shard's examples. */
  public record Shard(int index, List<Example> examples) implements Serializable {
    public Shard {
      examples = new ArrayList<>(examples);
    }
  }

  /** A batch cut into at most so many shards of as equal a size as can be, in order. */
  public static List<Shard> cut(List<Example> batch, int shards) {
    int count = Math.min(shards, batch.size());
    List<Shard> cut = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int from = (int) ((long) batch.size() * i / count);
      int to = (int) ((long) batch.size() * (i + 1) / count);
      cut.add(new Shard(i, batch.subList(from, to)));
    }
    return cut;
  }

  /**
   * One optimizer step on some shards. A step without any token that counts changes nothing.
   *
   * @param batch the step's shards, one Spark partition or more
   */
  public Step step(JavaRDD<Shard> batch) {
    String key = shards.policy().version() + "@" + System.identityHashCode(this) + "/" + steps;
    Broadcast<Tensors> current = context.broadcast(weights.copy());
    List<Tuple2<Integer, GradientShards.Sums>> parts;
    try {
      GradientShards function = shards;
      JavaRDD<Tuple2<Integer, GradientShards.Sums>> sums = GpuStages.with(batch.map(
          s -> new Tuple2<>(s.index(), function.sums(key, current, s.examples()))));
      parts = new ArrayList<>(TaskFailure.surfaced(sums::collect));
    } finally {
      current.destroy();
    }
    parts.sort((a, b) -> Integer.compare(a._1(), b._1()));
    LossSums sums = LossSums.NONE;
    for (Tuple2<Integer, GradientShards.Sums> part : parts) {
      sums = sums.plus(part._2().loss());
    }
    double rate = optimizer.learningRate(steps);
    double seconds = Span.seconds(parts.stream().map(p -> p._2().span()).toList());
    if (sums.denominator() == 0) {
      return new Step(sums, 0, rate, seconds);
    }
    List<float[]> gradient = mean(parts, sums.denominator());
    double norm = GradientClip.norm(gradient);
    if (!Double.isFinite(norm)) {
      throw new DataException("the gradient of step %d, shards %d to %d, has norm %s: the step is refused.", steps,
          parts.get(0)._1(), parts.get(parts.size() - 1)._1(), norm);
    }
    GradientClip.clip(gradient, optimizer.maxNorm());
    for (int i = 0; i < weights.size(); i++) {
      List<float[]> moments = new ArrayList<>();
      for (Tensors slot : slots) {
        moments.add(slot.values().get(i));
      }
      optimizer.step(weights.values().get(i), gradient.get(i), moments, weights.matrix(i), steps);
    }
    steps++;
    return new Step(sums, norm, rate, seconds);
  }

  public Tensors weights() {
    return weights;
  }

  public List<Tensors> slots() {
    return slots;
  }

  public long steps() {
    return steps;
  }

  /** Sums in shard order, in double, divided once. */
  private List<float[]> mean(List<Tuple2<Integer, GradientShards.Sums>> parts, double denominator) {
    List<float[]> mean = new ArrayList<>();
    for (int i = 0; i < weights.size(); i++) {
      double[] total = new double[weights.values().get(i).length];
      for (Tuple2<Integer, GradientShards.Sums> part : parts) {
        float[] values = part._2().gradients().values().get(i);
        for (int j = 0; j < total.length; j++) {
          total[j] += values[j];
        }
      }
      float[] divided = new float[total.length];
      for (int j = 0; j < total.length; j++) {
        divided[j] = (float) (total[j] / denominator);
      }
      mean.add(divided);
    }
    return mean;
  }
}
