package alluvium.tables;

import java.io.Serializable;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StructField;

/**
 * One column of a table: its name, Spark SQL type, whether it may be absent, and what it holds (with its unit).
 *
 * @param name snake_case, as in SQL
 * @param type Spark SQL type
 * @param nullable true where an absent value has a meaning, which the doc gives
 * @param doc one line, stored as the column's comment
 */
public record Field(String name, DataType type, boolean nullable, String doc) implements Serializable {
  public static final DataType STRING = DataTypes.StringType;
  public static final DataType INT = DataTypes.IntegerType;
  public static final DataType LONG = DataTypes.LongType;
  public static final DataType DOUBLE = DataTypes.DoubleType;
  public static final DataType FLOAT = DataTypes.FloatType;
  public static final DataType BOOLEAN = DataTypes.BooleanType;
  public static final DataType TIMESTAMP = DataTypes.TimestampType;

  public static Field required(String name, DataType type, String doc) {
    return new Field(name, type, false, doc);
  }

  public static Field optional(String name, DataType type, String doc) {
    return new Field(name, type, true, doc);
  }

  /** The type of an array without absent elements. */
  public static DataType array(DataType element) {
    return DataTypes.createArrayType(element, false);
  }

  /** The type of a map from strings without absent values. */
  public static DataType map(DataType value) {
    return DataTypes.createMapType(STRING, value, false);
  }

  /** The column in an expression. */
  public Column col() {
    return functions.col(name);
  }

  /** The value in a row of any layout that has this column; an absent value is null. */
  public <T> T of(Row row) {
    return row.getAs(name);
  }

  public boolean absentIn(Row row) {
    return row.isNullAt(row.fieldIndex(name));
  }

  /** Elements of an array column; 0 where absent. */
  public int size(Row row) {
    return absentIn(row) ? 0 : row.getSeq(row.fieldIndex(name)).size();
  }

  /** An array column of ints as a Java array; empty where absent. */
  public int[] ints(Row row) {
    List<Integer> values = list(row);
    int[] result = new int[values.size()];
    for (int i = 0; i < result.length; i++) {
      result[i] = values.get(i);
    }
    return result;
  }

  /** An array column of floats as a Java array; empty where absent. */
  public float[] floats(Row row) {
    List<Float> values = list(row);
    float[] result = new float[values.size()];
    for (int i = 0; i < result.length; i++) {
      result[i] = values.get(i);
    }
    return result;
  }

  /** An array column of doubles as a Java array; empty where absent. */
  public double[] doubles(Row row) {
    List<Double> values = list(row);
    double[] result = new double[values.size()];
    for (int i = 0; i < result.length; i++) {
      result[i] = values.get(i);
    }
    return result;
  }

  StructField struct() {
    return DataTypes.createStructField(name, type, nullable).withComment(doc);
  }

  public boolean isArray() {
    return type instanceof ArrayType;
  }

  public boolean isMap() {
    return type instanceof MapType;
  }

  private <T> List<T> list(Row row) {
    return absentIn(row) ? List.of() : row.getList(row.fieldIndex(name));
  }
}
