package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.advantages.AdvantageEstimator;
import alluvium.optimizers.Batches;
import alluvium.regularizers.Regularizer;
import alluvium.tables.RecipeException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RecipeTest {
  private static final Path CONF = Path.of("conf");

  static List<Path> all() throws IOException {
    try (Stream<Path> files = Files.list(CONF)) {
      return files.filter(f -> f.toString().endsWith(".yaml")).sorted().toList();
    }
  }

  static List<Path> rewarded() throws IOException {
    return all().stream().filter(f -> !supervised(f)).toList();
  }

  static List<Path> ofPapers() throws IOException {
    return all().stream().filter(f -> !f.toString().matches(".*(benchmark|quickstart|calculator|gsm8k).*")).toList();
  }

  private static boolean supervised(Path file) {
    return file.toString().endsWith("sft.yaml");
  }

  private static Record read(Path file) {
    return supervised(file) ? SupervisedRecipe.read(file) : Recipe.read(file);
  }

  private static String text(String name) {
    return StrictYaml.text(CONF.resolve(name + ".yaml"));
  }

  private static void refused(String yaml, String message) {
    assertThatThrownBy(() -> Recipe.parse(yaml, "conf/x.yaml")).isInstanceOf(RecipeException.class)
        .hasMessage(message);
  }

  /** The text with one piece replaced, which must be there. */
  private static String with(String name, String piece, String other) {
    String text = text(name);
    assertThat(text).contains(piece);
    return text.replace(piece, other);
  }

  @Test
  void componentsAreExactlyTheSlots() {
    assertThat(Arrays.stream(Recipe.class.getRecordComponents()).map(c -> c.getName())).containsExactly("prompts",
        "rollouts", "rewards", "onError", "aggregation", "selection", "advantage", "objective", "normalizer",
        "regularizers", "reference", "optimizer", "steps");
    assertThat(Arrays.stream(SupervisedRecipe.class.getRecordComponents()).map(c -> c.getName())).containsExactly(
        "objective", "normalizer", "optimizer", "steps");
  }

  @Test
  void theShippedRecipes() throws IOException {
    assertThat(all().stream().map(f -> f.getFileName().toString())).contains("calculator-sft.yaml", "calculator.yaml",
        "benchmark.yaml", "cispo.yaml", "dapo.yaml", "dr-grpo.yaml", "grpo.yaml", "gspo.yaml", "lite-ppo.yaml",
        "quickstart-sft.yaml", "quickstart.yaml", "reinforce-pp.yaml", "reinforce.yaml", "rloo.yaml", "sft.yaml");
    Set<String> digests = new HashSet<>();
    for (Path file : all()) {
      digests.add(Canonical.digest(read(file)));
    }
    assertThat(digests).hasSameSizeAs(all());
  }

  @ParameterizedTest
  @MethodSource("all")
  void theCanonicalSpellingIsTheRecipeAgain(Path file) throws IOException, ClassNotFoundException {
    Record recipe = read(file);
    String canonical = Canonical.text(recipe);
    assertThat(canonical.lines()).hasSize(recipe.getClass().getRecordComponents().length);
    Record again = supervised(file) ? SupervisedRecipe.parse(canonical, "again") : Recipe.parse(canonical, "again");
    assertThat(again).isEqualTo(recipe);
    assertThat(Canonical.digest(again)).isEqualTo(Canonical.digest(recipe));

    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(recipe);
    }
    try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      assertThat(in.readObject()).isEqualTo(recipe);
    }
  }

  @ParameterizedTest
  @MethodSource("ofPapers")
  void everyNumberHasItsSourceBesideIt(Path file) {
    List<String> lines = StrictYaml.text(file).lines().toList();
    assertThat(lines.get(0)).matches("# .*(arXiv:[0-9]{4}\\.[0-9]{5}|doi:10\\.).*");
    assertThat(lines.stream().filter(l -> !l.startsWith("#") && l.matches("[^#]*: -?[0-9][^#]*"))).isEmpty();
  }

  @Test
  void theDigestIsOfWhatCounts() {
    String digest = Recipe.parse(text("dapo"), "a").digest();
    assertThat(digest).matches("[0-9a-f]{64}");
    String bare = text("dapo").replaceAll(" *#[^\n]*", "").replace("1.0e-6", "0.000001").replace("0.28", "2.8e-1");
    assertThat(bare).doesNotContain("#");
    List<String> blocks = new ArrayList<>(Arrays.asList(bare.strip().split("\n(?=[a-z])")));
    for (int seed = 0; seed < 5; seed++) {
      Collections.shuffle(blocks, new Random(seed));
      assertThat(Recipe.parse(String.join("\n", blocks), "b").digest()).isEqualTo(digest);
    }
    assertThat(Recipe.parse(with("dapo", "high: 0.28", "high: 0.29"), "c").digest()).isNotEqualTo(digest);
    assertThat(Recipe.parse(with("dapo", "shardPrompts: 2", "shardPrompts: 3"), "d").digest()).isNotEqualTo(digest);
    assertThat(Recipe.parse(with("dapo", "wrong: -1", "wrong: 0"), "e").digest()).isNotEqualTo(digest);
  }

  @Test
  void theErrorsOfTheHouse() {
    refused(with("dapo", "{Grpo: {eps: 1.0e-6}}", "{Grppo: {eps: 1.0e-6}}"),
        "conf/x.yaml: advantage.Grppo is not a class of advantages. Did you mean Grpo? Known: "
            + Spelling.list(new SlotClasses(AdvantageEstimator.class).names()) + ".");
    refused(with("dapo", "{Grpo: {eps: 1.0e-6}}", "{Grpo: {epss: 1.0e-6, eps: 1}}"),
        "conf/x.yaml: advantage.Grpo.epss is not a component of Grpo. Did you mean eps? Known: eps.");
    assertThatThrownBy(() -> Recipe.parse(with("dapo", "learningRate: 1.0e-6", "learningRate: 0"), "conf/x.yaml"))
        .hasMessageStartingWith("conf/x.yaml: optimizer.AdamW.learningRate must be > 0");
    refused(with("dapo", "maxTokens: 20480", "maxTokens: 0"),
        "conf/x.yaml: rollouts.Sampling.maxTokens must be >= 1, got 0");
    refused(with("dapo", "regularizers:  []", "regularizers:  [Kl]"), "conf/x.yaml: regularizers[0] must name one "
        + "class of regularizers, as in {Class: {component: value}}, got text \"Kl\". Known: "
        + Spelling.list(new SlotClasses(Regularizer.class).names()) + ".");
    refused(with("dapo", "Constant: {warmup: 320}", "Cosin: {warmup: 320, total: 640}"),
        "conf/x.yaml: optimizer.AdamW.schedule.Cosin is not a class of optimizers. Did you mean Cosine? "
            + "Known: Constant, Cosine, Linear.");
    assertThatThrownBy(() -> Recipe.read(CONF.resolve("grppo.yaml")))
        .hasMessage("conf/grppo.yaml: there is no such file. Name a file of conf/ or write one.");
    assertThatThrownBy(() -> Recipe.read(CONF.resolve("sft.yaml"))).hasMessageContaining("prompts is missing");
  }

  @Test
  void oneSlotMustFitTheOther() {
    refused(with("grpo", "{Initial: {}}", "{NoReference: {}}"), "conf/x.yaml: regularizers: Kl compares with a "
        + "reference policy, but reference is NoReference. Name one that is a policy.");
    refused(with("reinforce-pp", "{Initial: {}}", "{NoReference: {}}"), "conf/x.yaml: rewards.kl: KlToReference "
        + "compares with a reference policy, but reference is NoReference. Name one that is a policy.");
    refused(with("dapo", "metric: correct", "metric: corect"),
        "conf/x.yaml: selection.MixedGroups.metric is corect, but the recipe's rewards are [correct, overlong]");
    refused(with("dapo", "{correct: 1, overlong: 1}", "{correct: 1}"),
        "conf/x.yaml: WeightedSum.weights names [correct], but the recipe's rewards are [correct, overlong]");
    refused(with("dapo", "{correct: 1, overlong: 1}", "{correct: 1, overlong: 1, length: 1}"), "conf/x.yaml: "
        + "WeightedSum.weights names [correct, length, overlong], but the recipe's rewards are [correct, overlong]");
    refused(with("reinforce-pp", "{EveryGroup: {}}", "{MixedGroups: {metric: kl, maxRounds: 2}}"),
        "conf/x.yaml: selection.MixedGroups.metric is kl, a reward of tokens. Name a reward of the completion.");
    refused(with("grpo", "  correct: {NumericAnswer: {right: 1, wrong: 0, tolerance: 1.0e-6}}", "  {}"),
        "conf/x.yaml: rewards must name at least one reward, got {}. Write name: {Class: {...}}.");
    refused(with("rloo", "leastOk: 2", "leastOk: 99"), "conf/x.yaml: onError.Drop.leastOk is 99, but "
        + "prompts.Uniform.samples is 4: no group would train");
    refused(with("grpo", "maxErrorShare: 0.1", "maxErrorShare: 1.1"),
        "conf/x.yaml: onError.Drop.maxErrorShare must be in [0, 1], got 1.1");
    Recipe entropy = Recipe.parse(with("dapo", "regularizers:  []",
        "regularizers:  [{EntropyBonus: {coefficient: 0.001}}]"), "conf/x.yaml");
    assertThat(entropy.regularizers()).hasSize(1);       // looks at the live policy alone
  }

  @Test
  void rewardsAreInTheOrderOfTheirNames() {
    Recipe recipe = Recipe.parse(with("dapo", "  correct: {Num", "  zz: {Num").replace("correct", "zz"), "a");
    assertThat(recipe.rewards().keySet()).containsExactly("overlong", "zz");
    assertThatThrownBy(() -> recipe.rewards().clear()).isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void supervisedSteps() {
    assertThat(SupervisedRecipe.read(CONF.resolve("calculator-sft.yaml")).steps())
        .isEqualTo(new Batches(1500, 128, 2, 64));
    assertThatThrownBy(() -> SupervisedRecipe.parse(text("sft").replace("microBatch: 8", "microBatch: 33"), "x"))
        .hasMessage("x: steps.Batches.microBatch must be in [1, size = 32], got 33");
  }

  @Test
  void clusters() {
    Cluster local = Cluster.read(CONF.resolve("clusters/local.yaml"));
    assertThat(local.slots()).isEqualTo(2);
    assertThat(local.threadsPerTask()).isEqualTo(1);
    assertThat(local.spark()).containsEntry("spark.ui.enabled", "false");
    String text = StrictYaml.text(CONF.resolve("clusters/local.yaml"));
    assertThatThrownBy(() -> Cluster.parse(text.replace("slots: 2 ", "slots: 0 "), "x"))
        .hasMessage("x: slots must be >= 1, got 0");
    assertThatThrownBy(() -> Cluster.parse(text.replace("threadsPerTask: 1 ", "threadsPerTask: 0 "), "x"))
        .hasMessage("x: threadsPerTask must be >= 1, got 0");
    assertThatThrownBy(() -> Cluster.parse(text.replace("3072", "100"), "x"))
        .hasMessage("x: driverMemoryMebibytes must be >= 512, got 100");
    assertThatThrownBy(() -> Cluster.parse(text.replace("spark.ui.", "park.ui."), "x"))
        .hasMessage("x: spark: keys must start with \"spark.\", got \"park.ui.enabled\"");
    assertThatThrownBy(() -> Cluster.parse(text.replace("\"false\"", "false"), "x"))
        .hasMessage("x: spark.spark.ui.enabled must be text, got false. Put it in quotes.");
  }

  @Test
  void hostileComponents() {
    String correct = "{NumericAnswer: {right: 1, wrong: 0, tolerance: 1.0e-6}}";
    for (String hostile : List.of(
        "{RegexAnswer: {pattern: '" + "(".repeat(60_000) + ")".repeat(60_000) + "', group: 0, right: 1, wrong: 0}}",
        "{RegexAnswer: {pattern: '%s(', group: 0, right: 1, wrong: 0}}",
        "{JsonSchemaAnswer: {schema: '" + "[".repeat(100_000) + "', right: 1, wrong: 0}}",
        "{ByClass: {className: java.lang.Runtime, settings: {}}}",
        "{ByClass: {className: '%s', settings: {}}}")) {
      assertThatThrownBy(() -> Recipe.parse(with("grpo", correct, hostile), "conf/x.yaml"))
          .isInstanceOf(RecipeException.class).hasMessageStartingWith("conf/x.yaml: rewards.correct.");
    }
  }

  @ParameterizedTest
  @MethodSource("rewarded")
  void mutationsGiveARecipeExceptionOrARecipe(Path file) {
    Random random = new Random(file.getFileName().toString().hashCode());
    String good = StrictYaml.text(file).replaceAll(" *#[^\n]*", "");
    String alphabet = "{}[]:,#&*!|>'\"%@`-?\\ \n\t0123456789.eE+_~abcGrpoKl\u0000\u00e4\ud83d";
    int valid = 0;
    for (int i = 0; i < 400; i++) {
      StringBuilder text = new StringBuilder(good);
      for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
        int at = random.nextInt(text.length());
        int to = Math.min(text.length(), at + 1 + random.nextInt(12));
        switch (random.nextInt(6)) {
          case 4, 5 -> {
            if (Character.isDigit(text.charAt(at))) {
              text.setCharAt(at, (char) ('0' + random.nextInt(10)));
            }
          }
          case 0 -> text.setCharAt(at, alphabet.charAt(random.nextInt(alphabet.length())));
          case 1 -> text.delete(at, to);
          case 2 -> text.insert(random.nextInt(text.length()), text.substring(at, to));
          default -> text.replace(at, to, String.valueOf(random.nextLong()));
        }
      }
      String mutated = text.toString();
      try {
        Recipe recipe = Assertions.assertTimeout(Duration.ofSeconds(5), () -> Recipe.parse(mutated, "conf/x.yaml"));
        assertThat(Recipe.parse(recipe.canonical(), "again").digest()).isEqualTo(recipe.digest());
        valid++;
      } catch (RecipeException e) {
        assertThat(e.getMessage()).startsWith("conf/x.yaml: ");
      }
    }
    assertThat(valid).isBetween(1, 399);
  }
}
