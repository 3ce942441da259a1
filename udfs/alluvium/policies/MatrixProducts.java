package alluvium.policies;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

/** How fast the tensor library multiplies matrices: what a policy could reach if it did nothing else. */
public final class MatrixProducts {
  private static final int ORDER = 1024;
  private static final int WARM = 3;

  private MatrixProducts() {}

  /**
   * Floating point operations per second of float32 products of two square matrices of order {@value #ORDER}, on the
   * calling thread's native threads.
   *
   * <pre>  2 n^3 x products / seconds </pre>
   *
   * @param threads native threads
   * @param seconds to measure for, > 0
   */
  public static double rate(int threads, double seconds) {
    Policy.enter(threads);
    try (NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch")) {
      NDArray left = manager.randomNormal(0, 1, new Shape(ORDER, ORDER), DataType.FLOAT32);
      for (int i = 0; i < WARM; i++) {
        left.matMul(left).close();
      }
      long products = 0;
      long start = System.nanoTime();
      double took;
      do {
        left.matMul(left).close();
        products++;
        took = (System.nanoTime() - start) / 1e9;
      } while (took < seconds);
      return 2.0 * ORDER * ORDER * ORDER * products / took;
    }
  }
}
