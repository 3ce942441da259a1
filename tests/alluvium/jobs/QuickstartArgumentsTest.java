package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.tables.RecipeException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class QuickstartArgumentsTest {
  private static Quickstart.Arguments parsed(String... words) {
    Quickstart.Arguments arguments = new Quickstart.Arguments();
    assertThat(arguments.parse("Quickstart", words)).isTrue();
    return arguments;
  }

  @Test
  void nothingNeedsToBeGiven() {
    Quickstart.Arguments arguments = parsed();
    assertThat(arguments.lake).isEqualTo(Path.of("out/quickstart").toAbsolutePath().toString());
    assertThat(Path.of(arguments.recipe)).isRegularFile();
    assertThat(Path.of(arguments.supervised)).isRegularFile();
    assertThat(Path.of(arguments.scratch)).isRegularFile();
    assertThat(Path.of(arguments.cluster)).isRegularFile();
    assertThat(parsed("--iterations", "5").lake).isEqualTo(arguments.lake);
    assertThat(parsed("--iterations", "5").iterations).isEqualTo(5);
    assertThat(parsed("--lake", "elsewhere/lake").lake).isEqualTo("elsewhere/lake");
  }

  @Test
  void theStagesNeedALake() {
    assertThatThrownBy(() -> new Options().parse("Score", "--run", "a"))
        .isInstanceOf(RecipeException.class).hasMessageContaining("Missing required option: '--lake=<lake>'");
  }
}
