package alluvium.spark;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.function.Function;
import org.apache.spark.sql.Row;

/** Cuts rows in which those of one key follow each other into lists, one per key; holds one list at a time. */
final class SortedGroups implements Iterator<List<Row>> {
  private final Iterator<Row> rows;
  private final Function<Row, String> key;
  private final Deque<Row> ahead = new ArrayDeque<>(1);

  SortedGroups(Iterator<Row> rows, Function<Row, String> key) {
    this.rows = rows;
    this.key = key;
  }

  @Override
  public boolean hasNext() {
    return !ahead.isEmpty() || rows.hasNext();
  }

  @Override
  public List<Row> next() {
    List<Row> group = new ArrayList<>();
    group.add(ahead.isEmpty() ? rows.next() : ahead.remove());
    String common = key.apply(group.get(0));
    while (ahead.isEmpty() && rows.hasNext()) {
      Row row = rows.next();
      (key.apply(row).equals(common) ? group : ahead).add(row);
    }
    return group;
  }
}
