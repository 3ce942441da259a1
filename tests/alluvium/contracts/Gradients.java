package alluvium.contracts;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.util.function.UnaryOperator;

/** The gradient of a function of one array: by the engine, and by central differences. */
public final class Gradients {
  private static final double STEP = 1e-6;

  private Gradients() {}

  /** A manager of arrays on the CPU; whoever opens it closes it. */
  public static NDManager open() {
    Engine.getEngine("PyTorch");
    return NDManager.newBaseManager(Device.cpu(), "PyTorch");
  }

  /** d sum(f) / d leaf by backpropagation, row-major; zeros where nothing flows. */
  public static double[] byEngine(NDArray leaf, UnaryOperator<NDArray> f) {
    NDArray fresh = leaf.duplicate();
    fresh.setRequiresGradient(true);
    JniUtils.setGradMode(true);
    try {
      NDArray nothing = fresh.sum().mul(0);                 // an f without any gradient must not stop the engine
      PtNDArray loss = (PtNDArray) f.apply(fresh).sum().add(nothing);
      JniUtils.backward(loss, (PtNDArray) loss.getManager().ones(loss.getShape(), loss.getDataType()), false, false);
      return doubles(fresh.getGradient());
    } finally {
      JniUtils.setGradMode(false);
    }
  }

  /** The same by (f(x + h) - f(x - h)) / 2h for each element; the leaf should be float64. */
  public static double[] byDifferences(NDArray leaf, UnaryOperator<NDArray> f) {
    double[] x = doubles(leaf);
    double[] gradient = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      double here = x[i];
      x[i] = here + STEP;
      double above = sum(f.apply(leaf.getManager().create(x, leaf.getShape())));
      x[i] = here - STEP;
      double below = sum(f.apply(leaf.getManager().create(x, leaf.getShape())));
      x[i] = here;
      gradient[i] = (above - below) / (2 * STEP);
    }
    return gradient;
  }

  public static double[] doubles(NDArray array) {
    return array.toType(DataType.FLOAT64, true).toDoubleArray();
  }

  private static double sum(NDArray array) {
    return array.sum().toDoubleArray()[0];
  }
}
