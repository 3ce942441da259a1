package alluvium.jobs;

import alluvium.policies.SafeTensors;
import alluvium.policies.Tensors;
import alluvium.tables.DataException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** An optimizer's moments as a safetensors file: one tensor per slot and weight, named slot/weight. */
final class OptimizerState {
  static final String FILE = "optimizer.safetensors";

  private OptimizerState() {}

  static void write(Path file, List<String> names, List<Tensors> slots) {
    List<String> all = new ArrayList<>();
    List<long[]> shapes = new ArrayList<>();
    List<float[]> values = new ArrayList<>();
    for (int s = 0; s < names.size(); s++) {
      for (int i = 0; i < slots.get(s).size(); i++) {
        all.add(names.get(s) + "/" + slots.get(s).names().get(i));
        shapes.add(slots.get(s).shapes().get(i));
        values.add(slots.get(s).values().get(i));
      }
    }
    SafeTensors.write(file, new Tensors(all, shapes, values), Map.of("format", "pt"));
  }

  /** One set of moments per slot name, laid out as the weights are. */
  static List<Tensors> read(Path file, List<String> names, Tensors weights) {
    List<Tensors> slots = new ArrayList<>();
    try (SafeTensors tensors = SafeTensors.open(file)) {
      Set<String> there = new HashSet<>(tensors.names());
      for (String name : names) {
        List<float[]> values = new ArrayList<>();
        for (int i = 0; i < weights.size(); i++) {
          String tensor = name + "/" + weights.names().get(i);
          if (!there.contains(tensor) || !Arrays.equals(tensors.shape(tensor), weights.shapes().get(i))) {
            throw new DataException("%s: %s is missing or of another shape; the optimizer's state belongs to another "
                + "policy or another optimizer.", file, tensor);
          }
          values.add(tensors.floats(tensor));
        }
        slots.add(new Tensors(weights.names(), weights.shapes(), values));
      }
    }
    return slots;
  }
}
