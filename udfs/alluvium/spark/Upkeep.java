package alluvium.spark;

import alluvium.tables.DataException;
import alluvium.tables.Stages;
import alluvium.tables.Table;
import io.delta.tables.DeltaTable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.delta.Snapshot;
import org.apache.spark.sql.delta.actions.AddFile;

/**
 * Keeps one table of a lake quick and small. Compaction rewrites small files and changes no row: digests, keys of
 * commits and all versions stay. A vacuum deletes the files that compaction or a replacement put out of use, and with
 * them the versions that need those files.
 */
public final class Upkeep {
  private static final long SMALL_BYTES = 64L << 20;
  private static final String MIN_FILE_SIZE = "spark.databricks.delta.optimize.minFileSize";
  private static final String RETENTION_CHECK = "spark.databricks.delta.retentionDurationCheck.enabled";
  private static final String LISTING_TASKS = "spark.sql.sources.parallelPartitionDiscovery.parallelism";
  private static final int LISTINGS_PER_SLOT = 4;    // Spark's own number is 10,000 tasks, however small the table
  private static final Set<String> KEEPING = Set.of("CREATE TABLE", "SET TBLPROPERTIES", "UNSET TBLPROPERTIES",
      "ADD CONSTRAINT", "ADD COLUMNS", "CHANGE COLUMN", "VACUUM START", "VACUUM END");
  private static final String LOG = "/_delta_log/";
  private static final Stored NOTHING = new Stored(0, 0);

  private final Lake lake;
  private final Table table;

  public Upkeep(Lake lake, Table table) {
    this.lake = lake;
    this.table = table;
  }

  /** What a table's folder holds, its log apart. */
  public record Stored(long files, long bytes) {
    public Stored minus(Stored other) {
      return new Stored(files - other.files, bytes - other.bytes);
    }
  }

  /** A version that the manifest says a stage read or wrote. */
  public record Pin(String run, int iteration, String stage, long version) {}

  /** The folder of the table, as Delta's own writer takes it. */
  public String place() {
    return folder().toString();
  }

  /** What is on disk: files of the newest version, of older ones, and of writes that were cut off. */
  public Stored stored() {
    List<LocatedFileStatus> files = onDisk();
    return new Stored(files.size(), files.stream().mapToLong(LocatedFileStatus::getLen).sum());
  }

  private List<LocatedFileStatus> onDisk() {
    try {
      FileSystem files = folder().getFileSystem(spark().sessionState().newHadoopConf());
      List<LocatedFileStatus> found = new ArrayList<>();
      RemoteIterator<LocatedFileStatus> all = files.listFiles(folder(), true);
      while (all.hasNext()) {
        LocatedFileStatus file = all.next();
        if (!file.getPath().toString().contains(LOG)) {
          found.add(file);
        }
      }
      return found;
    } catch (IOException e) {
      throw new UncheckedIOException(folder() + " cannot be read", e);
    }
  }

  /** Whether every file on disk is one of the newest version. */
  private boolean tidy() {
    Set<Path> used = lake.transactions(table).places(newest());
    return onDisk().stream().map(LocatedFileStatus::getPath).allMatch(used::contains);
  }

  /** Files fewer that compaction would leave: those under 64 MiB, but for one in each of Delta's partitions. */
  public long surplus() {
    Map<String, Long> small = new HashMap<>();
    for (AddFile file : lake.transactions(table).files(newest())) {
      if (file.size() < SMALL_BYTES) {
        small.merge(file.partitionValues().toString(), 1L, Long::sum);
      }
    }
    return small.values().stream().mapToLong(n -> n - 1).sum();
  }

  /** Merges small files, where that saves so many of them. Returns how many files it saved. */
  public long compact(long least) {
    long surplus = surplus();
    if (surplus < Math.max(1, least)) {
      return 0;
    }
    with(MIN_FILE_SIZE, String.valueOf(SMALL_BYTES), () -> delta().optimize().executeCompaction().count());
    return surplus - surplus();
  }

  /** Versions that the manifest names and that a vacuum now would make unreadable, the newest first. */
  public List<Pin> endangered(long retainHours) {
    Timestamp before = Timestamp.from(Instant.now().minusSeconds(retainHours * 3600));
    long first = 0;
    for (Row commit : delta().history().collectAsList()) {
      if (commit.getTimestamp(commit.fieldIndex("timestamp")).before(before) && rewrites(commit)) {
        first = Math.max(first, commit.getLong(commit.fieldIndex("version")));
      }
    }
    List<Pin> pins = new ArrayList<>();
    for (Row stage : lake.read(Stages.TABLE).collectAsList()) {
      for (Map<String, Long> named : List.of(stage.<String, Long>getJavaMap(stage.fieldIndex(Stages.INPUTS.name())),
          stage.<String, Long>getJavaMap(stage.fieldIndex(Stages.OUTPUTS.name())))) {
        Optional<Long> version = Optional.ofNullable(named.get(table.name()));
        if (version.isPresent() && version.get() < first) {
          pins.add(new Pin(Stages.RUN_ID.of(stage), Stages.ITERATION.of(stage), Stages.STAGE.of(stage),
              version.get()));
        }
      }
    }
    pins.sort(Comparator.comparingLong(Pin::version).reversed().thenComparing(Pin::run).thenComparing(Pin::stage));
    return pins;
  }

  /** Deletes files out of use for so many hours, unless a version that the manifest names needs one of them. */
  public Stored vacuum(long retainHours) {
    if (tidy()) {
      return NOTHING;
    }
    List<Pin> pins = endangered(retainHours);
    if (!pins.isEmpty()) {
      Pin pin = pins.get(0);
      throw new DataException("%s: a vacuum that retains %d hours ends reading %d versions that the manifest names, "
          + "the newest of them %d, of %s of iteration %d of run %s. Retain more hours, or give those versions up",
          table.name(), retainHours, pins.stream().map(Pin::version).distinct().count(), pin.version(), pin.stage(),
          pin.iteration(), pin.run());
    }
    return vacuumWhateverIsNamed(retainHours);
  }

  /** The same, whoever needs the files: reading older versions ends. */
  public Stored vacuumWhateverIsNamed(long retainHours) {
    if (tidy()) {
      return NOTHING;
    }
    Stored before = stored();
    with(RETENTION_CHECK, "false", () -> with(LISTING_TASKS,
        String.valueOf(LISTINGS_PER_SLOT * spark().sparkContext().defaultParallelism()),
        () -> delta().vacuum(retainHours).count()));
    return before.minus(stored());
  }

  /** Whether a commit puts files out of use. */
  private static boolean rewrites(Row commit) {
    String operation = commit.getString(commit.fieldIndex("operation"));
    Map<String, String> parameters = commit.getJavaMap(commit.fieldIndex("operationParameters"));
    boolean appends = operation.equals("WRITE") && "Append".equals(parameters.get("mode"));
    return !appends && !KEEPING.contains(operation);
  }

  private <T> T with(String setting, String value, Supplier<T> action) {
    scala.Option<String> before = spark().conf().getOption(setting);
    spark().conf().set(setting, value);
    try {
      return action.get();
    } finally {
      if (before.isDefined()) {
        spark().conf().set(setting, before.get());
      } else {
        spark().conf().unset(setting);
      }
    }
  }

  private Snapshot newest() {
    return lake.transactions(table).snapshot();
  }

  private DeltaTable delta() {
    return DeltaTable.forPath(spark(), folder().toString());
  }

  private Path folder() {
    return lake.transactions(table).folder();
  }

  private SparkSession spark() {
    return lake.spark();
  }
}
