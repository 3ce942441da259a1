package alluvium.policies.jinja;

import java.util.AbstractList;
import java.util.RandomAccess;

/** Python's range: start, start + step, ... before stop. */
final class Range extends AbstractList<Object> implements RandomAccess {
  /** Longest range that a sandboxed template may ask for. */
  static final int LONGEST = 100_000;

  private final long start;
  private final long stop;
  private final long step;
  private final int size;

  Range(long start, long stop, long step) {
    if (step == 0) {
      throw new Fault("range() needs a step other than 0");
    }
    double count = step > 0 ? Math.ceil(((double) stop - start) / step) : Math.ceil(((double) start - stop) / -step);
    if (count > LONGEST) {
      throw new Fault("range(%s, %s, %s) is longer than %s", start, stop, step, LONGEST);
    }
    this.start = start;
    this.stop = stop;
    this.step = step;
    this.size = (int) Math.max(0, count);
  }

  @Override
  public Object get(int index) {
    return start + index * step;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public String toString() {
    return step == 1 ? "range(" + start + ", " + stop + ")" : "range(" + start + ", " + stop + ", " + step + ")";
  }
}
