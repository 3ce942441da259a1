package alluvium.jobs;

import alluvium.prompts.Split;
import alluvium.tables.Advantages;
import alluvium.tables.Evaluations;
import alluvium.tables.Metrics;
import alluvium.tables.Policies;
import alluvium.tables.Prompts;
import alluvium.tables.RecipeException;
import alluvium.tables.Rejects;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import alluvium.tables.Stages;
import alluvium.tables.Table;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import picocli.CommandLine.Option;

/** The report of a run: one HTML file that opens from disk. */
public final class Report {
  private Report() {}

  static final class Arguments extends Options {
    @Option(names = "--recipe", required = true, description = "recipe of the run, shown in the report")
    String recipe;

    @Option(names = "--output", required = true, description = "file to write, ending in .html")
    Path output;
  }

  public static void main(String... args) {
    Arguments arguments = new Arguments();
    if (!arguments.parse("Report", args)) {
      return;
    }
    if (!arguments.output.toString().endsWith(".html")) {
      throw new RecipeException("--output must end in .html, got %s", arguments.output);
    }
    Recipe recipe = Recipe.read(Path.of(arguments.recipe));
    try (Run run = Run.watch("report", arguments, recipe.digest())) {
      Console.line("report     %s", write(run, recipe, arguments.output));
    }
  }

  /** Reads what the tables hold of a run and writes the page. */
  static Path write(Run run, Recipe recipe, Path output) {
    try {
      if (output.toAbsolutePath().getParent() != null) {
        Files.createDirectories(output.toAbsolutePath().getParent());
      }
      return Files.writeString(output, ReportPage.html(data(run, recipe)));
    } catch (IOException e) {
      throw new UncheckedIOException("the report cannot be written to " + output, e);
    }
  }

  private static ReportData data(Run run, Recipe recipe) {
    Dataset<Row> rollouts = of(run, Rollouts.TABLE);
    Dataset<Row> rewards = of(run, Rewards.TABLE);
    Dataset<Row> advantages = of(run, Advantages.TABLE);
    Dataset<Row> prompts = run.lake().read(Prompts.TABLE).filter(Prompts.SPLIT.col().equalTo(Split.TRAIN));
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("seed", String.valueOf(run.seed()));
    facts.put("recipe digest", recipe.digest());
    facts.put("code version", Code.VERSION);
    return ReportData.of(run.id()).withFacts(facts)
        .withPolicies(ReportQuery.policies(of(run, Policies.TABLE)))
        .withEvaluations(ReportQuery.evaluations(of(run, Evaluations.TABLE)
            .filter(functions.not(Evaluations.NAME.col().endsWith(Evaluate.GAIN)))))
        .withSeries(ReportQuery.series(of(run, Metrics.TABLE)))
        .withTimes(ReportQuery.times(of(run, Stages.TABLE)))
        .withHistograms(Stream.concat(ReportQuery.rewardHistograms(advantages).stream(),
            ReportQuery.lengthHistograms(rollouts).stream()).toList())
        .withCounts(ReportQuery.verdicts(rewards), ReportQuery.drops(advantages),
            ReportQuery.rejects(run.lake().read(Rejects.TABLE)))
        .withGroups(ReportQuery.best(prompts, rollouts, rewards, advantages),
            ReportQuery.worst(prompts, rollouts, rewards, advantages))
        .withRecipe(recipe.canonical())
        .withQueries(ReportQuery.queries(run.id(), name -> run.lake().sqlName(TABLES.get(name))));
  }

  private static final Map<String, Table> TABLES = Map.of(Advantages.TABLE.name(), Advantages.TABLE,
      Evaluations.TABLE.name(), Evaluations.TABLE, Rollouts.TABLE.name(), Rollouts.TABLE);

  /** The rows of a table that belong to the run. */
  private static Dataset<Row> of(Run run, Table table) {
    return run.lake().read(table).filter(Rollouts.RUN_ID.col().equalTo(run.id()));
  }
}
