package alluvium.spark;

import alluvium.tables.DataException;
import alluvium.tables.Field;
import alluvium.tables.Rollouts;
import alluvium.tables.Table;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.delta.tables.DeltaTable;
import io.delta.tables.DeltaTableBuilder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.DataFrameWriter;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.delta.DeltaLog;
import org.apache.spark.sql.delta.Snapshot;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;
import scala.Option;

/**
 * The tables of Alluvium under one path, or in one schema of a catalog. A table is made when it is first asked for. Every
 * write is one Delta commit under a key, and happens once however often it is tried.
 */
public final class Lake {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final long ROWS_PER_FILE = 500_000;

  private final SparkSession spark;
  private final String location;
  private final boolean named;
  private final Set<String> open = new HashSet<>();

  private Lake(SparkSession spark, String location) {
    this.spark = spark;
    this.location = location;
    this.named = !location.contains("/") && !location.contains(":");
  }

  /**
   * Opens the tables at a location.
   *
   * @param location a Hadoop path, under which each table is a folder; or schema or catalog.schema, without / and :
   */
  public static Lake open(SparkSession spark, String location) {
    return new Lake(spark, location.endsWith("/") ? location.substring(0, location.length() - 1) : location);
  }

  public SparkSession spark() {
    return spark;
  }

  /** What FROM needs in SQL. */
  public String sqlName(Table table) {
    return named ? location + "." + table.name() : "delta.`" + place(table) + "`";
  }

  /** The newest rows. */
  public Dataset<Row> read(Table table) {
    ensure(table);
    return named ? spark.read().table(place(table)) : spark.read().format("delta").load(place(table));
  }

  /** The rows at a version. */
  public Dataset<Row> read(Table table, long version) {
    ensure(table);
    var reader = spark.read().format("delta").option("versionAsOf", version);
    return named ? reader.table(place(table)) : reader.load(place(table));
  }

  /** The newest rows of one iteration of one run. */
  public Dataset<Row> read(Table table, String run, int iteration) {
    return read(table).filter(Rollouts.RUN_ID.col().equalTo(run).and(Rollouts.ITERATION.col().equalTo(iteration)));
  }

  /** The newest version. */
  public long version(Table table) {
    ensure(table);
    return snapshot(table).version();
  }

  /** Appends rows that executors hold; they are evaluated several times, so they should be cached. */
  public Commit append(Table table, Dataset<Row> rows, CommitKey key) {
    ensure(table);
    Dataset<Row> ordered = ordered(table, rows);
    Digest digest = Digest.of(ordered, table);
    int files = (int) Math.max(1, digest.rows() / ROWS_PER_FILE);
    return commit(table, files < ordered.javaRDD().getNumPartitions() ? ordered.coalesce(files) : ordered, digest, key);
  }

  /** Appends rows that the driver holds. */
  public Commit append(Table table, List<Row> rows, CommitKey key) {
    ensure(table);
    Dataset<Row> data = spark.createDataFrame(rows, table.schema());
    return commit(table, data.coalesce(1), Digest.of(data, table), key);
  }

  /** The folder beside the tables in which the files of policies lie. */
  String folders() {
    if (!named) {
      return location + "/_policy_files";
    }
    ensure(alluvium.tables.Policies.TABLE);
    return log(alluvium.tables.Policies.TABLE).dataPath().getParent() + "/_policy_files";
  }

  private Commit commit(Table table, Dataset<Row> rows, Digest digest, CommitKey key) {
    String application = key.application(table.name());
    Snapshot before = snapshot(table);
    Option<Object> known = before.transactions().get(application);
    if (known.isDefined() && (Long) known.get() >= key.number()) {
      return new Commit(before.version(), digest.rows(), digest.text(), true);
    }
    DataFrameWriter<Row> writer = rows.write().format("delta").mode("append").option("txnAppId", application)
        .option("txnVersion", key.number()).option("userMetadata", json(key));
    if (named) {
      writer.saveAsTable(place(table));
    } else {
      writer.save(place(table));
    }
    return new Commit(log(table).unsafeVolatileSnapshot().version(), digest.rows(), digest.text(), false);
  }

  private static String json(CommitKey key) {
    try {
      return JSON.writeValueAsString(key.metadata());
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  private Dataset<Row> ordered(Table table, Dataset<Row> rows) {
    Set<String> given = new HashSet<>(List.of(rows.columns()));
    Set<String> wanted = new HashSet<>(table.fields().stream().map(Field::name).toList());
    if (!given.equals(wanted)) {
      throw new DataException("%s: the rows have the columns %s, the table has %s", table.name(), given, wanted);
    }
    return rows.select(table.fields().stream().map(Field::col).toArray(Column[]::new));
  }

  private synchronized void ensure(Table table) {
    if (!open.add(table.name())) {
      return;
    }
    if (named ? spark.catalog().tableExists(place(table)) : DeltaTable.isDeltaTable(spark, place(table))) {
      check(table);
      return;
    }
    DeltaTableBuilder builder = DeltaTable.createIfNotExists(spark).addColumns(table.schema())
        .partitionedBy(table.partitions().stream().map(Field::name).toArray(String[]::new)).comment(table.doc())
        .property("delta.appendOnly", String.valueOf(table.appendOnly()))
        .property("delta.dataSkippingNumIndexedCols", "0").property("delta.checkpointInterval", "100");
    table.checks().forEach((name, condition) -> builder.property("delta.constraints." + name, condition));
    (named ? builder.tableName(place(table)) : builder.location(place(table))).execute();
  }

  private void check(Table table) {
    StructType found = snapshot(table).schema();
    for (Field field : table.fields()) {
      if (!List.of(found.fieldNames()).contains(field.name())) {
        throw new DataException("%s: the table at %s has no column %s; it was made by another version. Use another lake, or"
            + " add the column.", table.name(), place(table), field.name());
      }
      DataType type = found.apply(field.name()).dataType();
      if (!type.asNullable().equals(field.type().asNullable())) {
        throw new DataException("%s: column %s at %s is %s, not %s. Use another lake.", table.name(), field.name(),
            place(table), type.simpleString(), field.type().simpleString());
      }
    }
  }

  private Snapshot snapshot(Table table) {
    return log(table).update(false, Option.empty(), Option.empty());
  }

  private DeltaLog log(Table table) {
    if (named) {
      return DeltaTable.forName(spark, place(table)).deltaLog();
    }
    return DeltaLog.forTable(spark, place(table));
  }

  private String place(Table table) {
    return named ? location + "." + table.name() : location + "/" + table.name();
  }
}
