package alluvium.spark;

import alluvium.tables.DataException;
import alluvium.tables.Field;
import alluvium.tables.Table;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DoubleType;
import org.apache.spark.sql.types.FloatType;
import org.apache.spark.sql.types.IntegerType;
import org.apache.spark.sql.types.LongType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StringType;

/** Rows of a table as bytes, and back: plain values, so that reading them runs no code of theirs. */
final class RowBytes {
  private RowBytes() {}

  /** Writes how many rows there are, and then each one's columns in the table's order. */
  static void write(List<Row> rows, Table table, DataOutputStream out) throws IOException {
    out.writeInt(rows.size());
    for (Row row : rows) {
      for (Field field : table.fields()) {
        out.writeBoolean(!field.absentIn(row));
        if (!field.absentIn(row)) {
          write(field.isArray() ? row.getList(row.fieldIndex(field.name())) : field.isMap()
              ? row.getJavaMap(row.fieldIndex(field.name())) : field.of(row), field.type(), out);
        }
      }
    }
  }

  /** Reads what {@link #write} wrote. Lengths are believed: whoever reads checks a digest of the bytes first. */
  static List<Row> read(Table table, DataInputStream in) throws IOException {
    Row[] rows = new Row[in.readInt()];
    for (int i = 0; i < rows.length; i++) {
      Map<Field, Object> values = new HashMap<>();
      for (Field field : table.fields()) {
        if (in.readBoolean()) {
          values.put(field, read(field.type(), in));
        }
      }
      rows[i] = table.row(values);
    }
    return List.of(rows);
  }

  private static void write(Object value, DataType type, DataOutputStream out) throws IOException {
    if (type instanceof StringType) {
      byte[] bytes = ((String) value).getBytes(StandardCharsets.UTF_8);
      out.writeInt(bytes.length);
      out.write(bytes);
    } else if (type instanceof IntegerType) {
      out.writeInt((Integer) value);
    } else if (type instanceof LongType) {
      out.writeLong((Long) value);
    } else if (type instanceof FloatType) {
      out.writeFloat((Float) value);
    } else if (type instanceof DoubleType) {
      out.writeDouble((Double) value);
    } else if (type instanceof BooleanType) {
      out.writeBoolean((Boolean) value);
    } else if (type instanceof ArrayType array) {
      List<?> elements = (List<?>) value;
      out.writeInt(elements.size());
      for (Object element : elements) {
        write(element, array.elementType(), out);
      }
    } else if (type instanceof MapType map) {
      Map<?, ?> entries = (Map<?, ?>) value;
      out.writeInt(entries.size());
      for (Map.Entry<?, ?> entry : entries.entrySet()) {
        write(entry.getKey(), map.keyType(), out);
        write(entry.getValue(), map.valueType(), out);
      }
    } else {
      throw new DataException("rows with a %s cannot be kept as bytes", type.catalogString());
    }
  }

  private static Object read(DataType type, DataInputStream in) throws IOException {
    if (type instanceof StringType) {
      return new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
    } else if (type instanceof IntegerType) {
      return in.readInt();
    } else if (type instanceof LongType) {
      return in.readLong();
    } else if (type instanceof FloatType) {
      return in.readFloat();
    } else if (type instanceof DoubleType) {
      return in.readDouble();
    } else if (type instanceof BooleanType) {
      return in.readBoolean();
    } else if (type instanceof ArrayType array) {
      return elements(array.elementType(), in.readInt(), in);
    } else if (type instanceof MapType map) {
      Map<Object, Object> entries = new TreeMap<>();
      int size = in.readInt();
      for (int i = 0; i < size; i++) {
        Object key = read(map.keyType(), in);
        entries.put(key, read(map.valueType(), in));
      }
      return entries;
    }
    throw new DataException("rows with a %s cannot be read from bytes", type.catalogString());
  }

  private static Object elements(DataType type, int size, DataInputStream in) throws IOException {
    if (type instanceof IntegerType) {
      int[] values = new int[size];
      for (int i = 0; i < size; i++) {
        values[i] = in.readInt();
      }
      return values;
    }
    if (type instanceof FloatType) {
      float[] values = new float[size];
      for (int i = 0; i < size; i++) {
        values[i] = in.readFloat();
      }
      return values;
    }
    Object[] values = new Object[size];
    for (int i = 0; i < size; i++) {
      values[i] = read(type, in);
    }
    return values;
  }
}
