package alluvium.jobs;

import alluvium.policies.Checkpoint;
import alluvium.prompts.Split;
import alluvium.spark.Digest;
import alluvium.spark.KeptShards;
import alluvium.spark.Manifest;
import alluvium.spark.PolicyHandle;
import alluvium.tables.Advantages;
import alluvium.tables.DataException;
import alluvium.tables.Field;
import alluvium.tables.Policies;
import alluvium.tables.Prompts;
import alluvium.tables.RecipeException;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import alluvium.tables.Stages;
import alluvium.tables.Table;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import picocli.CommandLine.Option;

/**
 * Computes a finished iteration again, from the policy, the optimizer's state and the prompts that it had, and
 * compares every stage's digest with the manifest and with the rows that the tables hold now. Commits nothing.
 */
public final class Rerun {
  private static final String OPTIMIZER = "optimizer";
  private static final String POLICY = "policy";
  private static final String NONE = "-";
  private static final int SHOWN = 22;

  private Rerun() {}

  static final class Arguments extends StageOptions {
    @Option(names = "--source", required = true, description = "source of the prompts, as given to Ingest")
    String source;
  }

  public static void main(String... args) {
    Arguments arguments = new Arguments();
    if (!arguments.parse("Rerun", args)) {
      return;
    }
    Options.atLeast(0, "--iteration", arguments.iteration);
    Recipe recipe = Recipe.read(Path.of(arguments.recipe));
    try (Run run = Run.watch("rerun", arguments, recipe.digest())) {
      List<Line> lines = rerun(run, recipe, arguments.source, arguments.iteration);
      Console.line("%s", table(lines));
      requireEqual(run, arguments.iteration, lines);
      Console.line("rerun      iteration %d of run %s is what the manifest says, bit by bit", arguments.iteration,
          run.id());
    }
  }

  /**
   * One comparison.
   *
   * @param wave -1 for what is made once in an iteration
   * @param recorded by the stage when it finished; "-" for what the manifest does not record
   * @param stored what the tables hold now; "-" for nothing
   * @param again what was computed now; "-" for nothing
   */
  record Line(String stage, int wave, String recorded, String stored, String again) {
    boolean equal() {
      return stored.equals(again) && (recorded.equals(again) || recorded.equals(NONE));
    }

    String name() {
      return wave < 0 ? stage : stage + " wave " + wave;
    }
  }

  /** Computes an iteration again; what is compared comes in the order in which stages depend on one another. */
  static List<Line> rerun(Run run, Recipe recipe, String source, int iteration) {
    List<Row> recorded = new Manifest(run.lake()).rows(run.id()).stream()
        .filter(row -> Stages.ITERATION.<Integer>of(row) == iteration).toList();
    Row update = recorded(recorded, Update.STAGE, 0).orElseThrow(() -> new DataException(
        "stages: iteration %d of run %s is not finished: its update is not in the manifest. Run Iterate first, or name"
        + " a finished iteration.", iteration, run.id()));
    RecipeException.require(Stages.RECIPE_DIGEST.of(update).equals(recipe.digest()),
        "--recipe: iteration %s of run %s was made with the recipe of digest %s, this one has %s. Give the recipe of"
        + " the run.", iteration, run.id(), Stages.RECIPE_DIGEST.of(update), recipe.digest());
    Dataset<Row> prompts = prompts(run, recorded, source, iteration).cache();
    Learner learner = Learner.load(run, run.requirePolicy(iteration), recipe.optimizer());
    List<PolicyHandle> reference = Update.references(run, recipe, iteration);
    List<String> ids = Generate.ids(prompts);
    Comparison comparison = new Comparison(run, recorded, iteration);
    List<Runnable> kept = new ArrayList<>(List.of(() -> prompts.unpersist(false)));
    try {
      List<JavaRDD<Row>> rollouts = new ArrayList<>();
      List<Draw> draws = new ArrayList<>();
      do {
        int wave = draws.size();
        List<String> chosen = recipe.prompts().choose(ids, run.seed(), iteration, wave);
        if (wave > 0 && chosen.isEmpty()) {
          break;
        }
        List<Row> rows = Generate.rows(prompts, chosen);
        KeptShards.of(run.lake(), run.id(), iteration, wave, Code.VERSION).delete();    // nothing is taken over
        Generate.Generated made = Generate.generate(run, recipe, learner.handle(), rows, iteration, wave);
        kept.add(made.kept()::delete);
        kept.add(made::free);
        rollouts.add(made.rollouts());
        comparison.add(Generate.STAGE, wave, Rollouts.TABLE, made.rollouts());
        JavaRDD<Row> rewards = Score.score(made.rollouts(), rows, recipe, reference);
        kept.add(() -> rewards.unpersist(false));
        draws.add(new Draw(chosen, rewards));
        comparison.add(Score.STAGE, wave, Rewards.TABLE, rewards);
      } while (Draw.another(recipe, draws));
      comparison.addMissing(draws.size());
      JavaRDD<Row> allRollouts = rollouts.stream().reduce(JavaRDD::union).orElseThrow();
      Estimate.Estimated estimated = Estimate.estimate(run, recipe,
          draws.stream().map(Draw::rewards).reduce(JavaRDD::union).orElseThrow(), allRollouts,
          Draw.surplus(recipe, draws), iteration, Optional.empty());
      kept.add(() -> estimated.advantages().unpersist(false));
      comparison.add(Estimate.STAGE, -1, Advantages.TABLE, estimated.advantages());
      comparison.add(learner, recipe, Update.step(run, recipe, learner, estimated.advantages(), allRollouts, reference,
          iteration));
      return comparison.lines;
    } finally {
      kept.forEach(Runnable::run);
    }
  }

  /** Throws unless everything is equal, naming the first stage that is not. */
  static void requireEqual(Run run, int iteration, List<Line> lines) {
    Optional<Line> first = lines.stream().filter(l -> !l.equal()).findFirst();
    if (first.isPresent()) {
      Line line = first.get();
      boolean changed = line.recorded().equals(line.again());
      throw new DataException("iteration %d of run %s is another one at %s: recorded %s, stored now %s, computed again"
          + " %s. %s", iteration, run.id(), line.name(), line.recorded(), line.stored(), line.again(),
          changed ? "The rows were changed after the stage had finished: restore the version of the table that the"
              + " manifest's outputs name."
              : "Give the seed, the prompts' source and the version of the code that the run had.");
    }
  }

  /** The comparisons for people; digests are cut. */
  static String table(List<Line> lines) {
    StringBuilder text = new StringBuilder(row("stage", "recorded", "stored", "again", "equal"));
    lines.forEach(l -> text.append(row(l.name(), l.recorded(), l.stored(), l.again(), l.equal() ? "yes" : "NO")));
    return text.toString();
  }

  private static String row(String name, String recorded, String stored, String again, String equal) {
    return String.format(Locale.ROOT, "  %-17s %-22s %-22s %-22s %s%n", name, cut(recorded), cut(stored), cut(again),
        equal);
  }

  private static String cut(String digest) {
    return digest.substring(0, Math.min(digest.length(), SHOWN));
  }

  private static Optional<Row> recorded(List<Row> stages, String stage, int wave) {
    return stages.stream().filter(r -> Stages.STAGE.of(r).equals(stage) && Stages.WAVE.<Integer>of(r) == wave)
        .findFirst();
  }

  /** The tasks of a source at the version that the iteration's first wave read. */
  private static Dataset<Row> prompts(Run run, List<Row> stages, String source, int iteration) {
    Row generate = recorded(stages, Generate.STAGE, 0).orElseThrow(() -> new DataException(
        "stages: iteration %d of run %s has no generate in the manifest, but an update. Restore the table of stages.",
        iteration, run.id()));
    Map<String, Long> inputs = generate.getJavaMap(generate.fieldIndex(Stages.INPUTS.name()));
    return run.lake().read(Prompts.TABLE, inputs.get(Prompts.TABLE.name()))
        .filter(Prompts.SOURCE.col().equalTo(source).and(Prompts.SPLIT.col().equalTo(Split.TRAIN)));
  }

  /** What was found so far. */
  private static final class Comparison {
    private final Run run;
    private final List<Row> stages;
    private final int iteration;
    private final List<Line> lines = new ArrayList<>();

    Comparison(Run run, List<Row> stages, int iteration) {
      this.run = run;
      this.stages = stages;
      this.iteration = iteration;
    }

    void add(String stage, int wave, Table table, JavaRDD<Row> rows) {
      Dataset<Row> again = run.spark().createDataFrame(rows, table.schema());
      lines.add(new Line(stage, wave, recorded(stage, Math.max(0, wave)), stored(table, wave),
          Digest.of(again, table).text()));
    }

    /** Waves of the manifest that were not drawn again. */
    void addMissing(int waves) {
      for (int wave = waves; Rerun.recorded(stages, Generate.STAGE, wave).isPresent(); wave++) {
        lines.add(new Line(Generate.STAGE, wave, recorded(Generate.STAGE, wave), stored(Rollouts.TABLE, wave), NONE));
      }
    }

    /** The update's own row, and what it stands for: the policy's files and the optimizer's state. */
    void add(Learner learner, Recipe recipe, Update.Stepped stepped) {
      Row stored = run.requirePolicy(iteration + 1);
      try {
        Path folder = Files.createTempDirectory("alluvium-rerun");
        try {
          Map<String, String> files = stepped.checkpoint().write(folder.resolve(POLICY));
          String version = Checkpoint.version(files);
          Map<Field, Object> row = new HashMap<>(Map.of(Policies.RUN_ID, run.id(), Policies.ITERATION, iteration + 1,
              Policies.ROLE, Run.MAIN, Policies.POLICY_VERSION, version, Policies.PARENT, learner.version(),
              Policies.URI, "", Policies.FILES, new TreeMap<>(files), Policies.OPTIMIZER_STEPS, stepped.steps(),
              Policies.RECIPE_DIGEST, recipe.digest()));
          lines.add(new Line(Update.STAGE, -1, recorded(Update.STAGE, 0),
              Digest.of(List.of(stored), Policies.TABLE).text(),
              Digest.of(List.of(Policies.TABLE.row(row)), Policies.TABLE).text()));
          lines.add(new Line(POLICY, -1, NONE, Policies.POLICY_VERSION.of(stored), version));
          if (!stepped.slots().isEmpty()) {
            Path state = Files.createDirectory(folder.resolve(OPTIMIZER));
            OptimizerState.write(state.resolve(OptimizerState.FILE), recipe.optimizer().slots(), stepped.slots());
            String uri = Policies.OPTIMIZER_URI.absentIn(stored) ? NONE : Policies.OPTIMIZER_URI.of(stored);
            lines.add(new Line(OPTIMIZER, -1, NONE, uri.substring(uri.lastIndexOf('/') + 1).replace("optimizer-", ""),
                Checkpoint.version(Checkpoint.digests(state))));
          }
        } finally {
          Run.delete(folder);
        }
      } catch (IOException e) {
        throw new UncheckedIOException("the policy that was computed again cannot be written", e);
      }
    }

    private String recorded(String stage, int wave) {
      return Rerun.recorded(stages, stage, wave).map(Stages.DIGEST::<String>of).orElse(NONE);
    }

    private String stored(Table table, int wave) {
      Dataset<Row> rows = run.stored(table, iteration);
      Digest digest = Digest.of(wave < 0 ? rows : rows.filter(Rollouts.WAVE.col().equalTo(wave)), table);
      return digest.rows() == 0 ? NONE : digest.text();
    }
  }
}
