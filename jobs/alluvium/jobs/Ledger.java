package alluvium.jobs;

import alluvium.spark.Commit;
import alluvium.spark.CommitKey;
import alluvium.spark.Lake;
import alluvium.spark.Manifest;
import alluvium.tables.Field;
import alluvium.tables.Stages;
import alluvium.tables.Table;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.DoubleAdder;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Writes what stages made: their tables, one commit each, and then their row of the manifest. Commits happen in the
 * order in
 * which they were handed in, on a thread of their own, while the next stage computes; a failed one stops the run at
 * the next
 * hand-in. What a crash leaves out of the manifest is computed again, with the same result.
 */
final class Ledger implements AutoCloseable {
  private static final long WAVES = 1000;
  private static final int MOST_WAITING = 12;    // about two iterations: what waits is held in memory

  private final Lake lake;
  private final Manifest manifest;
  private final String run;
  private final String recipeDigest;
  private final Runnable permit;
  private final ExecutorService thread = Executors.newSingleThreadExecutor(task -> {
    Thread committer = new Thread(task, "committer");
    committer.setDaemon(true);
    return committer;
  });
  private final Map<String, Long> versions = new TreeMap<>();
  private final DoubleAdder seconds = new DoubleAdder();
  private final Deque<Future<?>> waiting = new ArrayDeque<>();
  private volatile Optional<RuntimeException> failure = Optional.empty();

  /**
   * Begins with nothing handed in.
   *
   * @param permit called before each commit; throws where this process may not write any more
   */
  Ledger(Lake lake, String run, String recipeDigest, Runnable permit) {
    this.lake = lake;
    this.permit = permit;
    this.manifest = new Manifest(lake);
    this.run = run;
    this.recipeDigest = recipeDigest;
  }

  /** One table's share of a stage's output. */
  sealed interface Output permits Rows, Data {
    Table table();
  }

  /** Rows that the driver holds. */
  record Rows(Table table, List<Row> rows) implements Output {}

  /** Rows that executors hold: materialised, and kept until the commit is over. */
  record Data(Table table, Dataset<Row> rows) implements Output {
    static Data of(SparkSession spark, Table table, JavaRDD<Row> rows) {
      return new Data(table, spark.createDataFrame(rows, table.schema()));
    }
  }

  /**
   * One finished stage.
   *
   * @param outputs the first is the stage's main table, committed last: a stage that reads what it adds to, as Ingest
   *     does, finds it unchanged when it is computed again after a crash
   * @param inputs tables it read: their versions are those last committed or opened by this run
   * @param seconds phase to wall seconds
   * @param after called when everything is committed, to free what was kept
   */
  record Entry(String stage, int iteration, int wave, List<Output> outputs, List<Table> inputs,
      Map<String, Double> seconds, Runnable after) {}

  boolean done(String stage, int iteration, int wave) {
    return manifest.done(run, iteration, stage, wave);
  }

  /** What the manifest says of a run's stages. */
  Manifest manifest() {
    return manifest;
  }

  /** Notes the version of a table that the run reads from now on, and returns it. */
  long pin(Table table) {
    long version = lake.version(table);
    synchronized (versions) {
      versions.put(table.name(), version);
    }
    return version;
  }

  /** Hands in a finished stage and returns at once, unless too many wait already. */
  void submit(Entry entry) {
    while (!waiting.isEmpty() && (waiting.peek().isDone() || waiting.size() >= MOST_WAITING)) {
      finish(waiting.remove());
    }
    stopAfterFailure();
    waiting.add(thread.submit(() -> commit(entry)));
  }

  /** Waits until everything handed in is committed. */
  void await() {
    while (!waiting.isEmpty()) {
      finish(waiting.remove());
    }
    stopAfterFailure();
  }

  private static void finish(Future<?> commit) {
    try {
      commit.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CompletionException(e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new CompletionException(e.getCause());
    }
  }

  /** Seconds spent in commits so far. */
  double commitSeconds() {
    return seconds.sum();
  }

  @Override
  public void close() {
    try {
      await();
    } finally {
      thread.shutdown();
    }
  }

  /** What follows a failed commit is not begun, whatever it failed with: Spark throws checked exceptions undeclared. */
  private void commit(Entry entry) {
    stopAfterFailure();
    try {
      write(entry);
    } catch (Throwable e) {
      failure = Optional.of(e instanceof RuntimeException known ? known : new CompletionException(e));
      throw e;
    }
  }

  private void stopAfterFailure() {
    if (failure.isPresent()) {
      throw failure.get();
    }
  }

  private void write(Entry entry) {
    permit.run();
    long start = System.nanoTime();
    Map<String, Long> inputs = new TreeMap<>();
    synchronized (versions) {
      entry.inputs().forEach(t -> inputs.put(t.name(), versions.getOrDefault(t.name(), 0L)));
    }
    Map<String, Long> outputs = new TreeMap<>();
    Map<String, String> digests = new TreeMap<>();
    Map<String, String> metadata = new TreeMap<>();
    metadata.put("recipe", recipeDigest);
    metadata.put("code", Code.VERSION);
    inputs.forEach((table, version) -> metadata.put("input." + table, version.toString()));
    CommitKey key = new CommitKey(run, entry.stage(), entry.iteration() * WAVES + entry.wave(), metadata);
    Commit main = null;
    List<Output> mainLast = new ArrayList<>(entry.outputs());
    Collections.reverse(mainLast);
    for (Output output : mainLast) {
      Commit commit = output instanceof Rows rows ? lake.append(rows.table(), rows.rows(), key)
          : lake.append(output.table(), ((Data) output).rows(), key);
      outputs.put(output.table().name(), commit.version());
      digests.put(output.table().name(), commit.digest());
      main = commit;
      synchronized (versions) {
        versions.put(output.table().name(), commit.version());
      }
    }
    Map<String, Double> phases = new TreeMap<>(entry.seconds());
    phases.put("commit", (System.nanoTime() - start) / 1e9);
    Map<Field, Object> row = new HashMap<>();
    row.put(Stages.RUN_ID, run);
    row.put(Stages.ITERATION, entry.iteration());
    row.put(Stages.STAGE, entry.stage());
    row.put(Stages.WAVE, entry.wave());
    row.put(Stages.STATUS, "done");
    row.put(Stages.INPUTS, inputs);
    row.put(Stages.OUTPUTS, outputs);
    row.put(Stages.DIGESTS, digests);
    row.put(Stages.ROWS, main == null ? 0L : main.rows());
    row.put(Stages.DIGEST, main == null ? "" : main.digest());
    row.put(Stages.SECONDS, phases);
    row.put(Stages.CODE_VERSION, Code.VERSION);
    row.put(Stages.RECIPE_DIGEST, recipeDigest);
    row.put(Stages.FINISHED_AT, Timestamp.from(Instant.now()));
    manifest.record(Stages.TABLE.row(row), key);
    entry.after().run();
    seconds.add((System.nanoTime() - start) / 1e9);
  }
}
