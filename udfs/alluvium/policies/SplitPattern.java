package alluvium.policies;

import java.util.Optional;

/**
 * Whether a regular expression by which a tokenizer cuts texts gives up a position of any text after few steps. The
 * native library allows ten million steps a position, and ends the process beyond.
 *
 * <pre>  steps at a position <= n  sum over alternatives a with + or * of 2^(o_a),  n: characters of the text </pre>
 *
 * o_a: optional items before the last item of the alternative a that can fail. The sum of the powers must be at most
 * {@value #MOST_WORK}. What may take more is refused: repeated groups, two of + and * with something after them that
 * must match, more than two of them, references back. The patterns of GPT-2, GPT-4o, Llama 3, Qwen 2 and DeepSeek 3
 * pass.
 */
final class SplitPattern {
  static final int MOST_WORK = 12;
  /** Characters of a text, so that the sum stays below ten million. */
  static final int LONGEST_TEXT = 1 << 19;

  private static final int LONGEST = 2000;
  private static final int MOST_REPEATS = 16;
  private static final int MOST_OPTIONAL = 8;
  private static final String REPEATED_GROUP = "repeats a group";

  private final String regex;
  private int at;
  private long work;

  private SplitPattern(String regex) {
    this.regex = regex;
  }

  /** Why the expression is refused; empty if it may pass. */
  static Optional<String> refusal(String regex) {
    if (regex.length() > LONGEST) {
      return Optional.of("has more than " + LONGEST + " characters");
    }
    SplitPattern pattern = new SplitPattern(regex);
    try {
      pattern.alternatives();
      return pattern.work > MOST_WORK ? Optional.of("may take more than " + MOST_WORK + " steps per character")
          : Optional.empty();
    } catch (Refused e) {
      return Optional.of(e.getMessage());
    }
  }

  /** The whole expression: alternatives of items. */
  private void alternatives() {
    while (at < regex.length()) {
      alternative();
      at++;       // the bar
    }
  }

  private void alternative() {
    int unbounded = 0;
    int optional = 0;
    long own = 0;
    while (at < regex.length() && regex.charAt(at) != '|') {
      boolean group = regex.charAt(at) == '(';
      item();
      Repeats repeats = repeats();
      refuse(group && repeats.more, REPEATED_GROUP);
      refuse(unbounded == 2 && repeats.least > 0, "has something that must match after two of + and *");
      if (repeats.unbounded) {
        unbounded++;
        refuse(unbounded > 2, "has more than two of + and * in a row");
      } else if (repeats.least == 0 || repeats.more) {
        optional += repeats.more ? 4 : 1;     // {1,16}: as many ways as four optional items
        refuse(optional > MOST_OPTIONAL, "has more than " + MOST_OPTIONAL + " optional items in a row");
      }
      if (unbounded > 0 && (repeats.unbounded || repeats.least > 0)) {
        own = 1L << optional;
      }
    }
    work += own;
  }

  /** One character, class, escape, anchor or group without repeats. */
  private void item() {
    char c = regex.charAt(at);
    refuse("*+?{".indexOf(c) >= 0, "repeats nothing");
    refuse(c == ')', "closes a group that is not open");
    if (c == '\\') {
      escape();
    } else if (c == '[') {
      set();
    } else if (c == '(') {
      group();
    } else {
      at++;
    }
  }

  private void escape() {
    refuse(at + 1 >= regex.length(), "ends in a backslash");
    char c = regex.charAt(at + 1);
    refuse(c >= '1' && c <= '9' || "gkKGXRQEyYcCM".indexOf(c) >= 0, "has \\" + c);
    at += 2;
    boolean braced = at < regex.length() && regex.charAt(at) == '{' && "pPxou".indexOf(c) >= 0;
    if (braced) {
      at = 1 + regex.indexOf('}', at);
      refuse(at == 0, "has a brace that is not closed");
    }
  }

  /** A class without one within it, and without a bracket that would close it at once. */
  private void set() {
    at += regex.startsWith("[^", at) ? 2 : 1;
    refuse(regex.startsWith("]", at), "has an empty class");
    while (at < regex.length() && regex.charAt(at) != ']') {
      refuse(regex.charAt(at) == '[', "has a class within a class");
      if (regex.charAt(at) == '\\') {
        escape();
      } else {
        at++;
      }
    }
    refuse(at >= regex.length(), "has a class that is not closed");
    at++;
  }

  private void group() {
    at++;
    if (regex.startsWith("?", at)) {
      int head = heads();
      refuse(head == 0, "has a group of an unknown kind");
      at += head;
    }
    while (at < regex.length() && regex.charAt(at) != ')') {
      refuse(regex.charAt(at) == '(', "has a group within a group");
      if (regex.charAt(at) == '|') {
        at++;
      } else {
        item();
        Repeats repeats = repeats();
        refuse(repeats.least == 0 || repeats.more || repeats.unbounded, "repeats something within a group");
      }
    }
    refuse(at >= regex.length(), "has a group that is not closed");
    at++;
  }

  /** Length of ?: ?i: ?! ?= ?<! ?<= here, else 0. */
  private int heads() {
    for (String head : new String[] {"?:", "?i:", "?!", "?=", "?<!", "?<="}) {
      if (regex.startsWith(head, at)) {
        return head.length();
      }
    }
    return 0;
  }

  private record Repeats(int least, boolean more, boolean unbounded) {}

  /** What follows an item; least 1, once, if nothing does. */
  private Repeats repeats() {
    char c = at < regex.length() ? regex.charAt(at) : ' ';
    Repeats repeats = switch (c) {
      case '*' -> new Repeats(0, true, true);
      case '+' -> new Repeats(1, true, true);
      case '?' -> new Repeats(0, false, false);
      case '{' -> braces();
      default -> new Repeats(1, false, false);
    };
    if ("*+?".indexOf(c) >= 0) {
      at++;
    }
    boolean marked = "*+?".indexOf(c) >= 0 && at < regex.length() && "+?".indexOf(regex.charAt(at)) >= 0;
    at += marked ? 1 : 0;      // possessive or lazy: no more steps than without
    boolean again = "*+?{".indexOf(c) >= 0 && at < regex.length() && "*+?{".indexOf(regex.charAt(at)) >= 0;
    refuse(again, "repeats a repeat");
    return repeats;
  }

  private Repeats braces() {
    int end = regex.indexOf('}', at);
    String inside = end < 0 ? "" : regex.substring(at + 1, end);
    refuse(!inside.matches("[0-9]{1,4}(,[0-9]{0,4})?"), "has braces that are no number of repeats");
    at = end + 1;
    String[] bounds = inside.split(",", -1);
    int least = Integer.parseInt(bounds[0]);
    boolean open = bounds.length == 2 && bounds[1].isEmpty();
    int most = open || bounds.length == 1 ? least : Integer.parseInt(bounds[1]);
    refuse(Math.max(least, most) > MOST_REPEATS, "repeats more than " + MOST_REPEATS + " times");
    return new Repeats(least, most > 1 || open, open);
  }

  private static void refuse(boolean holds, String reason) {
    if (holds) {
      throw new Refused(reason);
    }
  }

  private static final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Refused(String reason) {
      super(reason, null, false, false);
    }
  }
}
