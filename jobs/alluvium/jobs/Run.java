package alluvium.jobs;

import alluvium.policies.Checkpoint;
import alluvium.policies.Tensors;
import alluvium.spark.CommitKey;
import alluvium.spark.Digest;
import alluvium.spark.Lake;
import alluvium.spark.LakeSession;
import alluvium.spark.PolicyFolders;
import alluvium.spark.PolicyHandle;
import alluvium.spark.RunLock;
import alluvium.tables.DataException;
import alluvium.tables.Field;
import alluvium.tables.Policies;
import alluvium.tables.Prompts;
import alluvium.tables.Rollouts;
import alluvium.tables.Runs;
import alluvium.tables.States;
import alluvium.tables.Table;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** One run's open tables, with the machine that computes for it. */
final class Run implements AutoCloseable {
  static final String MAIN = "main";
  static final String BASE = "base";

  private final String id;
  private final long seed;
  private final Cluster cluster;
  private final Lake lake;
  private final Ledger ledger;
  private final String recipeDigest;
  private final List<RunLock> locks;
  private final List<Row> beginnings = new ArrayList<>();
  private final Runnable ending;

  private Run(String id, long seed, Cluster cluster, Lake lake, String recipeDigest, List<RunLock> locks,
      Runnable ending) {
    this.id = id;
    this.seed = seed;
    this.cluster = cluster;
    this.lake = lake;
    this.recipeDigest = recipeDigest;
    this.locks = locks;
    this.ledger = new Ledger(lake, id, recipeDigest, () -> locks.forEach(RunLock::require));
    this.ending = ending;
  }

  /**
   * Opens the run that a command line names, and keeps every other process off it. Everything the command line and the
   * recipe can get wrong was checked. A session that this starts ends with the run; one that it joins, such as a
   * notebook's, stays.
   */
  static Run open(String application, Options options, String recipeDigest) {
    Run run = watch(application, options, recipeDigest);
    try {
      run.locks.add(RunLock.take(run.lake, run.id));
      return run;
    } catch (RuntimeException e) {
      run.close();
      throw e;
    }
  }

  /** Opens a run to look at it: what another process works on may be watched. */
  static Run watch(String application, Options options, String recipeDigest) {
    Cluster cluster = Cluster.read(Path.of(options.cluster));
    boolean joined = LakeSession.running();
    SparkSession spark = LakeSession.open(application, cluster.slots(), cluster.spark());
    List<RunLock> locks = new ArrayList<>();
    return new Run(options.run, options.seed, cluster, Lake.open(spark, options.lake), recipeDigest, locks, () -> {
      locks.forEach(RunLock::close);
      if (!joined) {
        spark.stop();
      }
    });
  }

  /** Another run, or another recipe's part of this one, on the same open tables and under this one's lock. */
  Run beside(String otherId, long otherSeed, String otherRecipeDigest) {
    return new Run(otherId, otherSeed, cluster, lake, otherRecipeDigest, locks, () -> { });
  }

  /**
   * Notes what a kind of work on this run was begun with, or, where it was begun before, refuses to go on with anything
   * else.
   *
   * @param work what the settings belong to: of one kind, a run has one beginning
   * @throws DataException naming every setting that is not as it was
   */
  void begin(String work, Settings settings) {
    if (!goesOn(work, settings)) {
      record(work, Runs.TABLE.row(Map.of(Runs.RUN_ID, id, Runs.WORK, work, Runs.SETTINGS, settings.values(),
          Runs.FIRST_ITERATION, firstIteration())));
    }
  }

  /** Likewise without noting anything: false where the work has not begun. */
  boolean goesOn(String work, Settings settings) {
    Optional<Row> begun = beginnings().stream().filter(r -> Runs.WORK.of(r).equals(work)).findFirst();
    begun.ifPresent(row -> {
      List<String> changed = settings.differences(row.getJavaMap(row.fieldIndex(Runs.SETTINGS.name())));
      if (!changed.isEmpty()) {
        throw new DataException("run %s was begun with other settings, and would not be one run any more:%n  %s%n"
            + "Set them back, start another --run, or go on from its last finished iteration as a run of another name"
            + " with Iterate --fork NAME.", id, String.join(String.format("%n  "), changed));
      }
    });
    return begun.isPresent();
  }

  /** What work on this run was begun with: rows of the table of runs. */
  List<Row> beginnings() {
    if (beginnings.isEmpty()) {
      beginnings.addAll(lake.rows(Runs.TABLE, id));
    }
    return beginnings;
  }

  /** Adds a row to them, once. */
  void record(String work, Row row) {
    lake.append(Runs.TABLE, List.of(row), new CommitKey(id, "begin." + work, 0, Map.of("recipe", recipeDigest, "code",
        Code.VERSION)));
    beginnings.add(row);
  }

  /** The iteration that the run's own work begins with: 0, or where a fork left its parent. */
  int firstIteration() {
    return beginnings().stream().mapToInt(Runs.FIRST_ITERATION::<Integer>of).max().orElse(0);
  }

  String id() {
    return id;
  }

  long seed() {
    return seed;
  }

  SparkSession spark() {
    return lake.spark();
  }

  Lake lake() {
    return lake;
  }

  Ledger ledger() {
    return ledger;
  }

  String recipeDigest() {
    return recipeDigest;
  }

  /** Tasks that run at once on one machine; where a cluster has more, Spark's own default parallelism. */
  int slots() {
    return Math.max(cluster.slots(), spark().sparkContext().defaultParallelism());
  }

  /** Tasks that run at once on one machine. */
  int slotsOfMachine() {
    return cluster.slots();
  }

  int threads() {
    return cluster.threadsPerTask();
  }

  /** The tasks of a source and split at the version that the run pinned. */
  Dataset<Row> prompts(String source, String split) {
    long version = ledger.pin(Prompts.TABLE);
    return lake.read(Prompts.TABLE, version)
        .filter(Prompts.SOURCE.col().equalTo(source).and(Prompts.SPLIT.col().equalTo(split)));
  }

  /** The digest of the tasks of a source and split, as they are now. */
  String promptsDigest(String source, String split) {
    return Digest.of(prompts(source, split), Prompts.TABLE).text();
  }

  /**
   * The rows that a finished stage of this run committed to a table, all its waves together.
   *
   * @throws DataException where the stage is not done, or the rows are not those it committed
   */
  Dataset<Row> rows(Table table, String stage, int iteration) {
    return committed(table, stage, iteration, stored(table, iteration));
  }

  /** Likewise of one wave. */
  Dataset<Row> rows(Table table, String stage, int iteration, int wave) {
    Dataset<Row> rows = stored(table, iteration).filter(Rollouts.WAVE.col().equalTo(wave));
    require(table, stage, iteration, ledger.manifest().digest(id, iteration, stage, wave, table.name())
        .orElseThrow(() -> notDone(stage, iteration)), Digest.of(rows, table));
    return rows;
  }

  /** The rows of one iteration of this run, whatever became of them since they were committed. */
  Dataset<Row> stored(Table table, int iteration) {
    return lake.read(table, id, iteration);
  }

  /** Rows that should be all that a finished stage committed to a table. */
  Dataset<Row> committed(Table table, String stage, int iteration, Dataset<Row> rows) {
    require(table, stage, iteration, ledger.manifest().digest(id, iteration, stage, table.name())
        .orElseThrow(() -> notDone(stage, iteration)), Digest.of(rows, table));
    return rows;
  }

  private DataException notDone(String stage, int iteration) {
    return new DataException("stages: %s of iteration %d of run %s is not done. Run it first.", stage, iteration, id);
  }

  private void require(Table table, String stage, int iteration, Digest recorded, Digest found) {
    if (!found.equals(recorded)) {
      throw new DataException("%s: the rows that %s committed for iteration %d of run %s have been changed since: their"
          + " digest was %s, is %s. Restore the version of the table that stages.outputs names, or fork the run before"
          + " that iteration.", table.name(), stage, iteration, id, recorded.text(), found.text());
    }
  }

  /** The policy that an iteration starts from; its row is as the stage that made it committed it. */
  Optional<Row> policy(int iteration) {
    List<Row> all = lake.rows(Policies.TABLE, id);
    List<Row> rows = all.stream().filter(r -> Policies.ITERATION.<Integer>of(r) == iteration).toList();
    String table = Policies.TABLE.name();
    for (String stage : List.of(Update.STAGE, Supervise.STAGE, Iterate.ADOPT)) {
      int at = stage.equals(Update.STAGE) ? iteration - 1 : iteration;
      ledger.manifest().digest(id, at, stage, table)
          .ifPresent(d -> require(Policies.TABLE, stage, at, d, Digest.of(rows, Policies.TABLE)));
    }
    OptionalInt forked = ledger.manifest().last(id, Fork.STAGE);
    if (forked.isPresent() && iteration <= forked.getAsInt()) {
      List<Row> inherited = all.stream().filter(r -> Policies.ITERATION.<Integer>of(r) <= forked.getAsInt()).toList();
      require(Policies.TABLE, Fork.STAGE, forked.getAsInt(),
          ledger.manifest().digest(id, forked.getAsInt(), Fork.STAGE, table).orElseThrow(),
          Digest.of(inherited, Policies.TABLE));
    }
    return rows.stream().filter(r -> Policies.ROLE.of(r).equals(MAIN)).findFirst();
  }

  /** A named state that an iteration begins with, as the stage before it or a fork committed it; empty at the start. */
  Optional<Double> state(String name, int iteration) {
    List<Row> rows = lake.rows(States.TABLE, id).stream().filter(r -> States.ITERATION.<Integer>of(r) == iteration)
        .toList();
    ledger.manifest().digest(id, iteration - 1, Estimate.STAGE, States.TABLE.name())
        .or(() -> ledger.manifest().digest(id, iteration, Fork.STAGE, States.TABLE.name()))
        .ifPresent(d -> require(States.TABLE, Estimate.STAGE, iteration - 1, d, Digest.of(rows, States.TABLE)));
    return rows.stream().filter(r -> States.NAME.of(r).equals(name)).map(States.VALUE::<Double>of).findFirst();
  }

  Row requirePolicy(int iteration) {
    return policy(iteration).orElseThrow(() -> new DataException(
        "policies: run %s has no policy for iteration %d. Run Supervise, or Update for iteration %d, first.", id,
        iteration,
        iteration - 1));
  }

  PolicyHandle handle(Row policy) {
    Map<String, String> files = new HashMap<>(policy.getJavaMap(policy.fieldIndex(Policies.FILES.name())));
    return new PolicyHandle(Policies.POLICY_VERSION.of(policy), Policies.URI.of(policy), files, threads());
  }

  /**
   * Writes a policy's folder, and the optimizer's state where there is one, and returns the row that makes it
   * visible.
   */
  Row publish(Checkpoint checkpoint, int iteration, String role, Optional<String> parent, List<String> slotNames,
      List<Tensors> slots, long steps) {
    try {
      Path folder = Files.createTempDirectory("alluvium-policy");
      try {
        Map<String, String> files = checkpoint.write(folder.resolve("policy"));
        String version = Checkpoint.version(files);
        Map<Field, Object> row = new HashMap<>();
        row.put(Policies.URI, PolicyFolders.publish(lake, folder.resolve("policy"), version));
        if (!slots.isEmpty()) {
          Path state = Files.createDirectory(folder.resolve("optimizer"));
          OptimizerState.write(state.resolve(OptimizerState.FILE), slotNames, slots);
          String name = "optimizer-" + Checkpoint.version(Checkpoint.digests(state));
          row.put(Policies.OPTIMIZER_URI, PolicyFolders.publish(lake, state, name));
        }
        row.put(Policies.RUN_ID, id);
        row.put(Policies.ITERATION, iteration);
        row.put(Policies.ROLE, role);
        row.put(Policies.POLICY_VERSION, version);
        parent.ifPresent(p -> row.put(Policies.PARENT, p));
        row.put(Policies.FILES, files);
        row.put(Policies.OPTIMIZER_STEPS, steps);
        row.put(Policies.RECIPE_DIGEST, recipeDigest);
        return Policies.TABLE.row(row);
      } finally {
        delete(folder);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("a policy cannot be written", e);
    }
  }

  @Override
  public void close() {
    try {
      ledger.close();
    } finally {
      ending.run();
    }
  }

  static void delete(Path folder) throws IOException {
    try (Stream<Path> paths = Files.walk(folder)) {
      for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
