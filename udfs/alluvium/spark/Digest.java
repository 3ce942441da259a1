package alluvium.spark;

import alluvium.tables.DataException;
import alluvium.tables.Field;
import alluvium.tables.Table;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import scala.collection.JavaConverters;

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

  /** The digest of rows that have a table's columns in any order; evaluates them once. */
  public static Digest of(Dataset<Row> rows, Table table) {
    int[] columns = columns(table).mapToInt(f -> rows.schema().fieldIndex(f.name())).toArray();
    return rows.mapPartitions(new OfPartition(columns), Encoders.BINARY()).collectAsList().stream()
        .map(Digest::decoded).reduce(EMPTY, Digest::plus);
  }

  /** The digest of rows with a table's columns in its order. */
  public static Digest of(List<Row> rows, Table table) {
    return of(rows.iterator(), positions(table));
  }

  /** The digest of both sets of rows together. */
  public Digest plus(Digest other) {
    return new Digest(rows + other.rows, high + other.high, low + other.low);
  }

  /** The number of rows and 32 hexadecimal digits. */
  public String text() {
    return String.format("%d-%016x%016x", rows, high, low);
  }

  /** Where in a table's rows the columns that count are. */
  static int[] positions(Table table) {
    return columns(table).mapToInt(table.fields()::indexOf).toArray();
  }

  /** One row, of which the columns at these positions count, in this order. */
  static Digest of(Row row, int[] columns) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      for (int column : columns) {
        write(row.get(column), out);
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

  private static Digest of(Iterator<Row> rows, int[] columns) {
    Digest sum = EMPTY;
    while (rows.hasNext()) {
      sum = sum.plus(of(rows.next(), columns));
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

  private byte[] encoded() {
    return ByteBuffer.allocate(24).putLong(rows).putLong(high).putLong(low).array();
  }

  private static Digest decoded(byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    return new Digest(buffer.getLong(), buffer.getLong(), buffer.getLong());
  }

  /** A tag per type, and a length before whatever has one, so that no two different rows have the same bytes. */
  private static void write(Object value, DataOutputStream out) throws IOException {
    if (value == null) {
      out.writeByte('0');
    } else if (value instanceof String text) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      out.writeByte('s');
      out.writeInt(bytes.length);
      out.write(bytes);
    } else if (value instanceof Integer number) {
      out.writeByte('i');
      out.writeInt(number);
    } else if (value instanceof Long number) {
      out.writeByte('l');
      out.writeLong(number);
    } else if (value instanceof Float number) {
      out.writeByte('f');
      out.writeInt(Float.floatToIntBits(number));
    } else if (value instanceof Double number) {
      out.writeByte('d');
      out.writeLong(Double.doubleToLongBits(number));
    } else if (value instanceof Boolean flag) {
      out.writeByte(flag ? 't' : 'n');
    } else if (value instanceof Row row) {
      out.writeByte('r');
      out.writeInt(row.length());
      for (int i = 0; i < row.length(); i++) {
        write(row.get(i), out);
      }
    } else {
      writeMany(value, out);
    }
  }

  private static void writeMany(Object value, DataOutputStream out) throws IOException {
    if (value instanceof scala.collection.Seq<?> sequence) {
      writeAll(JavaConverters.seqAsJavaList(sequence), out);
    } else if (value instanceof List<?> list) {
      writeAll(list, out);
    } else if (value instanceof scala.collection.Map<?, ?> map) {
      writeSorted(JavaConverters.mapAsJavaMap(map), out);
    } else if (value instanceof Map<?, ?> map) {
      writeSorted(map, out);
    } else {
      throw new DataException("a digest knows no %s; leave the column out of digests", value.getClass().getName());
    }
  }

  private static void writeAll(List<?> values, DataOutputStream out) throws IOException {
    out.writeByte('a');
    out.writeInt(values.size());
    for (Object value : values) {
      write(value, out);
    }
  }

  private static void writeSorted(Map<?, ?> map, DataOutputStream out) throws IOException {
    Map<String, Object> sorted = new TreeMap<>();
    map.forEach((key, value) -> sorted.put((String) key, value));
    out.writeByte('m');
    out.writeInt(sorted.size());
    for (Map.Entry<String, Object> entry : sorted.entrySet()) {
      write(entry.getKey(), out);
      write(entry.getValue(), out);
    }
  }

  private record OfPartition(int[] columns) implements MapPartitionsFunction<Row, byte[]> {
    @Override
    public Iterator<byte[]> call(Iterator<Row> rows) {
      return List.of(of(rows, columns).encoded()).iterator();
    }
  }
}
