package alluvium.jobs;

import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a job tells the person who watches it: lines, and a bar per stage. Goes through the logger alluvium.console. */
final class Console {
  private static final Logger OUT = LoggerFactory.getLogger("alluvium.console");
  private static final int WIDTH = 30;
  private static final boolean TERMINAL = System.console() != null;

  private Console() {}

  static void line(String format, Object... arguments) {
    OUT.info((arguments.length == 0 ? format : String.format(Locale.ROOT, format, arguments)) + "\n");
  }

  /** A bar for work of a known size. On a terminal it grows in place; elsewhere a line is written at each quarter. */
  static final class Bar {
    private final String label;
    private final long total;
    private final long start = System.nanoTime();
    private long quarters = -1;

    Bar(String label, long total) {
      this.label = label;
      this.total = Math.max(1, total);
      at(0, "");
    }

    void at(long done, String note) {
      int filled = (int) (WIDTH * Math.min(done, total) / total);
      double seconds = (System.nanoTime() - start) / 1e9;
      String text = String.format(Locale.ROOT, "%-10s [%s%s] %d/%d %.0f s %s", label, "#".repeat(filled),
          ".".repeat(WIDTH - filled), done, total, seconds, note);
      if (TERMINAL) {
        OUT.info("\r" + text + (done >= total ? "\n" : ""));
      } else if (done >= total || done * 4 / total > quarters) {
        quarters = done * 4 / total;
        OUT.info(text + "\n");
      }
    }
  }
}
