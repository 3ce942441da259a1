package alluvium.spark;

import alluvium.tables.Stages;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.spark.sql.Row;

/**
 * The manifest of a lake's runs: which stages are done. Read once per run, and kept up by what this process records.
 */
public final class Manifest {
  private final Lake lake;
  private final Set<String> done = new HashSet<>();
  private final Set<String> read = new HashSet<>();

  public Manifest(Lake lake) {
    this.lake = lake;
  }

  /** Whether a stage has committed all it makes. */
  public synchronized boolean done(String run, int iteration, String stage, int wave) {
    if (!read.contains(run)) {
      for (Row row : rows(run)) {
        done.add(key(run, Stages.ITERATION.of(row), Stages.STAGE.of(row), Stages.WAVE.of(row)));
      }
      read.add(run);
    }
    return done.contains(key(run, iteration, stage, wave));
  }

  /** Appends a stage's row: the last thing a stage does. */
  public void record(Row row, CommitKey key) {
    lake.append(Stages.TABLE, List.of(row), key);
    synchronized (this) {
      done.add(key(Stages.RUN_ID.of(row), Stages.ITERATION.of(row), Stages.STAGE.of(row), Stages.WAVE.of(row)));
    }
  }

  /** The rows of a run. */
  public List<Row> rows(String run) {
    return lake.read(Stages.TABLE).filter(Stages.RUN_ID.col().equalTo(run)).collectAsList();
  }

  /** The digest that a finished stage recorded. */
  public Optional<String> digest(String run, int iteration, String stage, int wave) {
    return rows(run).stream().filter(row -> Stages.ITERATION.<Integer>of(row) == iteration
            && Stages.STAGE.of(row).equals(stage) && Stages.WAVE.<Integer>of(row) == wave)
        .findAny().map(Stages.DIGEST::<String>of);
  }

  private static String key(String run, int iteration, String stage, int wave) {
    return run + "/" + iteration + "/" + stage + "/" + wave;
  }
}
