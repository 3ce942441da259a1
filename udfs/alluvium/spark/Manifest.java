package alluvium.spark;

import alluvium.tables.Stages;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.apache.spark.sql.Row;

/**
 * The manifest of a lake's runs: which stages are done, and the digests of what they committed. Read once per run, and
 * kept up by what this process records.
 */
public final class Manifest {
  private final Lake lake;
  private final Map<Key, Map<String, String>> done = new HashMap<>();
  private final Set<String> read = new HashSet<>();

  private record Key(String run, int iteration, String stage, int wave) {}

  public Manifest(Lake lake) {
    this.lake = lake;
  }

  /** Whether a stage has committed all it makes. */
  public synchronized boolean done(String run, int iteration, String stage, int wave) {
    return known(run).containsKey(new Key(run, iteration, stage, wave));
  }

  /**
   * The digest of the rows that a finished stage committed to a table, those of all its waves together; empty where it
   * is not done or wrote no such table.
   */
  public synchronized Optional<Digest> digest(String run, int iteration, String stage, String table) {
    return known(run).entrySet().stream()
        .filter(e -> e.getKey().equals(new Key(run, iteration, stage, e.getKey().wave())))
        .filter(e -> e.getValue().containsKey(table)).map(e -> Digest.parse(e.getValue().get(table)))
        .reduce(Digest::plus);
  }

  /** The last iteration for which a stage is done. */
  public synchronized OptionalInt last(String run, String stage) {
    return known(run).keySet().stream().filter(k -> k.run().equals(run) && k.stage().equals(stage))
        .mapToInt(Key::iteration).max();
  }

  /** Likewise of one wave. */
  public synchronized Optional<Digest> digest(String run, int iteration, String stage, int wave, String table) {
    return Optional.ofNullable(known(run).get(new Key(run, iteration, stage, wave))).map(d -> d.get(table))
        .map(Digest::parse);
  }

  /** Appends a stage's row: the last thing a stage does. */
  public void record(Row row, CommitKey key) {
    lake.append(Stages.TABLE, List.of(row), key);
    synchronized (this) {
      remember(row);
    }
  }

  /** The rows of a run. */
  public List<Row> rows(String run) {
    return lake.rows(Stages.TABLE, run);
  }

  private Map<Key, Map<String, String>> known(String run) {
    if (read.add(run)) {
      rows(run).forEach(this::remember);
    }
    return done;
  }

  private void remember(Row row) {
    done.put(new Key(Stages.RUN_ID.of(row), Stages.ITERATION.of(row), Stages.STAGE.of(row), Stages.WAVE.of(row)),
        new HashMap<>(row.getJavaMap(row.fieldIndex(Stages.DIGESTS.name()))));
  }
}
