package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.policies.SafeTensors;
import alluvium.policies.Tensors;
import alluvium.tables.DataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OptimizerStateTest {
  private static final Tensors WEIGHTS = new Tensors(List.of("w", "b"), List.of(new long[] {1, 2}, new long[] {1}),
      List.of(new float[] {1, 2}, new float[] {3}));

  @TempDir
  Path folder;

  @Test
  void readsBackWhatItWrote() {
    Path file = folder.resolve(OptimizerState.FILE);
    Tensors second = new Tensors(WEIGHTS.names(), WEIGHTS.shapes(), List.of(new float[] {4, 5}, new float[] {6}));
    OptimizerState.write(file, List.of("m", "v"), List.of(WEIGHTS, second));
    List<Tensors> read = OptimizerState.read(file, List.of("v", "m"), WEIGHTS);
    assertThat(read.get(0).values().get(0)).containsExactly(4, 5);
    assertThat(read.get(1).values().get(1)).containsExactly(3);
  }

  @Test
  void anotherPolicysOrAnotherOptimizersOrACutOne() throws IOException {
    Path file = folder.resolve(OptimizerState.FILE);
    String rest = " is missing or of another shape; the optimizer's state belongs to another policy or another "
        + "optimizer.";
    OptimizerState.write(file, List.of("m"), List.of(WEIGHTS));
    assertThatThrownBy(() -> OptimizerState.read(file, List.of("v"), WEIGHTS)).isInstanceOf(DataException.class)
        .hasMessage(file + ": v/w" + rest);
    SafeTensors.write(file, new Tensors(List.of("m/w", "m/b"), List.of(new long[] {2, 1}, new long[] {1}),
        WEIGHTS.values()), Map.of());
    assertThatThrownBy(() -> OptimizerState.read(file, List.of("m"), WEIGHTS)).isInstanceOf(DataException.class)
        .hasMessage(file + ": m/w" + rest);
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 1));
    assertThatThrownBy(() -> OptimizerState.read(file, List.of("m"), WEIGHTS)).isInstanceOf(DataException.class)
        .hasMessage(file + ": tensor m/b: ends at byte 12 of the data, the file has 11; it is truncated, copy it "
            + "again.");
  }
}
