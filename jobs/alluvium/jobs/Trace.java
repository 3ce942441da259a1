package alluvium.jobs;

import alluvium.spark.Lake;
import alluvium.tables.Advantages;
import alluvium.tables.DataException;
import alluvium.tables.Policies;
import alluvium.tables.Prompts;
import alluvium.tables.RecipeException;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import alluvium.tables.Table;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import picocli.CommandLine.Option;

/**
 * Provenance, both ways: from a policy back to every completion, reward and prompt of the updates that made it, and
 * from a prompt forward to every policy that it went into. Prints the SQL that it asks, to be pasted elsewhere.
 */
public final class Trace {
  private static final int TEXT = 32;

  private Trace() {}

  static final class Arguments extends Options {
    @Option(names = "--policy", description = "version of a policy, traced back to its completions")
    Optional<String> policy;

    @Option(names = "--prompt", description = "prompt_id, traced forward to the policies that it went into")
    Optional<String> prompt;

    @Option(names = "--rows", defaultValue = "20",
        description = "rows that are printed of each table (default: ${DEFAULT-VALUE})")
    int rows;

    @Option(names = "--verify", description = "with --policy: computes the gradient of the update that made it from its"
        + " rows, and compares")
    boolean verify;

    @Option(names = "--recipe", description = "with --verify: the recipe that the run had")
    Optional<Path> recipe;
  }

  public static void main(String... args) {
    Arguments arguments = new Arguments();
    if (!arguments.parse("Trace", args)) {
      return;
    }
    Options.atLeast(0, "--rows", arguments.rows);
    RecipeException.require(arguments.policy.isPresent() != arguments.prompt.isPresent(),
        "Trace needs --policy VERSION or --prompt ID, one of the two");
    RecipeException.require(!arguments.verify || arguments.policy.isPresent() && arguments.recipe.isPresent(),
        "--verify needs --policy VERSION and --recipe FILE, the recipe that the run had");
    Optional<Recipe> recipe = arguments.recipe.map(Recipe::read);
    try (Run run = Run.watch("trace", arguments, recipe.map(Recipe::digest).orElse(""))) {
      if (arguments.prompt.isPresent()) {
        Forward forward = forward(run, arguments.prompt.get());
        show(run, forward.sql(), arguments.rows);
        Console.line("policies that it went into:%n%s", policies(forward, arguments.rows));
        Console.line("SQL of these policies:%n%s", forward.policiesSql());
      } else {
        Back back = back(run, arguments.policy.get());
        show(run, back.sql(), arguments.rows);
        if (arguments.verify) {
          GradientCheck check = verify(run, recipe.orElseThrow(), back);
          Console.line("verify     %s", check.text());
          check.require(back.last());
        }
      }
    }
  }

  /**
   * A policy traced back.
   *
   * @param line updates that made it, the first one first
   * @param sql of their completions
   */
  record Back(List<Lineage.Origin> line, String sql) {
    /** The update that made the policy itself. */
    Lineage.Origin last() {
      return line.get(line.size() - 1);
    }
  }

  /**
   * A prompt traced forward.
   *
   * @param sql of its completions in all updates
   * @param policiesSql of the policies that they went into; empty where nothing trained
   * @param policies rows of that query
   */
  record Forward(String sql, String policiesSql, List<Row> policies) {}

  /** The completions behind a policy; the run is preferred where several have a policy of this version. */
  static Back back(Run run, String version) {
    requireTables(run.lake());
    List<Lineage.Origin> line = Lineage.read(run.lake()).ancestry(version, run.id());
    if (line.isEmpty()) {
      throw new DataException("policies: %s was made by no update of this lake, so no completion is behind it. Name the"
          + " version of a later policy.", version);
    }
    return new Back(line, TraceQuery.behind(run.lake(), Lineage.stretches(line)));
  }

  /** The policies that completions of a prompt went into, directly or through the policies that were made of these. */
  static Forward forward(Run run, String promptId) {
    requireTables(run.lake());
    Lake lake = run.lake();
    List<Row> counts = lake.read(Advantages.TABLE).filter(Advantages.PROMPT_ID.col().equalTo(promptId))
        .groupBy(Advantages.RUN_ID.col(), Advantages.ITERATION.col())
        .agg(functions.count(functions.when(Advantages.DROPPED.col().isNull(), 1)).as(TraceQuery.TRAINED))
        .collectAsList();
    if (counts.isEmpty()) {
      throw new DataException("advantages: no update batch has a completion of prompt %s. Look the id up in the table"
          + " of prompts.", promptId);
    }
    Set<Lineage.Origin> causes = new HashSet<>();
    for (Row row : counts) {
      if (row.<Long>getAs(TraceQuery.TRAINED) > 0) {
        causes.add(new Lineage.Origin(Advantages.RUN_ID.of(row), Advantages.ITERATION.of(row)));
      }
    }
    String sql = TraceQuery.of(lake, promptId);
    Map<String, Integer> first = Lineage.read(lake).touched(causes);
    if (first.isEmpty()) {
      return new Forward(sql, "", List.of());
    }
    String policies = TraceQuery.policies(lake, first);
    return new Forward(sql, policies, run.spark().sql(policies).collectAsList());
  }

  /** The gradient of the update that made a policy, from the rows behind it. */
  static GradientCheck verify(Run run, Recipe recipe, Back back) {
    String sql = TraceQuery.behind(run.lake(), Lineage.stretches(List.of(back.last())));
    return GradientCheck.of(run, recipe, back.last(), run.spark().sql(sql).collectAsList());
  }

  private static void requireTables(Lake lake) {
    for (Table table : List.of(Rollouts.TABLE, Rewards.TABLE, Advantages.TABLE, Prompts.TABLE, Policies.TABLE)) {
      lake.version(table);
    }
  }

  private static void show(Run run, String sql, int rows) {
    List<Row> counts = run.spark().sql(TraceQuery.counts(sql)).collectAsList();
    StringBuilder text = new StringBuilder();
    long[] sums = new long[3];
    for (int i = 0; i < counts.size(); i++) {
      Row row = counts.get(i);
      long completions = row.getAs(TraceQuery.COMPLETIONS);
      long trained = row.getAs(TraceQuery.TRAINED);
      long tokens = row.getAs(Rollouts.TOKENS.name());
      sums[0] += completions;
      sums[1] += trained;
      sums[2] += tokens;
      if (i >= counts.size() - rows) {
        text.append(line("  %-16s %-12s %9d %11d %8d %10d", cut(Policies.POLICY_VERSION.of(row)),
            row.<String>getAs(TraceQuery.RUN), Advantages.ITERATION.<Integer>of(row), completions, trained, tokens));
      }
    }
    Console.line("%s%s%s", line("  %-16s %-12s %9s %11s %8s %10s", "policy_version", "run", "iteration", "completions",
        "trained", "tokens"), text, line("  %-16s %-12s %9d %11d %8d %10d", "all", "", counts.size(), sums[0], sums[1],
            sums[2]));
    StringBuilder shown = new StringBuilder(line("  %-12s %9s %4s %-16s %6s %9s  %-24s %-24s %s", "run", "iteration",
        "wave", "prompt_id", "sample", "advantage", "rewards", "prompt", "completion"));
    run.spark().sql(sql).limit(rows).collectAsList().forEach(row -> shown.append(completion(row)));
    Console.line("the first %d of %d rows:%n%s", Math.min(rows, sums[0]), sums[0], shown);
    Console.line("SQL of all rows:%n%s", sql);
  }

  private static String completion(Row row) {
    String credit = !Advantages.DROPPED.absentIn(row) ? "dropped" : Advantages.ADVANTAGE.absentIn(row) ? "by token"
        : String.format(Locale.ROOT, "%.4f", Advantages.ADVANTAGE.<Double>of(row));
    int rewards = row.fieldIndex(TraceQuery.REWARDS);
    Map<String, Object> values = new TreeMap<>();
    if (!row.isNullAt(rewards)) {
      Map<String, String> status = row.getJavaMap(row.fieldIndex(TraceQuery.STATUS));
      row.<String, Double>getJavaMap(rewards).forEach((name, value) -> values.put(name,
          status.get(name).equals("ok") ? value : status.get(name)));
    }
    int prompt = row.fieldIndex(TraceQuery.PROMPT);
    return line("  %-12s %9d %4d %-16s %6d %9s  %-24s %-24s %s", row.<String>getAs(TraceQuery.RUN),
        Advantages.ITERATION.<Integer>of(row), Advantages.WAVE.<Integer>of(row), Advantages.PROMPT_ID.<String>of(row),
        Advantages.SAMPLE.<Integer>of(row), credit, values, row.isNullAt(prompt) ? "" : cut(row.getString(prompt)),
        cut(row.getAs(TraceQuery.COMPLETION)));
  }

  private static String policies(Forward forward, int rows) {
    StringBuilder text = new StringBuilder();
    List<Row> last = forward.policies().subList(Math.max(0, forward.policies().size() - rows),
        forward.policies().size());
    for (Row row : last) {
      text.append(line("  %-16s %-12s %9d", Policies.POLICY_VERSION.<String>of(row), row.<String>getAs(TraceQuery.RUN),
          Policies.ITERATION.<Integer>of(row)));
    }
    return text + line("  %d in all, the last %d shown", forward.policies().size(), last.size());
  }

  /** The beginning of a text, in one line. */
  private static String cut(String text) {
    String flat = Optional.ofNullable(text).orElse("").replaceAll("\\s+", " ");
    return flat.length() <= TEXT ? flat : flat.substring(0, TEXT - 3) + "...";
  }

  private static String line(String format, Object... arguments) {
    return String.format(Locale.ROOT, format + "%n", arguments);
  }
}
