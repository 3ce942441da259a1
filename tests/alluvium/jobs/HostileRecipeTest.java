package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.contracts.Mutations;
import alluvium.tables.RecipeException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Recipes made to do harm: bound or refused, in bounded time and memory. */
class HostileRecipeTest {
  private static final Path CONF = Path.of("conf");
  private static final int MUTATIONS = 6000;
  private static final long MOST_BYTES = 64 << 20;

  @TempDir
  Path folder;

  private static String grpo() {
    return StrictYaml.text(CONF.resolve("grpo.yaml"));
  }

  private static void refused(String yaml, String message) {
    assertThatThrownBy(() -> Recipe.parse(yaml, "x.yaml")).isInstanceOf(RecipeException.class).hasMessage(message);
  }

  @Test
  void billionLaughs() {
    StringBuilder laughs = new StringBuilder("a0: &a0 [lol]\n");
    for (int i = 1; i < 10; i++) {
      laughs.append("a" + i + ": &a" + i + " [" + ("*a" + (i - 1) + ", ").repeat(9) + "]\n");
    }
    refused(laughs.toString(), "x.yaml: line 1 has an anchor or an alias. Write the value out.");
    refused("a: *b\n", "x.yaml: line 1 has an anchor or an alias. Write the value out.");
  }

  @Test
  void mergesTagsAndSecondDocuments() {
    // a merge key is a key like any other
    assertThatThrownBy(() -> Recipe.parse(grpo() + "<<: {prompts: {}}\n", "x.yaml")).isInstanceOf(RecipeException.class)
        .hasMessageStartingWith("x.yaml: << is not a component of Recipe. Known: prompts, rollouts, ");
    refused("<<: *base\n", "x.yaml: line 1 has an anchor or an alias. Write the value out.");
    refused("prompts: !!java.net.URLClassLoader [[!!java.net.URL [\"http://example.com/\"]]]\n",
        "x.yaml: line 1 has a tag. Write the value without it.");
    refused("!!javax.script.ScriptEngineManager {a: 1}\n", "x.yaml: line 1 has a tag. Write the value without it.");
    refused(grpo() + "---\na: 1\n", "x.yaml: line 35 starts a second document. Keep one.");
    refused(grpo() + "prompts: {}\n", "x.yaml: line 34 has the key prompts a second time. Keep one.");
  }

  @Test
  void depthAndSize() throws IOException {
    refused("[".repeat(200_000), "x.yaml: line 1 is nested deeper than 24 levels. Keep to classes and their "
        + "components.");
    String large = "# " + "x".repeat(StrictYaml.LARGEST);
    refused(large, "x.yaml: is larger than 262144 bytes. Leave out what is no recipe.");
    Path file = Files.writeString(folder.resolve("x.yaml"), large);
    assertThatThrownBy(() -> Recipe.read(file)).isInstanceOf(RecipeException.class)
        .hasMessage(file + ": is larger than 262144 bytes. Leave out what is no recipe.");
  }

  @ParameterizedTest
  @ValueSource(strings = {".nan", ".inf", "-.inf", "1.0e+400", "1.0e-400", "0x10", "1_0"})
  void numbersThatAreNone(String number) {
    String yaml = grpo().replace("beta: 0.04", "beta: " + number);
    assertThatThrownBy(() -> Recipe.parse(yaml, "x.yaml")).isInstanceOf(RecipeException.class)
        .hasMessageStartingWith("x.yaml: regularizers[0].Kl.beta ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"java.lang.Runtime", "../jobs/Recipe", "alluvium.rewards.ByClass", "Grpo$Inner", "[Lx;", "I",
      "grpo", "Grpo\\0", "\\u202eoprG", "AdvantageEstimator", "Moments"})
  void classesOutsideTheSlot(String name) {
    String yaml = grpo().replace("{Grpo: {eps: 1.0e-6}}", "{\"" + name + "\": {eps: 1.0e-6}}");
    assertThatThrownBy(() -> Recipe.parse(yaml, "x.yaml")).isInstanceOf(RecipeException.class)
        .hasMessageContaining(name.equals("Moments") ? " is in advantages, but not for this slot. Known: BatchMean, "
            : " is not a class of advantages.");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "java.lang.Runtime", "alluvium.jobs.HostileRecipeTest", "[I", "int", "a/b", "a..b",
      "..", "a\\0b", "http://example.com/X", "\\u202e", "a.b;c"})
  void rewardsByTheNameOfNoReward(String name) {
    String yaml = grpo().replace("{NumericAnswer: {right: 1, wrong: 0, tolerance: 1.0e-6}}",
        "{ByClass: {className: \"" + name + "\", settings: {}}}");
    assertThatThrownBy(() -> Recipe.parse(yaml, "x.yaml")).isInstanceOf(RecipeException.class)
        .hasMessageStartingWith("x.yaml: rewards.correct.ByClass.className ");
  }

  @Test
  void longNamesAreCutInMessages() {
    String yaml = grpo().replace("{NumericAnswer: {right: 1, wrong: 0, tolerance: 1.0e-6}}",
        "{ByClass: {className: " + "x".repeat(200_000) + ", settings: {}}}");
    refused(yaml, "x.yaml: rewards.correct.ByClass.className must be the full name of a class, as com.example.Mine or "
        + "com.example.Mine$Inner, got \"" + "x".repeat(60) + "...\"");
  }

  private static Record parse(Path like, String text) {
    String folder = like.getParent().getFileName().toString();
    return switch (folder) {
      case "sources" -> Binding.bind(Intake.class, text, "x.yaml");
      case "policies" -> Binding.bind(Start.Scratch.class, text, "x.yaml");
      case "clusters" -> Cluster.parse(text, "x.yaml");
      default -> like.toString().endsWith("sft.yaml") ? SupervisedRecipe.parse(text, "x.yaml")
          : Recipe.parse(text, "x.yaml");
    };
  }

  @Test
  void damagedRecipes(TestReporter reporter) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(CONF)) {
      files = all.filter(f -> f.toString().endsWith(".yaml")).sorted().toList();
    }
    assertThat(files).hasSizeGreaterThan(15);
    Mutations.Record record = Assertions.assertTimeoutPreemptively(Duration.ofMinutes(20), () -> fuzz(files));
    reporter.publishEntry("recipes", record.toString());
    assertThat(record.loaded()).isGreaterThan(500);
    assertThat(record.refusals()).hasSizeGreaterThan(100);
  }

  private Mutations.Record fuzz(List<Path> files) throws IOException {
    Random random = new Random(5);
    Mutations.Record record = new Mutations.Record(MOST_BYTES);
    Path file = folder.resolve("x.yaml");
    for (int i = 0; i < MUTATIONS; i++) {
      Path like = files.get(i % files.size());
      byte[] valid = Files.readAllBytes(like);
      byte[] bytes = i % 4 == 3 ? lines(new String(valid, StandardCharsets.UTF_8), random)
          : Mutations.bytes(valid, random);
      Files.write(file, bytes);
      record.attempt(i, RecipeException.class, () -> {
        Record bound = parse(like, StrictYaml.text(file));
        String canonical = Canonical.text(bound);
        assertThat(Canonical.text(parse(like, canonical))).isEqualTo(canonical);
      });
    }
    return record;
  }

  /** A line taken out, put twice, moved, indented, or its value given to another. */
  private static byte[] lines(String text, Random random) {
    List<String> lines = new ArrayList<>(text.lines().toList());
    int from = random.nextInt(lines.size());
    int to = random.nextInt(lines.size());
    String line = lines.get(from);
    switch (random.nextInt(5)) {
      case 0 -> lines.remove(from);
      case 1 -> lines.add(to, line);
      case 2 -> lines.add(to, lines.remove(from));
      case 3 -> lines.set(from, " ".repeat(1 + random.nextInt(4)) + line);
      default -> lines.set(to, lines.get(to).replaceFirst(":.*", "") + line.replaceFirst("^[^:]*", ""));
    }
    return String.join("\n", lines).getBytes(StandardCharsets.UTF_8);
  }
}
