package alluvium;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** The README as tests read it. */
public final class Readme {
  private static final String TEXT = read();

  private Readme() {}

  public static String text() {
    return TEXT;
  }

  /** The fenced blocks of a language, in order. */
  public static List<String> blocks(String language) {
    return fenced(TEXT, language);
  }

  /** The fenced blocks of a language below a heading, up to the next one. */
  public static List<String> blocks(String heading, String language) {
    MatchResult section = Pattern.compile("(?ms)^## " + Pattern.quote(heading) + "$(.*?)(?=^## |\\z)").matcher(TEXT)
        .results()
        .findFirst().orElseThrow(() -> new AssertionError("README.md has no section " + heading));
    return fenced(section.group(1), language);
  }

  private static List<String> fenced(String text, String language) {
    return Pattern.compile("(?ms)^```" + language + "\\n(.*?)^```$").matcher(text).results().map(m -> m.group(1))
        .toList();
  }

  private static String read() {
    try {
      return Files.readString(Path.of("README.md"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
