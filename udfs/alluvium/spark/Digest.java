package alluvium.spark;

import alluvium.tables.DataException;
import alluvium.tables.Field;
import alluvium.tables.Table;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.CatalystTypeConverters;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.SpecializedGetters;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.catalyst.util.MapData;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DoubleType;
import org.apache.spark.sql.types.FloatType;
import org.apache.spark.sql.types.IntegerType;
import org.apache.spark.sql.types.LongType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * The digest of a set of rows, whatever their order and partitions, on executors or on the driver.
 *
 * <pre>  high = sum_i h_i,  low = sum_i l_i  (mod 2^64),  (h_i, l_i) = first 16 bytes of SHA-256(row i) </pre>
 *
 * A row's columns count by position, type and value: floats by their bits, except that all NaN are one, so 0.0 and -0.0
 * differ; maps by sorted keys. A row that comes twice counts twice. Columns that a table leaves out of digests, and
 * timestamps, do not count. No rows: all zero.
 *
 * @param rows how many
 * @param high sum of the upper halves
 * @param low sum of the lower halves
 */
public record Digest(long rows, long high, long low) implements Serializable {
  public static final Digest EMPTY = new Digest(0, 0, 0);
  private static final Pattern SPELLING = Pattern.compile("(\\d{1,18})-([0-9a-f]{16})([0-9a-f]{16})");

  /** The digest of rows that have a table's columns in any order; evaluates them once. */
  public static Digest of(Dataset<Row> rows, Table table) {
    StructType schema = rows.schema();
    int[] columns = columns(table).mapToInt(f -> schema.fieldIndex(f.name())).toArray();
    return rows.queryExecution().toRdd().toJavaRDD()
        .mapPartitions(part -> List.of(of(part, columns, schema)).iterator()).collect().stream()
        .reduce(EMPTY, Digest::plus);
  }

  /** The digest of rows with a table's columns in its order. */
  public static Digest of(List<Row> rows, Table table) {
    scala.Function1<Object, Object> inner = CatalystTypeConverters.createToCatalystConverter(table.schema());
    return of(rows.stream().map(row -> (InternalRow) inner.apply(row)).iterator(), positions(table), table.schema());
  }

  /** The digest of both sets of rows together. */
  public Digest plus(Digest other) {
    return new Digest(rows + other.rows, high + other.high, low + other.low);
  }

  /** The number of rows and 32 hexadecimal digits. */
  public String text() {
    return String.format("%d-%016x%016x", rows, high, low);
  }

  /** The digest that a text of {@link #text} spells. */
  public static Digest parse(String text) {
    Matcher spelled = SPELLING.matcher(text);
    if (!spelled.matches()) {
      throw new DataException("'%s' is no digest: a number of rows, a dash and 32 hexadecimal digits", text);
    }
    return new Digest(Long.parseLong(spelled.group(1)), Long.parseUnsignedLong(spelled.group(2), 16),
        Long.parseUnsignedLong(spelled.group(3), 16));
  }

  /** Where in a table's rows the columns that count are. */
  static int[] positions(Table table) {
    return columns(table).mapToInt(table.fields()::indexOf).toArray();
  }

  /** One row, of which the columns at these positions count, in this order. */
  static Digest of(InternalRow row, int[] columns, StructType schema) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1024);
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      for (int column : columns) {
        write(row, column, schema.fields()[column].dataType(), out);
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    ByteBuffer hash = ByteBuffer.wrap(sha256().digest(bytes.toByteArray()));
    return new Digest(1, hash.getLong(), hash.getLong());
  }

  private static Stream<Field> columns(Table table) {
    return table.fields().stream()
        .filter(f -> !table.undigested().contains(f) && !f.type().equals(Field.TIMESTAMP));
  }

  private static Digest of(Iterator<InternalRow> rows, int[] columns, StructType schema) {
    Digest sum = EMPTY;
    while (rows.hasNext()) {
      sum = sum.plus(of(rows.next(), columns, schema));
    }
    return sum;
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A tag per type, and a length before whatever has one, so that no two different rows have the same bytes. */
  private static void write(SpecializedGetters values, int at, DataType type, DataOutputStream out) throws IOException {
    if (values.isNullAt(at)) {
      out.writeByte('0');
    } else if (type instanceof StringType) {
      write(values.getUTF8String(at), out);
    } else if (type instanceof IntegerType) {
      out.writeByte('i');
      out.writeInt(values.getInt(at));
    } else if (type instanceof LongType) {
      out.writeByte('l');
      out.writeLong(values.getLong(at));
    } else if (type instanceof FloatType) {
      out.writeByte('f');
      out.writeInt(Float.floatToIntBits(values.getFloat(at)));
    } else if (type instanceof DoubleType) {
      out.writeByte('d');
      out.writeLong(Double.doubleToLongBits(values.getDouble(at)));
    } else if (type instanceof BooleanType) {
      out.writeByte(values.getBoolean(at) ? 't' : 'n');
    } else {
      writeMany(values, at, type, out);
    }
  }

  private static void writeMany(SpecializedGetters values, int at, DataType type, DataOutputStream out)
      throws IOException {
    if (type instanceof ArrayType array) {
      ArrayData elements = values.getArray(at);
      out.writeByte('a');
      out.writeInt(elements.numElements());
      for (int i = 0; i < elements.numElements(); i++) {
        write(elements, i, array.elementType(), out);
      }
    } else if (type instanceof StructType struct) {
      InternalRow row = values.getStruct(at, struct.size());
      out.writeByte('r');
      out.writeInt(struct.size());
      for (int i = 0; i < struct.size(); i++) {
        write(row, i, struct.fields()[i].dataType(), out);
      }
    } else if (type instanceof MapType map && map.keyType() instanceof StringType) {
      MapData entries = values.getMap(at);
      SortedMap<UTF8String, Integer> sorted = new TreeMap<>();
      for (int i = 0; i < entries.numElements(); i++) {
        sorted.put(entries.keyArray().getUTF8String(i), i);
      }
      out.writeByte('m');
      out.writeInt(sorted.size());
      for (Map.Entry<UTF8String, Integer> entry : sorted.entrySet()) {
        write(entry.getKey(), out);
        write(entries.valueArray(), entry.getValue(), map.valueType(), out);
      }
    } else {
      throw new DataException("a digest knows no %s; leave the column out of digests", type.catalogString());
    }
  }

  private static void write(UTF8String text, DataOutputStream out) throws IOException {
    byte[] bytes = text.getBytes();
    out.writeByte('s');
    out.writeInt(bytes.length);
    out.write(bytes);
  }
}
