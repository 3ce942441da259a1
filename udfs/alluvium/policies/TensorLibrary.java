package alluvium.policies;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.engine.StandardCapabilities;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.LibUtils;
import ai.djl.util.Utils;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * The tensor library of this process, found by using it.
 *
 * @param djl version of the binding
 * @param torch version of the native library
 * @param folder it was loaded from
 * @param cache folder that it is unpacked to at first use
 * @param cuda how many GPUs it can use; 0 where it was built for CPUs
 * @param product (2, 2), row-major, of ((1, 2), (3, 4)) and ((5, 6), (7, 8)), as it computes it
 */
public record TensorLibrary(String djl, String torch, String folder, String cache, int cuda, List<Float> product)
    implements Serializable {
  /** 1 * 5 + 2 * 7 = 19, 1 * 6 + 2 * 8 = 22, 3 * 5 + 4 * 7 = 43, 3 * 6 + 4 * 8 = 50. */
  public static final List<Float> RIGHT = List.of(19f, 22f, 43f, 50f);

  public TensorLibrary {
    product = new ArrayList<>(product);
  }

  /** Loads the library, where it is not, and multiplies. */
  public static TensorLibrary probe() {
    Policy.enter(1);
    Engine engine = Engine.getEngine("PyTorch");
    try (NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch")) {
      NDArray left = manager.create(new float[] {1, 2, 3, 4}, new Shape(2, 2));
      NDArray right = manager.create(new float[] {5, 6, 7, 8}, new Shape(2, 2));
      List<Float> product = new ArrayList<>();
      for (float value : left.matMul(right).toFloatArray()) {
        product.add(value);
      }
      return new TensorLibrary(Engine.getDjlVersion(), engine.getVersion(), LibUtils.getLibtorchPath(),
          Utils.getEngineCacheDir("pytorch").toString(),
          engine.hasCapability(StandardCapabilities.CUDA) ? engine.getGpuCount() : 0, product);
    }
  }

  /** Whether it multiplied rightly. */
  public boolean right() {
    return product.equals(RIGHT);
  }
}
