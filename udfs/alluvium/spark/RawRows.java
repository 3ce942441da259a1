package alluvium.spark;

import alluvium.tables.DataException;
import java.util.Locale;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Opens a data set as raw rows: lines of JSON as one text column, anything else with its own columns. */
public final class RawRows {
  private RawRows() {}

  /**
   * The rows of a source.
   *
   * @param input path that ends in .jsonl, .json (one object a line) or .parquet, gzip allowed; path of a Delta
   * table; or
   *     table: and a name in the catalog
   */
  public static Dataset<Row> read(SparkSession spark, String input) {
    String name = input.toLowerCase(Locale.ROOT);
    try {
      if (input.startsWith("table:")) {
        return spark.table(input.substring("table:".length()));
      }
      if (name.matches(".*\\.(jsonl|json|ndjson)(\\.gz)?")) {
        return spark.read().text(input);
      }
      if (name.endsWith(".parquet")) {
        return spark.read().parquet(input);
      }
      return spark.read().format("delta").load(input);
    } catch (Exception e) {    // Spark's analysis errors are checked, but not declared
      throw new DataException(e,
      "%s cannot be read: %s Give a .jsonl, .json or .parquet path, the path of a Delta table, or"
          + " table:NAME.", input, String.valueOf(e.getMessage()).lines().findFirst().orElse(""));
    }
  }
}
