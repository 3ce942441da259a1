package alluvium.policies;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.spark.TinyPolicies;
import alluvium.tables.RecipeException;
import org.junit.jupiter.api.Test;

/** The build's tensor library is the one for CPUs. */
class ProcessorTest {
  @Test
  void theCpuHasNoSuffixAndEveryGpuItsOwn() {
    assertThat(Processor.CPU.suffix()).isEmpty();
    assertThat(Processor.gpu(0).suffix()).isEqualTo("@gpu0");
    assertThat(Processor.gpu(3)).hasToString("gpu3").isNotEqualTo(Processor.gpu(0));
    assertThatThrownBy(() -> Processor.gpu(-1)).isInstanceOf(RecipeException.class)
        .hasMessage("the index of a GPU must be >= 0, got -1");
  }

  @Test
  void aGpuWithoutItsLibraryIsRefused() {
    Checkpoint checkpoint = TinyPolicies.checkpoint(1);
    assertThatThrownBy(() -> new Policy(checkpoint.config(), checkpoint.weights(), Processor.gpu(1)))
        .isInstanceOf(RecipeException.class)
        .hasMessage("this task was given GPU 1, but the tensor library in this jar is for CPUs. Run with the CUDA"
            + " natives (ai.djl.pytorch:pytorch-native-cu128 in the place of pytorch-native-cpu), or without"
            + " spark.executor.resource.gpu.amount.");
  }

  @Test
  void nothingIsVisibleToALibraryForCpus() {
    assertThat(Processor.visible()).isEqualTo(Processor.CPU);
  }

  @Test
  void theLibraryMultiplies() {
    TensorLibrary library = TensorLibrary.probe();
    assertThat(library.product()).containsExactly(1f * 5 + 2 * 7, 1f * 6 + 2 * 8, 3f * 5 + 4 * 7, 3f * 6 + 4 * 8);
    assertThat(library.right()).isTrue();
    assertThat(library.cuda()).isZero();
    assertThat(library.torch()).startsWith("2.");
    assertThat(library.folder()).contains("torch");
  }
}
