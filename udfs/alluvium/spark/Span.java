package alluvium.spark;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/**
 * A stretch of a machine's clock in which a task computed. For people's eyes only: no result depends on it.
 *
 * @param startMicros since the epoch
 * @param endMicros since the epoch
 */
public record Span(long startMicros, long endMicros) implements Serializable {
  /** Micros since the epoch. */
  static long now() {
    return System.currentTimeMillis() * 1000;
  }

  /** Seconds in which at least one of the spans was under way. */
  public static double seconds(Collection<Span> spans) {
    List<Span> sorted = new ArrayList<>(spans);
    sorted.sort(Comparator.comparingLong(Span::startMicros));
    long total = 0;
    long reached = Long.MIN_VALUE;
    for (Span span : sorted) {
      long from = Math.max(span.startMicros, reached);
      if (span.endMicros > from) {
        total += span.endMicros - from;
        reached = span.endMicros;
      }
    }
    return total / 1e6;
  }
}
