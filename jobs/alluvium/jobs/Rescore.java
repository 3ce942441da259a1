package alluvium.jobs;

import alluvium.advantages.MovingAdvantage;
import alluvium.prompts.Split;
import alluvium.selections.EveryGroup;
import alluvium.spark.Contrast;
import alluvium.spark.Credit;
import alluvium.spark.Manifest;
import alluvium.tables.DataException;
import alluvium.tables.Metrics;
import alluvium.tables.Prompts;
import alluvium.tables.RecipeException;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import alluvium.tables.Stages;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import picocli.CommandLine.Option;

/**
 * Judges the completions that a run stored by the rewards of another recipe, without generating, and tells what that
 * would have changed. The verdicts are in the table of rewards under the run's name with ".rescored." and a name of
 * their own behind it, one commit per iteration; an interrupted rescoring goes on where it was.
 */
public final class Rescore {
  static final String STAGE = "rescore";
  private static final String RESCORED = ".rescored.";
  private static final List<String> OUTCOMES = List.of("right", "wrong", "failed");

  private Rescore() {}

  static final class Arguments extends Options {
    @Option(names = "--recipe", required = true, description = "recipe whose rewards and advantage are applied")
    String recipe;

    @Option(names = "--source", required = true, description = "source of the prompts, as given to Ingest")
    String source;

    @Option(names = "--name", required = true,
        description = "the verdicts are kept as those of run RUN.rescored.NAME")
    String name;

    @Option(names = "--old", description = "recipe that the run was judged by, where its rewards have other names,"
        + " values or weights than those of --recipe")
    Optional<Path> old;

    @Option(names = "--from", defaultValue = "0", description = "first iteration (default: ${DEFAULT-VALUE})")
    int from;

    @Option(names = "--to", description = "last iteration (default: the last there is)")
    Optional<Integer> to;
  }

  public static void main(String... args) {
    Arguments arguments = new Arguments();
    if (!arguments.parse("Rescore", args)) {
      return;
    }
    Options.atLeast(0, "--from", arguments.from);
    arguments.to.ifPresent(to -> Options.atLeast(arguments.from, "--to", to));
    RecipeException.require((arguments.run + RESCORED + arguments.name).matches("[A-Za-z0-9._-]{1,100}"),
        "--name must be letters, digits, '.', '_', '-', with the run's name at most 90, got \"%s\"", arguments.name);
    Recipe recipe = Recipe.read(Path.of(arguments.recipe));
    Recipe old = arguments.old.map(Recipe::read).orElse(recipe);
    try (Run run = Run.open("rescore", arguments, recipe.digest())) {
      Contrast.Found found = rescore(run, recipe, old, arguments.source, arguments.name, arguments.from,
          arguments.to.orElse(Integer.MAX_VALUE));
      Console.line("%s", table(found));
    }
  }

  /** The run under which a rescoring's verdicts are. */
  static String key(String run, String name) {
    return run + RESCORED + name;
  }

  /**
   * Judges iterations again, those that are not yet, and compares them all.
   *
   * @param old recipe that the run was judged by: its rewards by name, and how they are aggregated
   * @param to last iteration, or anything beyond the last there is
   */
  static Contrast.Found rescore(Run run, Recipe recipe, Recipe old, String source, String name, int from, int to) {
    try (Run rescored = run.beside(key(run.id(), name), run.seed(), recipe.digest())) {
      List<Integer> iterations = iterations(run, from, to);
      requireFresh(rescored, iterations);
      requireNamed(run, old, iterations.get(0));
      rescored.ledger().pin(Rollouts.TABLE);
      rescored.ledger().pin(Rewards.TABLE);
      Once once = new Once(run, rescored, recipe, old, rescored.prompts(source, Split.TRAIN));
      Contrast.Found all = Contrast.Found.NONE;
      Console.Bar bar = new Console.Bar(STAGE, iterations.size());
      for (int i = 0; i < iterations.size(); i++) {
        all = all.plus(once.iteration(iterations.get(i)));
        bar.at(i + 1, "");
      }
      rescored.ledger().await();
      return all;
    }
  }

  /** Iterations whose completions the manifest knows. */
  private static List<Integer> iterations(Run run, int from, int to) {
    List<Integer> iterations = new Manifest(run.lake()).rows(run.id()).stream()
        .filter(r -> Stages.STAGE.of(r).equals(Generate.STAGE)).map(Stages.ITERATION::<Integer>of)
        .filter(i -> i >= from && i <= to).distinct().sorted().toList();
    if (iterations.isEmpty()) {
      throw new DataException("stages: run %s has generated nothing from iteration %d on. Name another run or --from.",
          run.id(), from);
    }
    return iterations;
  }

  /** Throws where the name stands for another recipe, or for iterations after one that is not judged yet. */
  private static void requireFresh(Run rescored, List<Integer> iterations) {
    int last = -1;
    for (Row row : new Manifest(rescored.lake()).rows(rescored.id())) {
      RecipeException.require(Stages.RECIPE_DIGEST.of(row).equals(rescored.recipeDigest()),
          "--name: %s holds the verdicts of the recipe of digest %s, this one has %s. Give another name.",
          rescored.id(), Stages.RECIPE_DIGEST.of(row), rescored.recipeDigest());
      last = Math.max(last, Stages.ITERATION.of(row));
    }
    for (int iteration : iterations) {
      RecipeException.require(iteration > last || rescored.ledger().done(STAGE, iteration, 0),
          "--from: %s has iteration %s already, and iterations are added in rising order, so not %s any more. Give"
          + " another --name.", rescored.id(), last, iteration);
    }
  }

  /** Throws unless the run was judged by rewards of the names that its recipe has. */
  private static void requireNamed(Run run, Recipe old, int iteration) {
    Set<String> names = new TreeSet<>(run.stored(Rewards.TABLE, iteration).select(Rewards.NAME.col()).distinct()
        .as(Encoders.STRING()).collectAsList());
    RecipeException.require(names.isEmpty() || names.equals(old.rewards().keySet()),
        "--old: run %s was judged by the rewards %s, and the recipe that is to say how they count has %s. Give the"
        + " recipe of the run as --old.", run.id(), names, old.rewards().keySet());
  }

  /** Goes through iterations in order. */
  private static final class Once {
    private final Run run;
    private final Run rescored;
    private final Recipe recipe;
    private final Recipe old;
    private final Dataset<Row> prompts;
    private double carriedBefore;
    private double carriedAfter;

    Once(Run run, Run rescored, Recipe recipe, Recipe old, Dataset<Row> prompts) {
      this.run = run;
      this.rescored = rescored;
      this.recipe = recipe;
      this.old = old;
      this.prompts = prompts;
      carriedBefore = recipe.advantage() instanceof MovingAdvantage moving ? moving.initial() : 0;
      carriedAfter = carriedBefore;
    }

    Contrast.Found iteration(int iteration) {
      if (rescored.ledger().done(STAGE, iteration, 0)) {
        return compare(iteration, rescored.rows(Rewards.TABLE, STAGE, iteration).javaRDD());
      }
      long began = System.nanoTime();
      JavaRDD<Row> rollouts = run.rows(Rollouts.TABLE, Generate.STAGE, iteration)
          .withColumn(Rollouts.RUN_ID.name(), functions.lit(rescored.id())).repartition(run.slots()).javaRDD();
      List<String> ids = rollouts.map(Rollouts.PROMPT_ID::<String>of).distinct().collect();
      JavaRDD<Row> rewards = Score.score(rollouts, Generate.rows(prompts, ids), recipe,
          Update.references(run, recipe, iteration));
      Contrast.Found found = compare(iteration, rewards);
      rescored.ledger().submit(new Ledger.Entry(STAGE, iteration, 0,
          List.of(Ledger.Data.of(run.spark(), Rewards.TABLE, rewards),
              new Ledger.Rows(Metrics.TABLE, Measured.rows(rescored.id(), iteration, STAGE, metrics(found)))),
          List.of(Rollouts.TABLE, Prompts.TABLE, Rewards.TABLE),
          Map.of("score", (System.nanoTime() - began) / 1e9), () -> rewards.unpersist(false)));
      return found;
    }

    /** What the recipe's estimator makes of either judgement, whatever was selected for training. */
    private Contrast.Found compare(int iteration, JavaRDD<Row> rewards) {
      JavaRDD<Row> rollouts = run.rows(Rollouts.TABLE, Generate.STAGE, iteration).javaRDD();
      JavaRDD<Row> recorded = run.rows(Rewards.TABLE, Score.STAGE, iteration).javaRDD();
      Credit.Estimated before = new Credit(old.aggregation(), old.onError(), new EveryGroup(), recipe.advantage(),
          carriedBefore, Set.of()).over(recorded, rollouts, run.slots());
      Credit.Estimated after = new Credit(recipe.aggregation(), recipe.onError(), new EveryGroup(),
          recipe.advantage(), carriedAfter, Set.of()).over(rewards, rollouts, run.slots());
      if (recipe.advantage() instanceof MovingAdvantage moving) {
        carriedBefore = moving.next(carriedBefore, before.rewards());
        carriedAfter = moving.next(carriedAfter, after.rewards());
      }
      try {
        return new Contrast(old.rewards(), recipe.rewards()).over(recorded, rewards, before.advantages(),
            after.advantages(), run.slots());
      } finally {
        before.free();
        after.free();
      }
    }
  }

  /** The numbers of a comparison, as the table of metrics has them. */
  static Map<String, Double> metrics(Contrast.Found found) {
    Map<String, Double> values = new TreeMap<>();
    values.put("rescored_completions", (double) found.completions());
    values.put("rescored_unmatched", (double) found.unmatched());
    values.put("rescored_groups", (double) found.groups());
    values.put("rescored_groups_credited", (double) found.credited());
    values.put("rescored_groups_flipped", (double) found.flippedGroups());
    values.put("rescored_groups_flipped_share", found.flippedShare());
    values.put("rescored_completions_flipped", (double) found.flippedCompletions());
    found.byName().forEach((name, pairing) -> {
      boolean any = pairing.values().count() > 0;
      values.put("rescored_mean_old." + name, any ? pairing.values().meanX() : Double.NaN);
      values.put("rescored_mean_new." + name, any ? pairing.values().meanY() : Double.NaN);
      values.put("rescored_correlation." + name, pairing.values().correlation());
      values.put("rescored_failed_old." + name, (double) pairing.failedBefore());
      values.put("rescored_failed_new." + name, (double) pairing.failedAfter());
      for (int cell = 0; cell < pairing.cells().size(); cell++) {
        values.put("rescored_" + OUTCOMES.get(cell / OUTCOMES.size()) + "_to_" + OUTCOMES.get(cell % OUTCOMES.size())
            + "." + name, (double) pairing.cells().get(cell));
      }
    });
    return values;
  }

  /** A comparison for people. */
  static String table(Contrast.Found found) {
    StringBuilder text = new StringBuilder(line("  %d completions judged twice, %d once", found.completions(),
        found.unmatched()));
    found.byName().forEach((name, pairing) -> {
      if (!pairing.cells().isEmpty()) {
        text.append(line("  %-18s %10s %10s %10s", name + " old \\ new", "right", "wrong", "failed"));
        for (int row = 0; row < OUTCOMES.size(); row++) {
          List<Long> cells = pairing.cells().subList(row * OUTCOMES.size(), (row + 1) * OUTCOMES.size());
          text.append(line("  %-18s %10d %10d %10d", OUTCOMES.get(row), cells.get(0), cells.get(1), cells.get(2)));
        }
      }
      text.append(line("  %s: mean old %.4f, new %.4f, correlation %.4f, failed old %d, new %d", name,
          pairing.values().meanX(), pairing.values().meanY(), pairing.values().correlation(), pairing.failedBefore(),
          pairing.failedAfter()));
    });
    text.append(line("  an advantage changes sign in %d of %d groups (%.1f%%), %d with credit before; %d completions",
        found.flippedGroups(), found.groups(), 100 * found.flippedShare(), found.credited(),
        found.flippedCompletions()));
    if (!found.worst().isEmpty()) {
      text.append(line("  %9s %4s  %-16s %9s %8s", "iteration", "wave", "prompt_id", "flipped", "moved"));
    }
    found.worst().forEach(f -> text.append(line("  %9d %4d  %-16s %4d/%-4d %8.3f", f.iteration(), f.wave(),
        f.promptId(), f.flipped(), f.completions(), f.moved())));
    return text.toString();
  }

  private static String line(String format, Object... arguments) {
    return String.format(Locale.ROOT, format + "%n", arguments);
  }
}
