package alluvium.policies;

import static alluvium.tables.RecipeException.require;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.engine.StandardCapabilities;
import java.io.Serializable;

/**
 * What computes for a policy: the processors of the machine, or one GPU of it. Naming a GPU touches nothing; a policy
 * that is loaded on it does.
 *
 * @param index 0-based, as the discovery script prints it; -1 for the machine's own processors
 */
public record Processor(int index) implements Serializable {
  public static final Processor CPU = new Processor(-1);

  public Processor {
    require(index >= -1, "the index of a GPU must be >= 0, got %s", index);
  }

  /** A GPU by its index. */
  public static Processor gpu(int index) {
    require(index >= 0, "the index of a GPU must be >= 0, got %s", index);
    return new Processor(index);
  }

  /** The first GPU that this process sees, where the tensor library that is loaded can use one; else the CPU. */
  public static Processor visible() {
    Offline.settle();
    Engine engine = Engine.getEngine("PyTorch");
    return engine.hasCapability(StandardCapabilities.CUDA) && engine.getGpuCount() > 0 ? gpu(0) : CPU;
  }

  /** What is appended to the key of something that lies in this processor's memory: nothing for the CPU. */
  public String suffix() {
    return index < 0 ? "" : "@" + this;
  }

  @Override
  public String toString() {
    return index < 0 ? "cpu" : "gpu" + index;
  }

  /** The device of the tensor library, which must have been built for it. */
  Device device() {
    if (index < 0) {
      return Device.cpu();
    }
    Offline.settle();
    require(Engine.getEngine("PyTorch").hasCapability(StandardCapabilities.CUDA), "this task was given GPU %s, but the"
        + " tensor library in this jar is for CPUs. Run with the CUDA natives (ai.djl.pytorch:pytorch-native-cu128 in"
        + " the place of pytorch-native-cpu), or without spark.executor.resource.gpu.amount.", index);
    return Device.gpu(index);
  }
}
