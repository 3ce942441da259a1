package alluvium.spark;

import java.util.Comparator;
import java.util.stream.Stream;
import org.apache.spark.Partitioner;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * Where sums over a batch's groups are cut: each group belongs to one bucket by the hash of its key, whatever the
 * partitions. Sums run over a bucket's groups in the order of their keys, on executors, and over the buckets in their
 * order, on the driver, which so receives {@link #COUNT} numbers however many groups there are.
 *
 * <pre>  bucket = Murmur3(UTF-8 of the key, seed 42) mod 1024,  0 <= bucket < 1024 </pre>
 */
final class Buckets extends Partitioner {
  static final int COUNT = 1024;
  /** By bucket, then by the bytes of the key: as SQL sorts. */
  static final Comparator<String> ORDER = Comparator.<String>comparingInt(Buckets::of)
      .thenComparing(UTF8String::fromString);

  private static final long serialVersionUID = 1L;
  private static final int PER_SPLIT = 4;    // a split is 128 MiB of a file at most, rows are larger than in files

  private final int slices;

  Buckets(int slices) {
    this.slices = slices;
  }

  static int of(String key) {
    return Math.floorMod(UTF8String.fromString(key).hashCode(), COUNT);
  }

  /** The same of a column of keys. */
  static Column of(Column key) {
    return functions.pmod(functions.hash(key), functions.lit(COUNT));
  }

  /** Partitions into which rows of tables are shuffled: as many as their files' size asks for, and at least so many. */
  @SafeVarargs
  static int slices(int least, Dataset<Row>... read) {
    int splits = Stream.of(read).mapToInt(rows -> rows.javaRDD().getNumPartitions()).sum();
    return Math.max(least, PER_SPLIT * splits);
  }

  @Override
  public int numPartitions() {
    return slices;
  }

  @Override
  public int getPartition(Object key) {
    return of((String) key) % slices;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Buckets buckets && buckets.slices == slices;
  }

  @Override
  public int hashCode() {
    return slices;
  }
}
