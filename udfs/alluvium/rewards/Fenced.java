package alluvium.rewards;

import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Text between the fences of Markdown, lines of three backticks. */
final class Fenced {
  private static final String FENCE = "```";

  private Fenced() {}

  /** The last block marked with one of these words, its end missing or not. Blocks do not nest. */
  static Optional<String> last(String text, Set<String> words) {
    Optional<String> found = Optional.empty();
    int block = -1;                                   // where the wanted block begins
    boolean inside = false;
    for (int from = 0, to; from <= text.length(); from = to + 1) {
      to = text.indexOf('\n', from);
      to = to < 0 ? text.length() : to;
      String line = text.substring(from, to).strip();
      if (inside && line.equals(FENCE)) {
        found = block < 0 ? found : Optional.of(text.substring(block, from));
        inside = false;
        block = -1;
      } else if (!inside && line.startsWith(FENCE)) {
        inside = true;
        boolean wanted = words.contains(line.substring(FENCE.length()).strip().toLowerCase(Locale.ROOT));
        block = wanted ? Math.min(to + 1, text.length()) : -1;
      }
    }
    return inside && block >= 0 ? Optional.of(text.substring(block)) : found;
  }
}
