package alluvium.spark;

import alluvium.tables.Field;
import alluvium.tables.Table;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.MapType;

/**
 * The digest of a set of rows, whatever their order and partitions: row count, exclusive or, and sums of both halves of
 * the rows' 64-bit hashes. A value changed, a row doubled or left out changes it; clocks and paths do not.
 *
 * @param rows how many
 * @param text 16-digit hexadecimal numbers joined by dashes
 */
public record Digest(long rows, String text) {
  /** The digest of rows of a table. */
  public static Digest of(Dataset<Row> rows, Table table) {
    List<Column> columns = new ArrayList<>();
    for (Field field : table.fields()) {
      if (!table.undigested().contains(field)) {
        columns.add(field.type() instanceof MapType ? functions.array_sort(functions.map_entries(field.col()))
            : field.col());
      }
    }
    Column hash = functions.xxhash64(columns.toArray(Column[]::new));
    Row all = rows.agg(functions.count(functions.lit(1)), functions.expr("0"), functions.bit_xor(hash),
        functions.sum(hash.bitwiseAND(functions.lit(0xFFFFFFFFL))),
        functions.sum(functions.shiftrightunsigned(hash, 32))).first();
    long count = all.getLong(0);
    return count == 0 ? new Digest(0, "empty")
        : new Digest(count, String.format("%d-%016x-%016x-%016x", count, all.getLong(2), all.getLong(3), all.getLong(4)));
  }
}
