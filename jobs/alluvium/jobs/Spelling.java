package alluvium.jobs;

import java.util.Collection;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** Words for people: the known name nearest to a misspelt one, and text from files made safe to print on one line. */
final class Spelling {
  private static final int LONGEST = 60;
  private static final int MOST = 40;

  private Spelling() {}

  /** The known name that takes the fewest edits, if at most two or a third of its letters; the first of equals. */
  static Optional<String> nearest(String name, Collection<String> known) {
    String wanted = name.toLowerCase(Locale.ROOT);
    Optional<String> best = Optional.empty();
    int least = Integer.MAX_VALUE;
    for (String candidate : known) {
      int allowed = Math.max(2, candidate.length() / 3);
      if (Math.abs(candidate.length() - wanted.length()) <= allowed && wanted.length() > 1) {
        int edits = edits(wanted, candidate.toLowerCase(Locale.ROOT));
        if (edits <= allowed && edits < candidate.length() && edits < least) {
          least = edits;
          best = Optional.of(candidate);
        }
      }
    }
    return best;
  }

  /**
   * Insertions, deletions, replacements and swaps of neighbours that turn one word into the other (no letter edited
   * twice).
   */
  static int edits(String a, String b) {
    int[][] d = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          d[i][j] = i + j;
          continue;
        }
        int cost = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        d[i][j] = Math.min(d[i - 1][j - 1] + cost, Math.min(d[i - 1][j], d[i][j - 1]) + 1);
        if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
          d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
        }
      }
    }
    return d[a.length()][b.length()];
  }

  /** At most 60 characters, those outside printable ASCII as escapes. */
  static String printable(String text) {
    return printable(text, LONGEST);
  }

  /** At most so many characters, those outside printable ASCII as escapes. */
  static String printable(String text, int longest) {
    StringBuilder result = new StringBuilder();
    for (int i = 0; i < text.length() && i < longest; i++) {
      char c = text.charAt(i);
      result.append(c >= ' ' && c <= '~' ? String.valueOf(c) : String.format("\\u%04x", (int) c));
    }
    return text.length() > longest ? result + "..." : result.toString();
  }

  /** Names with commas between, at most 40 of them. */
  static String list(Collection<String> names) {
    String some = names.stream().limit(MOST).map(Spelling::printable).collect(Collectors.joining(", "));
    return names.size() > MOST ? some + ", ..." : some;
  }
}
