package alluvium.spark;

import alluvium.tables.Rollouts;
import alluvium.tables.Table;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.CatalystTypeConverters;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.delta.Snapshot;
import org.apache.spark.sql.delta.actions.AddFile;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * The rows of one run in a table that has few of them, as the driver holds them from one look to the next. Data files
 * never change, so a newer version costs no more than the files that it added; where it took some away, all are read
 * again. A few small files are read right here, many of them in a job of Spark's.
 */
final class RunRows {
  private static final int FEW_FILES = 100;
  private static final long SMALL_BYTES = 16L << 20;

  private final DeltaTransactions transactions;
  private final Table table;
  private final String run;
  private final int fewFiles;
  private final Set<String> seen = new HashSet<>();
  private final List<Row> rows = new ArrayList<>();

  RunRows(DeltaTransactions transactions, Table table, String run) {
    this(transactions, table, run, FEW_FILES);
  }

  RunRows(DeltaTransactions transactions, Table table, String run, int fewFiles) {
    this.transactions = transactions;
    this.table = table;
    this.run = run;
    this.fewFiles = fewFiles;
  }

  /** The newest ones. */
  synchronized List<Row> newest() {
    Snapshot now = transactions.snapshot();
    List<AddFile> files = transactions.files(now);
    Set<String> paths = new HashSet<>();
    files.forEach(file -> paths.add(file.path()));
    boolean whole = files.stream().allMatch(file -> Optional.ofNullable(file.deletionVector()).isEmpty());
    if (!paths.containsAll(seen) || !whole) {
      seen.clear();
      rows.clear();
    }
    List<AddFile> added = files.stream().filter(file -> !seen.contains(file.path())).toList();
    boolean small = added.size() <= fewFiles && added.stream().mapToLong(AddFile::size).sum() <= SMALL_BYTES;
    rows.addAll(small && whole && table.partitions().isEmpty() ? here(now, added)
        : Lake.columns(table, transactions.rows(now, added)).filter(Rollouts.RUN_ID.col().equalTo(run))
            .collectAsList());
    if (whole) {
      seen.addAll(paths);
    }
    return List.copyOf(rows);
  }

  private List<Row> here(Snapshot now, List<AddFile> files) {
    int key = table.schema().fieldIndex(Rollouts.RUN_ID.name());
    UTF8String wanted = UTF8String.fromString(run);
    scala.Function1<Object, Object> outer = CatalystTypeConverters.createToScalaConverter(table.schema());
    List<Row> found = new ArrayList<>();
    transactions.each(now, files, (InternalRow row) -> {
      if (row.getUTF8String(key).equals(wanted)) {
        found.add((Row) outer.apply(row));
      }
    });
    return found;
  }
}
