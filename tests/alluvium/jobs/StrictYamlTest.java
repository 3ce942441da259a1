package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.tables.RecipeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where a recipe's text comes from: the file, then what the product ships. tests/resources has conf/shipped.yaml. */
class StrictYamlTest {
  @Test
  void theShippedOneWhereThereIsNoFile() {
    assertThat(Path.of("conf/shipped.yaml")).doesNotExist();
    assertThat(StrictYaml.text(Path.of("conf/shipped.yaml"))).isEqualTo("shipped: true\n");
    assertThat(StrictYaml.text(Path.of("./conf/../conf/shipped.yaml"))).isEqualTo("shipped: true\n");
  }

  @Test
  void theFileWhereThereIsOne(@TempDir Path folder) throws IOException {
    // both are there under this name, and they differ
    assertThat(StrictYamlTest.class.getResource("/conf/sources/verl.yaml").toString()).contains("test-classes");
    assertThat(StrictYaml.text(Path.of("conf/sources/verl.yaml")))
        .isEqualTo(Files.readString(Path.of("conf/sources/verl.yaml"))).contains("VerlRow").doesNotContain("shipped");
    Path own = Files.writeString(Files.createDirectory(folder.resolve("conf")).resolve("shipped.yaml"), "own: true\n");
    assertThat(StrictYaml.text(own)).isEqualTo("own: true\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"conf/none.yaml", "conf", "conf/sources", "conf/shipped", "shipped.yaml", "conf/.yaml",
      "golden/optimizers.json", "META-INF/MANIFEST.MF", "conf/sources/../../golden/optimizers.json",
      "/conf/shipped.yaml", "../conf/shipped.yaml", "conf/alluvium/jobs/report.html", ""})
  void nothingElse(String name) {
    assertThatThrownBy(() -> StrictYaml.text(Path.of(name))).isInstanceOf(RecipeException.class)
        .hasMessage(name + ": there is no such file. Name a file of conf/ or write one.");
  }
}
