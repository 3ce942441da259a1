package alluvium.tables;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.expressions.GenericRowWithSchema;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import scala.collection.JavaConverters;
import scala.collection.mutable.WrappedArray;

/**
 * The definition of one Delta table: columns, partitioning, key, row constraints. Immutable; the with-methods return
 * copies.
 *
 * @param name plural noun, the folder or catalog name of the table
 * @param doc what one row is
 * @param fields columns in order
 * @param partitions columns of the directory layout, possibly none
 * @param keys columns that identify a row
 * @param checks name to SQL condition that every row must satisfy
 * @param appendOnly true where rows are never updated or deleted
 * @param undigested columns that say where or when a row was made, not what it is: no digest covers them
 * @param schema the columns as Spark knows them
 */
public record Table(String name, String doc, List<Field> fields, List<Field> partitions, List<Field> keys,
    Map<String, String> checks, boolean appendOnly, List<Field> undigested, StructType schema)
    implements Serializable {

  public static Table of(String name, String doc, Field... fields) {
    List<StructField> columns = new ArrayList<>();
    for (Field field : fields) {
      columns.add(field.struct());
    }
    return new Table(name, doc, List.of(fields), List.of(), List.of(), Map.of(), false, List.of(),
        DataTypes.createStructType(columns));
  }

  public Table partitionedBy(Field... columns) {
    return new Table(name, doc, fields, List.of(columns), keys, checks, appendOnly, undigested, schema);
  }

  public Table keyedBy(Field... columns) {
    return new Table(name, doc, fields, partitions, List.of(columns), checks, appendOnly, undigested, schema);
  }

  /** Adds a row constraint, enforced by Delta at every commit. */
  public Table check(String constraint, String condition) {
    Map<String, String> more = new LinkedHashMap<>(checks);
    more.put(constraint, condition);
    return new Table(name, doc, fields, partitions, keys, more, appendOnly, undigested, schema);
  }

  /** Declares that rows are only ever added. */
  public Table neverUpdated() {
    return new Table(name, doc, fields, partitions, keys, checks, true, undigested, schema);
  }

  /** Leaves columns out of digests: clocks and paths. */
  public Table digestedWithout(Field... columns) {
    return new Table(name, doc, fields, partitions, keys, checks, appendOnly, List.of(columns), schema);
  }

  /**
   * A row of this table. Java arrays, lists and maps stand for Spark's.
   *
   * @param values by column; a nullable column may be left out
   * @throws DataException where a required column has no value, or a value has no column
   */
  public Row row(Map<Field, ?> values) {
    Object[] cells = new Object[fields.size()];
    int used = 0;
    for (int i = 0; i < cells.length; i++) {
      Field field = fields.get(i);
      Object value = values.get(field);
      if (value == null && !field.nullable()) {
        throw new DataException("%s: a row has no %s, which is required", name, field.name());
      }
      used += value == null ? 0 : 1;
      cells[i] = cell(value);
    }
    if (used < values.values().stream().filter(java.util.Objects::nonNull).count()) {
      throw new DataException("%s: a row has %d values, of which %d belong to a column; columns: %s", name,
          values.size(),
          used, fields.stream().map(Field::name).toList());
    }
    return new GenericRowWithSchema(cells, schema);
  }

  private static Object cell(Object value) {
    if (value instanceof List<?> list) {
      return WrappedArray.make(list.toArray());
    }
    if (value instanceof Map<?, ?> map) {
      return JavaConverters.mapAsScalaMap(map);
    }
    return value != null && value.getClass().isArray() ? WrappedArray.make(value) : value;
  }
}
