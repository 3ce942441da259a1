package alluvium.spark;

import alluvium.tables.DataException;
import alluvium.tables.Table;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.delta.exceptions.ConcurrentTransactionException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.paths.SparkPath;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.delta.DeltaLog;
import org.apache.spark.sql.delta.DeltaOperations;
import org.apache.spark.sql.delta.OptimisticTransaction;
import org.apache.spark.sql.delta.Snapshot;
import org.apache.spark.sql.delta.actions.Action;
import org.apache.spark.sql.delta.actions.AddFile;
import org.apache.spark.sql.delta.actions.FileAction;
import org.apache.spark.sql.delta.actions.SetTransaction;
import org.apache.spark.sql.execution.datasources.FileFormat$;
import org.apache.spark.sql.execution.datasources.PartitionedFile;
import org.apache.spark.sql.sources.Filter;
import org.apache.spark.sql.types.StructType;
import scala.Function1;
import scala.Option;
import scala.collection.Iterator;
import scala.collection.JavaConverters;
import scala.collection.Seq;
import scala.collection.immutable.Map$;

/**
 * The log of one Delta table, used below the level of the data source: that one replays the log in a Spark job for
 * every
 * commit and every read after one (0.3 s on a small machine), where the checksum file beside the newest commit already
 * names the table's files and transactions. Everything else, from constraints to conflicts, is Delta's own transaction.
 */
final class DeltaTransactions {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private static final scala.collection.immutable.Map<String, String> ROWS =
      new scala.collection.immutable.Map.Map1<>(FileFormat$.MODULE$.OPTION_RETURNING_BATCH(), "false");

  private final SparkSession spark;
  private final Table table;
  private final DeltaLog log;

  DeltaTransactions(SparkSession spark, Table table, DeltaLog log) {
    this.spark = spark;
    this.table = table;
    this.log = log;
  }

  Snapshot snapshot() {
    return log.update(false, Option.empty(), Option.empty());
  }

  Path folder() {
    return log.dataPath();
  }

  /** The newest rows; the version stays what it is now, whatever is committed later. */
  Dataset<Row> newest() {
    Snapshot now = snapshot();
    Option<Seq<AddFile>> files = listed(now);
    return files.isDefined() ? log.createDataFrame(now, files.get(), false, Option.empty()) : at(now.version());
  }

  /** The data files of a version. */
  List<AddFile> files(Snapshot version) {
    Option<Seq<AddFile>> files = listed(version);
    return files.isDefined() ? JavaConverters.seqAsJavaList(files.get()) : version.allFiles().collectAsList();
  }

  /** Where they are. */
  Set<Path> places(Snapshot version) {
    Set<Path> places = new HashSet<>();
    files(version).forEach(file -> places.add(file.absolutePath(log)));
    return places;
  }

  /** The rows of some of a version's files. */
  Dataset<Row> rows(Snapshot version, List<AddFile> files) {
    return log.createDataFrame(version, JavaConverters.asScalaBuffer(files), false, Option.empty());
  }

  /**
   * Shows each row of some of a version's files, without a job: Delta's own reader of files, on the driver.
   *
   * @param look gets the table's columns in its order; the row is not its to keep
   */
  void each(Snapshot version, List<AddFile> files, Consumer<InternalRow> look) {
    if (files.isEmpty()) {
      return;
    }
    Function1<PartitionedFile, Iterator<InternalRow>> reader = log.fileFormat(version.protocol(), version.metadata())
        .buildReaderWithPartitionValues(spark, version.schema(), new StructType(), table.schema(),
            JavaConverters.asScalaBuffer(List.<Filter>of()), ROWS, log.newDeltaHadoopConf());
    for (AddFile file : files) {
      Iterator<InternalRow> rows = reader.apply(PartitionedFile.apply(InternalRow.empty(),
          SparkPath.fromPath(file.absolutePath(log)), 0, file.size(), new String[0], file.modificationTime(),
          file.size(), Map$.MODULE$.empty()));
      while (rows.hasNext()) {
        look.accept(rows.next());
      }
    }
  }

  private static Option<Seq<AddFile>> listed(Snapshot snapshot) {
    return snapshot.checksumOpt().isDefined() ? snapshot.checksumOpt().get().allFiles() : Option.empty();
  }

  /** The rows at a version. */
  Dataset<Row> at(long version) {
    return spark.read().format("delta").option("versionAsOf", version).load(log.dataPath().toString());
  }

  /**
   * Commits rows under a key unless that was done before.
   *
   * @param digest of the rows, asked for when they are written
   */
  Commit append(Dataset<Row> rows, Supplier<Digest> digest, CommitKey key) {
    Optional<Commit> earlier = earlier(key);
    if (earlier.isPresent()) {
      return earlier.get();
    }
    String application = key.application(table.name());
    OptimisticTransaction transaction = log.startTransaction(Option.empty(), Option.empty());
    transaction.readTxn().$plus$eq(application);   // whoever commits the same application meanwhile makes this fail
    List<Action> actions = new ArrayList<>();
    actions.add(SetTransaction.apply(application, key.number(), Option.apply(System.currentTimeMillis())));
    Seq<FileAction> files = transaction.writeFiles(rows);
    actions.addAll(JavaConverters.seqAsJavaList(files));
    Digest sum = digest.get();
    try {
      long version = transaction.commit(JavaConverters.asScalaBuffer(actions),
          new DeltaOperations.Write(SaveMode.Append, Option.empty(), Option.empty(), Option.apply(json(key, sum))));
      return new Commit(version, sum.rows(), sum.text(), false);
    } catch (ConcurrentTransactionException e) {
      return earlier(key).orElseThrow(() -> e);
    }
  }

  /** What an earlier commit under the key did. */
  Optional<Commit> earlier(CommitKey key) {
    Snapshot now = snapshot();
    Optional<Long> newest = newestNumber(now, key.application(table.name()));
    return newest.isEmpty() || newest.get() < key.number() ? Optional.empty() : Optional.of(found(now.version(), key));
  }

  static String json(CommitKey key, Digest digest) {
    ObjectNode node = JSON.createObjectNode();
    key.metadata().forEach(node::put);
    node.put("rows", digest.rows());
    node.put("digest", digest.text());
    try {
      return JSON.writeValueAsString(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Optional<Long> newestNumber(Snapshot snapshot, String application) {
    Option<Seq<SetTransaction>> known = snapshot.checksumOpt().isDefined()
        ? snapshot.checksumOpt().get().setTransactions() : Option.empty();
    if (known.isDefined()) {
      return JavaConverters.seqAsJavaList(known.get()).stream().filter(t -> t.appId().equals(application))
          .map(SetTransaction::version).findAny();
    }
    Map<String, Object> replayed = JavaConverters.mapAsJavaMap(snapshot.transactions());
    return Optional.ofNullable((Long) replayed.get(application));
  }

  /** Looks for the key's commit from the newest back: it is among the last ones of a run that was cut off. */
  private Commit found(long newest, CommitKey key) {
    String application = key.application(table.name());
    try {
      FileSystem files = log.logPath().getFileSystem(log.newDeltaHadoopConf());
      for (long version = newest; version >= 0; version--) {
        Path file = new Path(log.logPath(), String.format("%020d.json", version));
        if (!files.exists(file)) {
          break;
        }
        Optional<Commit> commit = commit(files, file, version, application, key.number());
        if (commit.isPresent()) {
          return commit.get();
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(log.logPath() + " cannot be read", e);
    }
    throw new DataException("%s: %s has committed a later number than %d, and no commit of that number is in the log. "
        + "Numbers must rise: use another run or stage to write an earlier iteration again", table.name(), application,
        key.number());
  }

  private static Optional<Commit> commit(FileSystem files, Path file, long version, String application, long number)
      throws IOException {
    boolean hit = false;
    JsonNode metadata = JSON.missingNode();
    try (BufferedReader in = new BufferedReader(new InputStreamReader(files.open(file), StandardCharsets.UTF_8))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        if (!line.startsWith("{\"txn\"") && !line.startsWith("{\"commitInfo\"")) {
          continue;
        }
        JsonNode action = JSON.readTree(line);
        JsonNode txn = action.path("txn");
        hit |= txn.path("appId").asText().equals(application) && txn.path("version").asLong(-1) == number;
        String text = action.path("commitInfo").path("userMetadata").asText();
        metadata = text.startsWith("{") ? JSON.readTree(text) : metadata;
      }
    }
    Commit commit = new Commit(version, metadata.path("rows").asLong(), metadata.path("digest").asText(), true);
    return hit ? Optional.of(commit) : Optional.empty();
  }
}
