package alluvium.spark;

import alluvium.tables.DataException;
import alluvium.tables.Field;
import alluvium.tables.Policies;
import alluvium.tables.Rollouts;
import alluvium.tables.Table;
import io.delta.tables.DeltaTable;
import io.delta.tables.DeltaTableBuilder;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.delta.DeltaLog;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;

/**
 * The tables of Alluvium under one path, or in one schema of a catalog. A table is made when it is first asked for, one
 * that is there is compared with its definition. Every write is one Delta commit under a key, and happens once however
 * often it is tried. Safe for several threads.
 */
public final class Lake {
  private static final long BYTES_PER_FILE = 128L << 20;
  private static final long UNKNOWN_BYTES = 1L << 50;
  private static final String LOG_RETENTION = "interval 3650 days";    // the manifest names versions for good
  private static final int CREATION_LOOKS = 20;
  private static final long CREATION_MILLIS = 100;
  private static final String CATALOG = "spark.sql.catalogImplementation";

  private final SparkSession spark;
  private final String location;
  private final boolean named;
  private final Map<String, DeltaTransactions> open = new HashMap<>();
  private final Map<List<String>, RunRows> held = new HashMap<>();

  private Lake(SparkSession spark, String location) {
    this.spark = spark;
    this.location = location;
    this.named = !location.contains("/") && !location.contains(":");
  }

  /**
   * Opens the tables at a location; touches none of them.
   *
   * @param location a Hadoop path, under which each table is a folder, where relative from the working directory; or
   *     schema or catalog.schema, without / and :; a lone schema needs a catalog that keeps it
   */
  public static Lake open(SparkSession spark, String location) {
    if (location.isBlank()) {
      throw new DataException("a lake needs a path or a schema, got '%s'", location);
    }
    if (location.matches("[^./:]+") && spark.conf().get(CATALOG, "").equals("in-memory")) {
      throw new DataException("the lake %s names a schema, and the catalog of this session forgets it at the end. For "
          + "a folder write ./%s", location, location);
    }
    String trimmed = location.replaceAll("(?<=[^/:])/+$", "").replaceFirst("^spark_catalog\\.(?=[^./:]+$)", "");
    boolean relative = location.contains("/") && !location.contains(":") && !location.startsWith("/");
    boolean schemed = trimmed.contains(":") && trimmed.contains("/");
    return new Lake(LakeSession.checked(spark), relative ? qualified(spark, trimmed)
        : schemed ? new Path(trimmed).toString() : trimmed);    // file:///x is file:/x to Delta
  }

  private static String qualified(SparkSession spark, String location) {
    Path path = new Path(location);
    try {
      return path.getFileSystem(spark.sessionState().newHadoopConf()).makeQualified(path).toString();
    } catch (IOException e) {
      throw new DataException("the lake %s cannot be opened: %s. Give a path with its file system", location,
          e.getMessage());
    }
  }

  public SparkSession spark() {
    return spark;
  }

  /** What FROM needs in SQL. */
  public String sqlName(Table table) {
    return named ? place(table) : "delta.`" + place(table) + "`";
  }

  /** Whether the table has been made. */
  public synchronized boolean holds(Table table) {
    return open.containsKey(table.name()) || there(table);
  }

  /** The newest rows, pinned to the version that is the newest now. */
  public Dataset<Row> read(Table table) {
    return columns(table, transactions(table).newest());
  }

  /** The rows at a version. */
  public Dataset<Row> read(Table table, long version) {
    DeltaTransactions transactions = transactions(table);
    return columns(table,
        version == transactions.snapshot().version() ? transactions.newest() : transactions.at(version));
  }

  /** The newest rows of one iteration of one run, pinned likewise. */
  public Dataset<Row> read(Table table, String run, int iteration) {
    return read(table).filter(ofIteration(run, iteration));
  }

  /** The newest rows of one run, on the driver: of a table that has few of them. Only what is new since is read. */
  public List<Row> rows(Table table, String run) {
    DeltaTransactions transactions = transactions(table);
    RunRows rows;
    synchronized (held) {
      rows = held.computeIfAbsent(List.of(table.name(), run), k -> new RunRows(transactions, table, run));
    }
    return rows.newest();
  }

  /** The newest version. */
  public long version(Table table) {
    return transactions(table).snapshot().version();
  }

  /**
   * Appends rows that executors hold. They are evaluated once, in one job that writes, counts and digests them, and
   * in as
   * few tasks as files are worth writing: materialise what is dear to compute.
   */
  public Commit append(Table table, Dataset<Row> rows, CommitKey key) {
    DeltaTransactions transactions = transactions(table);
    Dataset<Row> ordered = ordered(table, rows);
    PartDigests digests = new PartDigests();
    spark.sparkContext().register(digests);
    PartDigests.Tap tap = new PartDigests.Tap(Digest.positions(table), ordered.schema(), digests);
    JavaRDD<InternalRow> tapped = inFewFiles(ordered).queryExecution().toRdd().toJavaRDD().mapPartitions(tap);
    Dataset<Row> written = spark.internalCreateDataFrame(tapped.rdd(), ordered.schema(), false);
    return transactions.append(written, digests::value, key);
  }

  /** Appends rows that the driver holds, with the table's columns in its order. */
  public Commit append(Table table, List<Row> rows, CommitKey key) {
    for (Row row : rows) {
      if (row.length() != table.fields().size()) {
        throw new DataException("%s: a row has %d columns, the table has %d: %s", table.name(), row.length(),
            table.fields().size(), row);
      }
    }
    Digest digest = Digest.of(rows, table);
    return transactions(table).append(spark.createDataFrame(rows, table.schema()).coalesce(1), () -> digest, key);
  }

  /**
   * Puts rows in the place of an iteration's, in one commit. They are evaluated twice: once to digest them, once to
   * write.
   *
   * @param rows all of that run and iteration
   */
  public Commit replace(Table table, String run, int iteration, Dataset<Row> rows, CommitKey key) {
    if (table.appendOnly()) {
      throw new DataException("%s: rows are never replaced; write iteration %d again under another run", table.name(),
          iteration);
    }
    DeltaTransactions transactions = transactions(table);
    return transactions.earlier(key).orElseGet(() -> {
      Dataset<Row> ordered = ordered(table, rows);
      Digest digest = Digest.of(ordered, table);
      inFewFiles(ordered).write().format("delta").mode("overwrite").option("replaceWhere",
              "run_id = '" + run.replace("\\", "\\\\").replace("'", "\\'") + "' AND iteration = " + iteration)
          .option("txnAppId", key.application(table.name())).option("txnVersion", key.number())
          .option("userMetadata", DeltaTransactions.json(key, digest)).save(transactions.folder().toString());
      Commit done = transactions.earlier(key).orElseThrow();
      return new Commit(done.version(), done.rows(), done.digest(), false);
    });
  }

  /** Makes a table of another lake a shallow clone of this one's newest version, unless it is there. */
  public void cloneInto(Lake other, Table table) {
    transactions(table);
    if (other.named && !spark.catalog().databaseExists(other.location)) {
      spark.sql("CREATE SCHEMA IF NOT EXISTS " + other.location);
    }
    spark.sql("CREATE TABLE IF NOT EXISTS " + other.sqlName(table) + " SHALLOW CLONE " + sqlName(table));
  }

  /** A folder beside the tables for what is no table: its name, which begins with _, is none of a table's. */
  String beside(String folder) {
    return (named ? transactions(Policies.TABLE).folder().getParent().toString() : location) + "/" + folder;
  }

  private static Column ofIteration(String run, int iteration) {
    return Rollouts.RUN_ID.col().equalTo(run).and(Rollouts.ITERATION.col().equalTo(iteration));
  }

  private Dataset<Row> inFewFiles(Dataset<Row> rows) {
    scala.math.BigInt bytes = rows.queryExecution().optimizedPlan().stats().sizeInBytes();
    boolean known = bytes.isValidLong() && bytes.toLong() < UNKNOWN_BYTES;
    long files = known ? bytes.toLong() / BYTES_PER_FILE + 1 : spark.sparkContext().defaultParallelism();
    return rows.coalesce((int) Math.min(files, Integer.MAX_VALUE));
  }

  private static Dataset<Row> ordered(Table table, Dataset<Row> rows) {
    StructType given = rows.schema();
    List<String> wanted = table.fields().stream().map(Field::name).toList();
    if (given.size() != wanted.size() || !new TreeSet<>(List.of(given.fieldNames())).equals(new TreeSet<>(wanted))) {
      throw new DataException("%s: the rows have the columns %s, the table has %s", table.name(),
          List.of(given.fieldNames()), wanted);
    }
    for (Field field : table.fields()) {
      DataType type = given.apply(field.name()).dataType();
      if (!same(type, field.type())) {
        throw new DataException("%s: column %s of the rows is %s, not %s; cast it", table.name(), field.name(),
            type.catalogString(), field.type().catalogString());
      }
    }
    return columns(table, rows);
  }

  static Dataset<Row> columns(Table table, Dataset<Row> rows) {
    return List.of(rows.columns()).equals(table.fields().stream().map(Field::name).toList()) ? rows
        : rows.select(table.fields().stream().map(Field::col).toArray(Column[]::new));
  }

  /** Whether types are the same, whatever may be absent: files do not keep that apart. */
  private static boolean same(DataType left, DataType right) {
    return left.catalogString().equals(right.catalogString());
  }

  private boolean there(Table table) {
    return named ? spark.catalog().tableExists(place(table)) : DeltaTable.isDeltaTable(spark, place(table));
  }

  synchronized DeltaTransactions transactions(Table table) {
    DeltaTransactions known = open.get(table.name());
    if (known != null) {
      return known;
    }
    boolean there = there(table);
    if (!there) {
      if (!named) {
        clearCutOff(table);
      }
      create(table);
    }
    DeltaTransactions opened = new DeltaTransactions(spark, table, log(table));
    if (there) {
      check(table, opened.snapshot().schema());
    }
    open.put(table.name(), opened);
    return opened;
  }

  /**
   * Takes away what is left of a creation that was cut off before the table's first version: empty folders and files
   * under temporary names, which make Delta believe that the table is there. Whoever is creating it just now gets a
   * while to end.
   */
  private void clearCutOff(Table table) {
    Path folder = new Path(place(table), "_delta_log");
    try {
      FileSystem files = folder.getFileSystem(spark.sessionState().newHadoopConf());
      if (!files.exists(folder)) {
        return;
      }
      for (int looks = 0; looks < CREATION_LOOKS; looks++) {
        if (there(table)) {
          return;
        }
        Thread.sleep(CREATION_MILLIS);
      }
      for (FileStatus left : files.listStatus(folder)) {
        if (left.isDirectory() || left.getPath().getName().startsWith(".")) {
          files.delete(left.getPath(), false);
        }
      }
      files.delete(folder, false);
    } catch (IOException e) {
      throw new DataException(e, "%s is neither a table nor what is left of one. Move it away", folder);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private void create(Table table) {
    if (named && !spark.catalog().databaseExists(location)) {
      spark.sql("CREATE SCHEMA IF NOT EXISTS " + location);
    }
    DeltaTableBuilder builder = DeltaTable.createIfNotExists(spark).addColumns(table.schema())
        .partitionedBy(table.partitions().stream().map(Field::name).toArray(String[]::new)).comment(table.doc())
        .property("delta.appendOnly", String.valueOf(table.appendOnly()))
        .property("delta.dataSkippingNumIndexedCols", "0").property("delta.checkpointInterval", "100")
        .property("delta.logRetentionDuration", LOG_RETENTION);
    table.checks().forEach((name, condition) -> builder.property("delta.constraints." + name, condition));
    (named ? builder.tableName(place(table)) : builder.location(place(table))).execute();
  }

  private void check(Table table, StructType found) {
    for (Field field : table.fields()) {
      if (!List.of(found.fieldNames()).contains(field.name())) {
        throw new DataException("%s: the table at %s has no column %s; another version made it. Use another lake, or "
            + "add the column", table.name(), place(table), field.name());
      }
      DataType type = found.apply(field.name()).dataType();
      if (!same(type, field.type())) {
        throw new DataException("%s: column %s of the table at %s is %s, not %s. Use another lake", table.name(),
            field.name(), place(table), type.catalogString(), field.type().catalogString());
      }
    }
  }

  private DeltaLog log(Table table) {
    if (!named) {
      return DeltaLog.forTable(spark, place(table));
    }
    try {
      return DeltaLog.forTable(spark, spark.sessionState().sqlParser().parseTableIdentifier(place(table)));
    } catch (AnalysisException e) {
      throw new DataException(e, "%s is no name of a table in %s", place(table), location);
    }
  }

  private String place(Table table) {
    return named ? location + "." + table.name() : location + "/" + table.name();
  }
}
