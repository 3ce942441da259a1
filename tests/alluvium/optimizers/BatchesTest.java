package alluvium.optimizers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.tables.RecipeException;
import org.junit.jupiter.api.Test;

class BatchesTest {
  @Test
  void everyComponentIsChecked() {
    assertThatThrownBy(() -> new Batches(0, 1, 1, 1)).isInstanceOf(RecipeException.class)
        .hasMessage("Batches.count must be >= 1, got 0");
    assertThatThrownBy(() -> new Batches(1, 0, 1, 1)).hasMessage("Batches.size must be >= 1, got 0");
    assertThatThrownBy(() -> new Batches(1, 4, 2, 0)).hasMessage("Batches.microBatch must be in [1, size = 4], got 0");
    assertThatThrownBy(() -> new Batches(1, 4, 2, 5)).hasMessage("Batches.microBatch must be in [1, size = 4], got 5");
    assertThatThrownBy(() -> new Batches(1, 4, 5, 1)).hasMessage("Batches.shards must be in [1, size = 4], got 5");
    assertThat(new Batches(1, 4, 2, 4).microBatch()).isEqualTo(4);
  }
}
