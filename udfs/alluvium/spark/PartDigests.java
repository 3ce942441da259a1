package alluvium.spark;

import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.AccumulatorV2;
import scala.Tuple2;

/**
 * The digests of a job's partitions, taken while their rows pass by on the way to a file, so that nothing is evaluated
 * twice. One per partition: a task that is run again replaces what its first run said.
 */
final class PartDigests extends AccumulatorV2<Tuple2<Integer, Digest>, Digest> {
  private static final long serialVersionUID = 1L;

  private final Map<Integer, Digest> parts = new ConcurrentHashMap<>();

  @Override
  public boolean isZero() {
    return parts.isEmpty();
  }

  @Override
  public AccumulatorV2<Tuple2<Integer, Digest>, Digest> copy() {
    PartDigests copy = new PartDigests();
    copy.parts.putAll(parts);
    return copy;
  }

  @Override
  public void reset() {
    parts.clear();
  }

  @Override
  public void add(Tuple2<Integer, Digest> part) {
    parts.put(part._1(), part._2());
  }

  @Override
  public void merge(AccumulatorV2<Tuple2<Integer, Digest>, Digest> other) {
    parts.putAll(((PartDigests) other).parts);
  }

  @Override
  public Digest value() {
    return parts.values().stream().reduce(Digest.EMPTY, Digest::plus);
  }

  /** Lets rows through and reports their digest after the last. */
  record Tap(int[] columns, StructType schema, PartDigests digests)
      implements FlatMapFunction<Iterator<InternalRow>, InternalRow> {
    @Override
    public Iterator<InternalRow> call(Iterator<InternalRow> rows) {
      return new Iterator<>() {
        private Digest sum = Digest.EMPTY;

        @Override
        public boolean hasNext() {
          boolean more = rows.hasNext();
          if (!more) {
            digests.add(new Tuple2<>(TaskContext.getPartitionId(), sum));
          }
          return more;
        }

        @Override
        public InternalRow next() {
          InternalRow row = rows.next();
          sum = sum.plus(Digest.of(row, columns, schema));
          return row;
        }
      };
    }
  }
}
