package alluvium.jobs;

import alluvium.prompts.Arithmetic;
import alluvium.prompts.Task;
import alluvium.tables.Evaluations;
import alluvium.tables.Metrics;
import alluvium.tables.Policies;
import alluvium.tables.Rollouts;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.spark.sql.Row;
import picocli.CommandLine.Option;

/**
 * The first minutes with Alluvium, on one machine and without data: arithmetic in text, a small policy made from
 * scratch, supervised
 * training until it is sometimes right, then GRPO, and a report of what happened.
 */
public final class Quickstart {
  private static final String SOURCE = "arithmetic";
  private static final int HELD_OUT = 512;
  private static final int TASKS = 8000;

  private Quickstart() {}

  static final class Arguments extends Options {
    @Option(names = "--iterations", defaultValue = "50", description = "GRPO iterations (default: ${DEFAULT-VALUE})")
    int iterations;

    @Option(names = "--supervised", defaultValue = "conf/quickstart-sft.yaml",
        description = "recipe of the supervised part (default: ${DEFAULT-VALUE})")
    String supervised;

    @Option(names = "--recipe", defaultValue = "conf/quickstart.yaml",
        description = "recipe of the iterations (default: ${DEFAULT-VALUE})")
    String recipe;

    @Option(names = "--scratch", defaultValue = "conf/policies/small.yaml",
        description = "description of the policy (default: ${DEFAULT-VALUE})")
    String scratch;

    @Override
    Optional<String> usualLake() {
      return Optional.of(Path.of("out", "quickstart").toAbsolutePath().toString());
    }
  }

  public static void main(String... args) {
    Arguments arguments = new Arguments();
    if (!arguments.parse("Quickstart", args)) {
      return;
    }
    long start = System.nanoTime();
    Options.atLeast(0, "--iterations", arguments.iterations);
    SupervisedRecipe supervised = SupervisedRecipe.read(Path.of(arguments.supervised));
    Recipe recipe = Recipe.read(Path.of(arguments.recipe));
    Start scratch = Start.Scratch.read(arguments.scratch);
    List<Task> tasks = new Arithmetic(2, "+", TASKS, arguments.seed).tasks();
    try (Run run = Run.open("quickstart", arguments, recipe.digest())) {
      Run ingest = run.beside("ingest." + SOURCE, arguments.seed, recipe.digest());
      if (!ingest.ledger().done(Ingest.STAGE, 0, 0)) {
        Ingest.ingest(ingest, tasks, HELD_OUT, 0);
      }
      Supervise.supervise(run.beside(arguments.run, arguments.seed, supervised.digest()), supervised, scratch, SOURCE);
      Iterate.iterate(run, recipe, SOURCE, arguments.iterations, arguments.iterations, 4);
      Console.line("%n%s", table(Evaluate.rows(run, 0), Evaluate.rows(run, arguments.iterations)));
      Path report = Report.write(run, recipe, Path.of(arguments.lake, "report-" + arguments.run + ".html"));
      Row policy = run.requirePolicy(arguments.iterations);
      Console.line("policy     %s%nreport     %s%ntables     %s%n%nTry in SQL:", Policies.URI.<String>of(policy),
          report,
          arguments.lake);
      String evaluations = run.lake().sqlName(Evaluations.TABLE);
      Console.line("  SELECT iteration, name, value, low, high FROM %s ORDER BY iteration, name", evaluations);
      Console.line("  SELECT iteration, value FROM %s WHERE name = 'reward_mean' ORDER BY iteration",
          run.lake().sqlName(Metrics.TABLE));
      Console.line("  SELECT text, count(*) FROM %s GROUP BY text ORDER BY 2 DESC LIMIT 10",
          run.lake().sqlName(Rollouts.TABLE));
      Console.line("%.0f s in all", (System.nanoTime() - start) / 1e9);
    }
  }

  private static String table(List<Row> before, List<Row> after) {
    StringBuilder text = new StringBuilder(String.format("%-20s %12s %12s%n", "held-out prompts", "after SFT",
        "after GRPO"));
    for (Row row : before) {
      String name = Evaluations.NAME.of(row);
      after.stream().filter(r -> Evaluations.NAME.of(r).equals(name)).findFirst().ifPresent(last -> text.append(
          String.format(Locale.ROOT, "%-20s %11.1f%% %11.1f%%%n", name, 100 * Evaluations.VALUE.<Double>of(row),
              100 * Evaluations.VALUE.<Double>of(last))));
    }
    return text.toString();
  }
}
