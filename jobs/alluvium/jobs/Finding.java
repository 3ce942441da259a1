package alluvium.jobs;

import java.io.Serializable;
import java.util.Locale;

/**
 * What one check of {@link Doctor} found.
 *
 * @param what was looked at
 * @param found what it is, with its number and unit
 * @param wayOut what to do; empty where nothing needs to be done
 */
record Finding(Grade grade, String what, String found, String wayOut) implements Serializable {

  /** A warning is for what works but may not for long, or not for all. */
  enum Grade { OK, WARNING, FAILED }

  static Finding ok(String what, String found, Object... arguments) {
    return new Finding(Grade.OK, what, formatted(found, arguments), "");
  }

  static Finding warning(String what, String wayOut, String found, Object... arguments) {
    return new Finding(Grade.WARNING, what, formatted(found, arguments), wayOut);
  }

  static Finding failed(String what, String wayOut, String found, Object... arguments) {
    return new Finding(Grade.FAILED, what, formatted(found, arguments), wayOut);
  }

  /** One line, and a second one with what to do. */
  String text() {
    String line = String.format("%-8s %-11s %s", grade.name().toLowerCase(Locale.ROOT), what, found);
    return wayOut.isEmpty() ? line : line + String.format("%n%21s%s", "-> ", wayOut);
  }

  private static String formatted(String found, Object... arguments) {
    return arguments.length == 0 ? found : String.format(Locale.ROOT, found, arguments);
  }
}
