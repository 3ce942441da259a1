package alluvium.jobs;

import alluvium.spark.Lake;
import alluvium.tables.Advantages;
import alluvium.tables.DataException;
import alluvium.tables.Evaluations;
import alluvium.tables.Field;
import alluvium.tables.Metrics;
import alluvium.tables.Policies;
import alluvium.tables.Prompts;
import alluvium.tables.Rejects;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import alluvium.tables.Runs;
import alluvium.tables.Stages;
import alluvium.tables.States;
import alluvium.tables.Table;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.Row;
import picocli.CommandLine.Option;

/**
 * Begins a run that goes on from an iteration of another one, with whatever recipe, prompts or seed it is given next.
 * The new run names its parent and has its policies up to that iteration, which lie where they lay, and its states;
 * nothing is copied but rows. Into another lake, the tables themselves are shallow clones.
 */
public final class Fork {
  static final String STAGE = "fork";
  private static final List<Table> TABLES = List.of(Prompts.TABLE, Rejects.TABLE, Rollouts.TABLE, Rewards.TABLE,
      Advantages.TABLE, Policies.TABLE, Stages.TABLE, States.TABLE, Metrics.TABLE, Evaluations.TABLE, Runs.TABLE);

  private Fork() {}

  static final class Arguments extends Options {
    @Option(names = "--to", required = true, description = "name of the new run")
    String to;

    @Option(names = "--at", description = "iteration that the new run begins with (default: the first not finished)")
    Optional<Integer> at;

    @Option(names = "--into", description = "path of a new lake for it, of shallow clones of --lake's tables")
    Optional<String> into;

    @Override
    void check() {
      super.check();
      runName("--to", to);
      at.ifPresent(iteration -> atLeast(0, "--at", iteration));
    }
  }

  public static void main(String... args) {
    Arguments arguments = new Arguments();
    if (!arguments.parse("Fork", args)) {
      return;
    }
    String parent = arguments.run;
    if (arguments.into.isPresent()) {
      try (Run from = Run.open("fork", arguments, "")) {
        Lake into = Lake.open(from.spark(), arguments.into.get());
        TABLES.forEach(table -> from.lake().cloneInto(into, table));
        arguments.lake = arguments.into.get();
        arguments.run = arguments.to;
        try (Run run = Run.open("fork", arguments, "")) {
          fork(run, parent, arguments.at);
        }
      }
    } else {
      arguments.run = arguments.to;
      try (Run run = Run.open("fork", arguments, "")) {
        fork(run, parent, arguments.at);
      }
    }
  }

  /**
   * Makes a new run the continuation of another one, once.
   *
   * @param at iteration that it begins with; where absent, the first that its parent has not finished
   */
  static void fork(Run run, String parent, Optional<Integer> at) {
    Optional<Row> begun = run.beginnings().stream().filter(r -> Runs.WORK.of(r).equals(STAGE)).findFirst();
    if (begun.isPresent()) {
      if (!Runs.PARENT.of(begun.get()).equals(parent)
          || at.isPresent() && !at.get().equals(Runs.FIRST_ITERATION.of(begun.get()))) {
        throw new DataException("run %s is already a fork of run %s at iteration %d. Name another new run.", run.id(),
            Runs.PARENT.of(begun.get()), Runs.FIRST_ITERATION.<Integer>of(begun.get()));
      }
      if (run.ledger().manifest().last(run.id(), STAGE).isPresent()) {
        Console.line("fork       run %s goes on from iteration %d of run %s", run.id(),
            Runs.FIRST_ITERATION.<Integer>of(begun.get()), parent);
        return;
      }
    } else if (!run.beginnings().isEmpty() || run.policy(0).isPresent()) {
      throw new DataException("run %s is there already. Name another new run.", run.id());
    }
    Run old = run.beside(parent, run.seed(), "");
    int first = at.orElseGet(() -> old.ledger().manifest().last(parent, Update.STAGE).orElse(old.firstIteration() - 1)
        + 1);
    Row start = old.requirePolicy(first);
    if (begun.isEmpty()) {
      run.record(STAGE, Runs.TABLE.row(Map.of(Runs.RUN_ID, run.id(), Runs.WORK, STAGE, Runs.SETTINGS,
          Map.of("policy", Policies.POLICY_VERSION.<String>of(start)), Runs.FIRST_ITERATION, first, Runs.PARENT,
          parent)));
    }
    List<Row> policies = run.lake().rows(Policies.TABLE, parent).stream()
        .filter(r -> Policies.ITERATION.<Integer>of(r) <= first).toList();
    List<Row> states = run.lake().rows(States.TABLE, parent).stream()
        .filter(r -> States.ITERATION.<Integer>of(r) == first).toList();
    run.ledger().submit(new Ledger.Entry(STAGE, first, 0,
        List.of(new Ledger.Rows(Policies.TABLE, renamed(policies, Policies.TABLE, run.id())),
            new Ledger.Rows(States.TABLE, renamed(states, States.TABLE, run.id()))),
        List.of(Policies.TABLE, States.TABLE), Map.of(), () -> { }));
    run.ledger().await();
    Console.line("fork       run %s goes on from iteration %d of run %s, policy %s", run.id(), first, parent,
        Policies.POLICY_VERSION.<String>of(start));
  }

  private static List<Row> renamed(List<Row> rows, Table table, String run) {
    List<Row> renamed = new ArrayList<>();
    for (Row row : rows) {
      Map<Field, Object> values = new HashMap<>();
      for (Field field : table.fields()) {
        if (!field.absentIn(row)) {
          values.put(field, field.isMap() ? row.getJavaMap(row.fieldIndex(field.name())) : field.of(row));
        }
      }
      values.put(Runs.RUN_ID, run);
      renamed.add(table.row(values));
    }
    return renamed;
  }
}
