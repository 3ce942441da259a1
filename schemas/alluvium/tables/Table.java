package alluvium.tables;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * The definition of one Delta table: columns, partitioning, key, row constraints. Immutable; the with-methods
 * return copies.
 *
 * @param name plural noun, the folder or catalog name of the table
 * @param doc what one row is
 * @param fields columns in order
 * @param partitions columns of the directory layout, possibly none
 * @param keys columns that identify a row
 * @param checks name to SQL condition that every row must satisfy
 * @param appendOnly true where rows are never updated or deleted
 */
public record Table(String name, String doc, List<Field> fields, List<Field> partitions, List<Field> keys,
    Map<String, String> checks, boolean appendOnly) implements Serializable {

  public static Table of(String name, String doc, Field... fields) {
    return new Table(name, doc, List.of(fields), List.of(), List.of(), Map.of(), false);
  }

  public Table partitionedBy(Field... columns) {
    return new Table(name, doc, fields, List.of(columns), keys, checks, appendOnly);
  }

  public Table keyedBy(Field... columns) {
    return new Table(name, doc, fields, partitions, List.of(columns), checks, appendOnly);
  }

  /** Adds a row constraint, enforced by Delta at every commit. */
  public Table check(String constraint, String condition) {
    Map<String, String> more = new LinkedHashMap<>(checks);
    more.put(constraint, condition);
    return new Table(name, doc, fields, partitions, keys, more, appendOnly);
  }

  /** Declares that rows are only ever added. */
  public Table neverUpdated() {
    return new Table(name, doc, fields, partitions, keys, checks, true);
  }

  public StructType schema() {
    List<StructField> columns = new ArrayList<>();
    for (Field field : fields) {
      columns.add(field.struct());
    }
    return DataTypes.createStructType(columns);
  }
}
