package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.spark.TinyPolicies;
import alluvium.tables.RecipeException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the command line gets wrong is said before Spark starts: the lake named here could not even be opened. */
class ArgumentsTest {
  private static final String LAKE = "nosuchscheme://nowhere/lake";
  private static final Map<String, Consumer<String[]>> MAINS = new TreeMap<>(Map.ofEntries(
      Map.entry("Generate", Generate::main), Map.entry("Score", Score::main), Map.entry("Estimate", Estimate::main),
      Map.entry("Update", Update::main), Map.entry("Evaluate", Evaluate::main), Map.entry("Iterate", Iterate::main),
      Map.entry("Supervise", Supervise::main), Map.entry("Ingest", Ingest::main),
      Map.entry("Quickstart", Quickstart::main), Map.entry("Report", Report::main), Map.entry("Rerun", Rerun::main),
      Map.entry("Rescore", Rescore::main), Map.entry("Volume", Volume::main), Map.entry("Faults", Faults::main),
      Map.entry("Fork", Fork::main), Map.entry("Trace", Trace::main), Map.entry("Maintain", Maintain::main),
      Map.entry("Doctor", Doctor::main), Map.entry("Benchmark", Benchmark::main)));

  private static final List<String> STAGE = List.of("--source", "s", "--iteration", "0");
  private static final Map<String, List<String>> MORE = Map.ofEntries(Map.entry("Generate", STAGE),
      Map.entry("Score", STAGE), Map.entry("Estimate", List.of("--iteration", "0")),
      Map.entry("Update", List.of("--iteration", "0")), Map.entry("Evaluate", STAGE),
      Map.entry("Iterate", List.of("--source", "s", "--iterations", "1")),
      Map.entry("Supervise", List.of("--source", "s", "--policy", "p")),
      Map.entry("Ingest", List.of("--input", "x.jsonl")), Map.entry("Report", List.of("--output", "report.html")),
      Map.entry("Rerun", STAGE), Map.entry("Rescore", List.of("--source", "s", "--name", "again")),
      Map.entry("Volume", List.of("--rollouts", "2", "--prompts", "1")),
      Map.entry("Benchmark", List.of("--policy", TinyPolicies.folder(TinyPolicies.checkpoint(3)).toString())),
      Map.entry("Fork", List.of("--to", "other", "--at", "1")), Map.entry("Trace", List.of("--policy", "v")));
  private static final List<String> WITHOUT_RECIPE = List.of("Ingest", "Fork", "Trace", "Maintain", "Doctor");

  static List<String> mains() {
    return List.copyOf(MAINS.keySet());
  }

  static List<String> withRecipe() {
    return mains().stream().filter(m -> !WITHOUT_RECIPE.contains(m)).toList();
  }

  static List<String> rewarded() {
    return withRecipe().stream().filter(m -> !m.equals("Supervise")).toList();
  }

  private static void run(String main, String... extra) {
    List<String> arguments = new ArrayList<>(List.of("--lake", LAKE));
    arguments.addAll(MORE.getOrDefault(main, List.of()));
    arguments.addAll(List.of(extra));
    MAINS.get(main).accept(arguments.toArray(String[]::new));
  }

  @ParameterizedTest
  @MethodSource("mains")
  void anUnknownOption(String main) {
    assertThatThrownBy(() -> run(main, "--recipe", "conf/grpo.yaml", "--no-such-option", "1"))
        .isInstanceOf(RecipeException.class).hasMessageContaining("--no-such-option")
        .hasMessageContaining("Usage: " + main);
  }

  @ParameterizedTest
  @MethodSource("withRecipe")
  void aRecipeThatIsNotThere(String main) {
    assertThatThrownBy(() -> run(main, "--recipe", "conf/no-such-recipe.yaml")).isInstanceOf(RecipeException.class)
        .hasMessageContaining("no-such-recipe.yaml");
  }

  @ParameterizedTest
  @MethodSource("withRecipe")
  void aClassThatIsNotThere(String main) {
    String supervised = file(StrictYaml.text(Path.of("conf/sft.yaml")).replace("AdamW:", "AdamX:"));
    String rewarded = file(StrictYaml.text(Path.of("conf/grpo.yaml")).replace("Grpo:", "Grppo:"));
    boolean fits = main.equals("Supervise");
    assertThatThrownBy(() -> run(main, "--recipe", fits ? supervised : rewarded))
        .isInstanceOf(RecipeException.class).hasMessageContaining(fits ? "Did you mean AdamW?" : "Did you mean Grpo?");
  }

  /** A file of this test alone: those of the other tests come with a session. */
  private static String file(String text) {
    try {
      Path file = Files.createTempFile("recipe", ".yaml");
      file.toFile().deleteOnExit();
      return Files.writeString(file, text).toString();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void anIntakeThatIsNotThere() {
    assertThatThrownBy(() -> run("Ingest", "--intake", "conf/sources/none.yaml")).isInstanceOf(RecipeException.class)
        .hasMessageContaining("conf/sources/none.yaml");
  }

  @ParameterizedTest
  @MethodSource("rewarded")
  void aClusterThatIsNotThere(String main) {
    assertThatThrownBy(() -> run(main, "--recipe", "conf/grpo.yaml", "--cluster", "conf/clusters/none.yaml"))
        .isInstanceOf(RecipeException.class).hasMessageContaining("conf/clusters/none.yaml");
  }

  @Test
  void numbersOutOfTheirRange() {
    Map<String, List<String>> wrong = new TreeMap<>();
    wrong.put("--iteration must be >= 0, got -1", List.of("Update", "--iteration", "-1"));
    wrong.put("--wave must be >= 0, got -2", List.of("Generate", "--iteration", "0", "--wave", "-2"));
    wrong.put("--iterations must be >= 0, got -3", List.of("Iterate", "--iterations", "-3"));
    wrong.forEach((message, arguments) -> {
      List<String> all = new ArrayList<>(List.of("--lake", LAKE, "--recipe", "conf/grpo.yaml"));
      if (!arguments.get(0).equals("Update")) {
        all.addAll(List.of("--source", "s"));
      }
      all.addAll(arguments.subList(1, arguments.size()));
      assertThatThrownBy(() -> MAINS.get(arguments.get(0)).accept(all.toArray(String[]::new))).as(message)
          .isInstanceOf(RecipeException.class).hasMessageContaining(message);
    });
  }

  @Test
  void aStartThatIsNoneOrTwo() {
    String[] none = {"--lake", LAKE, "--recipe", "conf/sft.yaml", "--source", "s"};
    assertThatThrownBy(() -> Supervise.main(none)).isInstanceOf(RecipeException.class)
        .hasMessageContaining("name exactly one of --policy");
  }

  @ParameterizedTest
  @MethodSource("mains")
  void helpIsGivenAndNothingElse(String main) {
    assertThatCode(() -> MAINS.get(main).accept(new String[] {"--help"})).doesNotThrowAnyException();
  }
}
