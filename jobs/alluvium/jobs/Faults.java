package alluvium.jobs;

import static alluvium.tables.RecipeException.require;

import alluvium.advantages.Moments;
import alluvium.prompts.Arithmetic;
import alluvium.prompts.Task;
import alluvium.rewards.Drop;
import alluvium.rewards.Faulty;
import alluvium.rewards.OnError;
import alluvium.rewards.Reward;
import alluvium.rewards.Verifier;
import alluvium.rewards.WeightedSum;
import alluvium.rewards.Zero;
import alluvium.selections.GroupSelection;
import alluvium.spark.PolicyHandle;
import alluvium.tables.Evaluations;
import alluvium.tables.Metrics;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import org.apache.spark.sql.Row;
import picocli.CommandLine.Option;

/**
 * What a grader that dies on some right answers does to training, on the quickstart's task: the same policy is trained
 * with a sound grader, with the broken one and Drop, and with the broken one and Zero, for several seeds. All are
 * evaluated by the sound verifier. What the manifest says is done is not computed again.
 */
public final class Faults {
  private static final String SOURCE = "arithmetic";
  private static final String GRADED = "graded";
  private static final String FAILED = "reward_failed." + GRADED;
  private static final int SAMPLES = 4;
  private static final int NEVER_STOPS = 1;

  private Faults() {}

  static final class Arguments extends Options {
    @Option(names = "--seeds", defaultValue = "3",
        description = "how many seeds, from --seed on (default: ${DEFAULT-VALUE})")
    int seeds;

    @Option(names = "--iterations", defaultValue = "50",
        description = "iterations of each run (default: ${DEFAULT-VALUE})")
    int iterations;

    @Option(names = "--share", defaultValue = "0.1",
        description = "share of the right answers that the grader dies on (default: ${DEFAULT-VALUE})")
    double share;

    @Option(names = "--tasks", defaultValue = "8000", description = "sums to train on (default: ${DEFAULT-VALUE})")
    int tasks;

    @Option(names = "--held-out", defaultValue = "512",
        description = "those of them that are kept for evaluation (default: ${DEFAULT-VALUE})")
    int heldOut;

    @Option(names = "--supervised", defaultValue = "conf/quickstart-sft.yaml",
        description = "recipe of the supervised part (default: ${DEFAULT-VALUE})")
    String supervised;

    @Option(names = "--recipe", defaultValue = "conf/quickstart.yaml",
        description = "recipe of the iterations, with one reward, a verifier (default: ${DEFAULT-VALUE})")
    String recipe;

    @Option(names = "--scratch", defaultValue = "conf/policies/small.yaml",
        description = "description of the policy (default: ${DEFAULT-VALUE})")
    String scratch;

    @Override
    Optional<String> usualLake() {
      return Optional.of(Path.of("out", "faults").toAbsolutePath().toString());
    }
  }

  /** One way of training, by its name in the table. */
  record Arm(String name, Recipe recipe) {}

  /** An accuracy of a run, shares: before and after training, and the gain with its 95% interval over prompts. */
  record Accuracy(double before, double after, double gain, double low, double high) {}

  /** What one run came to; failed are its verdicts of the grader that were not ok. */
  record Outcome(String arm, long seed, long failed, Accuracy greedy, Accuracy sampled) {}

  public static void main(String... args) {
    Arguments arguments = new Arguments();
    if (!arguments.parse("Faults", args)) {
      return;
    }
    Options.atLeast(1, "--seeds", arguments.seeds);
    Options.atLeast(1, "--iterations", arguments.iterations);
    Options.atLeast(1, "--held-out", arguments.heldOut);
    SupervisedRecipe supervised = SupervisedRecipe.read(Path.of(arguments.supervised));
    Recipe recipe = Recipe.read(Path.of(arguments.recipe));
    List<Arm> arms = arms(recipe, arguments.share);
    Start scratch = Start.Scratch.read(arguments.scratch);
    List<Task> tasks = new Arithmetic(2, "+", arguments.tasks, arguments.seed).tasks();
    List<Outcome> outcomes = new ArrayList<>();
    try (Run run = Run.open("faults", arguments, recipe.digest())) {
      try (Run ingest = run.beside("ingest." + SOURCE, arguments.seed, recipe.digest())) {
        if (!ingest.ledger().done(Ingest.STAGE, 0, 0)) {
          Ingest.ingest(ingest, tasks, arguments.heldOut, 0);
        }
      }
      for (long seed = arguments.seed; seed < arguments.seed + arguments.seeds; seed++) {
        try (Run first = run.beside(arguments.run + ".sft." + seed, seed, supervised.digest())) {
          PolicyHandle policy = first.handle(Supervise.supervise(first, supervised, scratch, SOURCE));
          for (Arm arm : arms) {
            outcomes.add(outcome(run, arm, seed, arguments, policy));
          }
        }
      }
    }
    Console.line("%n%s", table(outcomes));
  }

  private static Outcome outcome(Run opened, Arm arm, long seed, Arguments arguments, PolicyHandle policy) {
    String id = String.join(".", arguments.run, arm.name(), String.valueOf(seed));
    Console.line("faults     %s", id);
    try (Run run = opened.beside(id, seed, arm.recipe().digest())) {
      Iterate.adopt(run, policy.folder());
      Iterate.iterate(run, arm.recipe(), SOURCE, arguments.iterations, arguments.iterations, SAMPLES);
      List<Row> before = Evaluate.rows(run, 0);
      List<Row> after = Evaluate.rows(run, arguments.iterations);
      double failed = run.lake().read(Metrics.TABLE).filter(Metrics.RUN_ID.col().equalTo(id)
          .and(Metrics.NAME.col().equalTo(FAILED))).collectAsList().stream()
          .mapToDouble(Metrics.VALUE::<Double>of).sum();
      return new Outcome(arm.name(), seed, (long) failed, accuracy(Evaluate.GREEDY, before, after),
          accuracy(Evaluate.SAMPLED, before, after));
    }
  }

  private static Accuracy accuracy(String name, List<Row> before, List<Row> after) {
    Row gain = measure(name + Evaluate.GAIN, after);
    return new Accuracy(Evaluations.VALUE.of(measure(name, before)), Evaluations.VALUE.of(measure(name, after)),
        Evaluations.VALUE.of(gain), Evaluations.LOW.of(gain), Evaluations.HIGH.of(gain));
  }

  private static Row measure(String name, List<Row> rows) {
    return rows.stream().filter(row -> Evaluations.NAME.of(row).equals(name)).findFirst().orElseThrow();
  }

  /**
   * The recipe three times, its verifier beside the grader with weight 0. The runs never stop for failures: what they
   * do to training is the question.
   */
  static List<Arm> arms(Recipe recipe, double share) {
    require(recipe.rewards().size() == 1 && Evaluate.verifier(recipe).isPresent()
        && !(recipe.selection() instanceof GroupSelection), "Faults takes a recipe with one reward, a verifier, and a"
        + " selection that looks at none, got rewards %s and selection %s", recipe.rewards(), recipe.selection());
    Verifier sound = (Verifier) recipe.rewards().values().iterator().next();
    double seconds = recipe.onError().timeoutSeconds();
    OnError drop = new Drop(seconds, Math.max(1, recipe.onError().leastOk()), NEVER_STOPS);
    Reward faulty = new Faulty(sound, share);
    return List.of(new Arm("clean", graded(recipe, sound, drop)), new Arm("drop", graded(recipe, faulty, drop)),
        new Arm("zero", graded(recipe, faulty, new Zero(seconds, NEVER_STOPS))));
  }

  private static Recipe graded(Recipe r, Reward grader, OnError onError) {
    Map.Entry<String, Reward> sound = r.rewards().entrySet().iterator().next();
    return new Recipe(r.prompts(), r.rollouts(), Map.of(sound.getKey(), sound.getValue(), GRADED, grader), onError,
        new WeightedSum(Map.of(sound.getKey(), 0.0, GRADED, 1.0)), r.selection(), r.advantage(), r.objective(),
        r.normalizer(), r.regularizers(), r.reference(), r.optimizer(), r.steps());
  }

  /** A row per run and, of each arm, the mean over seeds with the standard deviation of the gains, divisor n - 1. */
  static String table(List<Outcome> outcomes) {
    StringBuilder text = new StringBuilder("""
        | arm | seed | failed | greedy before | after | gain [95%] | sampled before | after | gain [95%] |
        | --- | --- | --- | --- | --- | --- | --- | --- | --- |
        """);
    outcomes.forEach(o -> text.append(String.format(Locale.ROOT, "| %s | %d | %d | %s | %s |%n", o.arm, o.seed,
        o.failed, cells(o.greedy), cells(o.sampled))));
    outcomes.stream().map(Outcome::arm).distinct().forEach(arm -> {
      List<Outcome> ofArm = outcomes.stream().filter(o -> o.arm.equals(arm)).toList();
      text.append(String.format(Locale.ROOT, "| **%s** | mean of %d | %.0f | %s | %s |%n", arm, ofArm.size(),
          moments(ofArm, Outcome::failed).mean(), means(ofArm.stream().map(Outcome::greedy).toList()),
          means(ofArm.stream().map(Outcome::sampled).toList())));
    });
    return text.toString();
  }

  private static String cells(Accuracy a) {
    return String.format(Locale.ROOT, "%.1f%% | %.1f%% | %+.1f [%+.1f, %+.1f]", 100 * a.before, 100 * a.after,
        100 * a.gain, 100 * a.low, 100 * a.high);
  }

  private static String means(List<Accuracy> all) {
    Moments gains = moments(all, Accuracy::gain);
    return String.format(Locale.ROOT, "%.1f%% | %.1f%% | %+.1f (std %.1f)", 100 * moments(all, Accuracy::before).mean(),
        100 * moments(all, Accuracy::after).mean(), 100 * gains.mean(), 100 * gains.std());
  }

  private static <T> Moments moments(List<T> all, ToDoubleFunction<T> value) {
    return Moments.of(all.stream().mapToDouble(value).toArray());
  }
}
