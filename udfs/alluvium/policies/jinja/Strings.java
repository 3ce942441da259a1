package alluvium.policies.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/** Python's strings: sequences of code points, with Python's idea of white space, lines, case and escapes. */
final class Strings {
  /** Longest part that is searched for by Java's method, whose time is the product of the lengths. */
  private static final int SHORT = 32;
  /** Work of making one more string. */
  private static final int PART = 8;
  private static final String LINE_ENDS = "\n\r\u000b\f\u001c\u001d\u001e\u0085\u2028\u2029";

  private Strings() { }

  static boolean isSpace(int c) {
    return c >= 9 && c <= 13 || c >= 28 && c <= 32 || c == 0x85 || c == 0xa0 || c == 0x1680
        || c >= 0x2000 && c <= 0x200a || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
  }

  static String lstrip(String text) {
    int start = 0;
    while (start < text.length() && isSpace(text.charAt(start))) {
      start++;
    }
    return text.substring(start);
  }

  static String rstrip(String text) {
    int end = text.length();
    while (end > 0 && isSpace(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(0, end);
  }

  /** Without leading characters that occur in the set. */
  static String lstrip(String text, String set) {
    int start = 0;
    while (start < text.length() && set.indexOf(text.codePointAt(start)) >= 0) {
      start += Character.charCount(text.codePointAt(start));
    }
    return text.substring(start);
  }

  /** Without trailing characters that occur in the set. */
  static String rstrip(String text, String set) {
    int end = text.length();
    while (end > 0 && set.indexOf(text.codePointBefore(end)) >= 0) {
      end -= Character.charCount(text.codePointBefore(end));
    }
    return text.substring(0, end);
  }

  static int length(String text) {
    return text.codePointCount(0, text.length());
  }

  static List<Object> characters(String text, Budget budget) {
    budget.spend((long) PART * text.length());
    List<Object> characters = new ArrayList<>(text.length());
    text.codePoints().forEach(c -> characters.add(Character.toString(c)));
    return characters;
  }

  /** Code points from start, step apart, before stop; the bounds lie within the text. */
  static String slice(String text, long start, long stop, long step) {
    int[] points = text.codePoints().toArray();
    StringBuilder slice = new StringBuilder();
    for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
      slice.appendCodePoint(points[(int) i]);
    }
    return slice.toString();
  }

  /** Order of code points, which is not that of Java's characters beyond the basic plane. */
  static int compare(String a, String b) {
    int i = 0;
    while (i < a.length() && i < b.length()) {
      int x = a.codePointAt(i);
      int y = b.codePointAt(i);
      if (x != y) {
        return Integer.compare(x, y);
      }
      i += Character.charCount(x);
    }
    return Integer.compare(a.length(), b.length());
  }

  /** Where the part first occurs at or after the position, or -1; in linear time whatever the two are. */
  static int find(String text, String part, int from) {
    return part.length() <= SHORT ? text.indexOf(part, from) : search(text.toCharArray(), part.toCharArray(), from);
  }

  /** Where the part last occurs so that it ends at or before the position, or -1. */
  static int findLast(String text, String part, int before) {
    int from = before - part.length();
    if (part.length() <= SHORT) {
      return from < 0 ? -1 : text.lastIndexOf(part, from);
    }
    int at = search(mirrored(text), mirrored(part), text.length() - before);
    return at < 0 ? -1 : text.length() - at - part.length();
  }

  private static char[] mirrored(String text) {
    char[] mirrored = new char[text.length()];
    for (int i = 0; i < mirrored.length; i++) {
      mirrored[i] = text.charAt(mirrored.length - 1 - i);
    }
    return mirrored;
  }

  /** The search of Knuth, Morris and Pratt: after a mismatch the longest border of what matched still matches. */
  private static int search(char[] text, char[] part, int from) {
    int[] borders = new int[part.length + 1];
    borders[0] = -1;
    for (int i = 0, border = -1; i < part.length; i++) {
      while (border >= 0 && part[border] != part[i]) {
        border = borders[border];
      }
      borders[i + 1] = ++border;
    }
    for (int i = from, matched = 0; i < text.length; i++) {
      while (matched >= 0 && part[matched] != text[i]) {
        matched = borders[matched];
      }
      if (++matched == part.length) {
        return i + 1 - part.length;
      }
    }
    return -1;
  }

  /** Runs of what is not white space; after most of them the rest is one part. */
  static List<Object> splitBlank(String text, long most, Budget budget) {
    List<Object> parts = new ArrayList<>();
    int end = rstrip(text).length();
    int i = skipped(text, 0, end);
    while (i < end) {
      int from = i;
      while (i < end && (most >= 0 && parts.size() == most || !isSpace(text.charAt(i)))) {
        i++;
      }
      budget.spend(PART);
      parts.add(text.substring(from, i));
      i = skipped(text, i, end);
    }
    return parts;
  }

  /** As splitBlank, but from the end. */
  static List<Object> splitBlankLast(String text, long most, Budget budget) {
    List<Object> parts = new ArrayList<>();
    for (Object part : splitBlank(new String(mirrored(text)), most, budget)) {
      parts.add(new String(mirrored((String) part)));
    }
    Collections.reverse(parts);
    return parts;
  }

  private static int skipped(String text, int from, int end) {
    int i = from;
    while (i < end && isSpace(text.charAt(i))) {
      i++;
    }
    return i;
  }

  static List<Object> split(String text, String separator, long most, Budget budget) {
    List<Object> parts = new ArrayList<>();
    int from = 0;
    int at = find(text, separator, 0);
    while (at >= 0 && (most < 0 || parts.size() < most)) {
      budget.spend(PART);
      parts.add(text.substring(from, at));
      from = at + separator.length();
      at = find(text, separator, from);
    }
    parts.add(text.substring(from));
    return parts;
  }

  static List<Object> splitLast(String text, String separator, long most, Budget budget) {
    List<Object> parts = new ArrayList<>();
    int to = text.length();
    int at = findLast(text, separator, to);
    while (at >= 0 && (most < 0 || parts.size() < most)) {
      budget.spend(PART);
      parts.add(text.substring(at + separator.length(), to));
      to = at;
      at = findLast(text, separator, to);
    }
    parts.add(text.substring(0, to));
    Collections.reverse(parts);
    return parts;
  }

  private enum Ends { KEPT, DROPPED }

  /** What stands between line ends, without them. */
  static List<Object> lines(String text, Budget budget) {
    return lines(text, Ends.DROPPED, budget);
  }

  /** What stands between line ends, each with its own. */
  static List<Object> linesWithEnds(String text, Budget budget) {
    return lines(text, Ends.KEPT, budget);
  }

  private static List<Object> lines(String text, Ends ends, Budget budget) {
    List<Object> lines = new ArrayList<>();
    int from = 0;
    int i = 0;
    while (i < text.length()) {
      if (LINE_ENDS.indexOf(text.charAt(i)) < 0) {
        i++;
        continue;
      }
      int after = text.startsWith("\r\n", i) ? i + 2 : i + 1;
      budget.spend(PART);
      lines.add(text.substring(from, ends == Ends.KEPT ? after : i));
      from = after;
      i = after;
    }
    if (from < text.length()) {
      lines.add(text.substring(from));
    }
    return lines;
  }

  static String replace(String text, String old, String replacement, long most, Budget budget) {
    if (old.isEmpty()) {
      return interleave(text, replacement, most, budget);
    }
    Text result = new Text(budget);
    int from = 0;
    int at = find(text, old, 0);
    for (long n = 0; at >= 0 && (most < 0 || n < most); n++) {
      result.append(text.substring(from, at)).append(replacement);
      from = at + old.length();
      at = find(text, old, from);
    }
    return result.append(text.substring(from)).toString();
  }

  private static String interleave(String text, String replacement, long most, Budget budget) {
    Text result = new Text(budget);
    long n = 0;
    for (Object character : characters(text, budget)) {
      result.append(most < 0 || n++ < most ? replacement : "").append((String) character);
    }
    return result.append(most < 0 || n < most ? replacement : "").toString();
  }

  static String upper(String text) {
    return text.toUpperCase(Locale.ROOT);
  }

  static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }

  /** First character as a title has it, all else small. */
  static String capitalize(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = text.codePointAt(0);
    return titleCase(first) + lower(text.substring(Character.charCount(first)));
  }

  /** Every letter after a letter small, every other as a title has it. */
  static String title(String text) {
    StringBuilder result = new StringBuilder();
    boolean letter = false;
    for (int c : text.codePoints().toArray()) {
      result.append(letter ? lower(Character.toString(c)) : titleCase(c));
      letter = Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
    }
    return result.toString();
  }

  private static String titleCase(int c) {
    String upper = upper(Character.toString(c));
    return upper.codePointCount(0, upper.length()) == 1 ? Character.toString(Character.toTitleCase(c))
        : capitalizeLigature(upper);
  }

  private static String capitalizeLigature(String upper) {
    int first = Character.charCount(upper.codePointAt(0));
    return upper.substring(0, first) + lower(upper.substring(first));
  }

  /** The value of a literal's inside: Python's escapes; an unknown one stays as it is. */
  static String unescape(String text) {
    StringBuilder result = new StringBuilder();
    int i = 0;
    while (i < text.length()) {
      char c = text.charAt(i++);
      if (c != '\\' || i == text.length()) {
        result.append(c);
        continue;
      }
      char escape = text.charAt(i++);
      int simple = "abfnrtv\\'\"".indexOf(escape);
      if (simple >= 0) {
        result.append("\u0007\b\f\n\r\t\u000b\\'\"".charAt(simple));
      } else if (escape >= '0' && escape <= '7') {
        int end = i;
        while (end < text.length() && end < i + 2 && text.charAt(end) >= '0' && text.charAt(end) <= '7') {
          end++;
        }
        result.append((char) Integer.parseInt(text.substring(i - 1, end), 8));
        i = end;
      } else if ("xuU".indexOf(escape) >= 0) {
        int digits = escape == 'x' ? 2 : escape == 'u' ? 4 : 8;
        result.appendCodePoint(hexadecimal(text, i, digits));
        i += digits;
      } else if (escape != '\n') {
        result.append('\\').append(escape);
      }
    }
    return result.toString();
  }

  private static int hexadecimal(String text, int from, int digits) {
    if (from + digits <= text.length()) {
      String code = text.substring(from, from + digits);
      if (code.chars().allMatch(c -> Character.digit(c, 16) >= 0 && c < 128)) {
        long point = Long.parseLong(code, 16);
        if (point <= Character.MAX_CODE_POINT) {
          return (int) point;
        }
      }
    }
    throw new Fault("a string has an incomplete escape: a backslash needs %s hexadecimal digits here", digits);
  }

  /** The string as Python's repr shows it. */
  static void repr(String text, Text out) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    StringBuilder result = new StringBuilder().append(quote);
    text.codePoints().forEach(c -> {
      int simple = "\n\r\t\\".indexOf(c);
      if (simple >= 0) {
        result.append('\\').append("nrt\\".charAt(simple));
      } else if (c == quote) {
        result.append('\\').append(quote);
      } else if (printable(c)) {
        result.appendCodePoint(c);
      } else {
        result.append(String.format(c < 256 ? "\\x%02x" : c < 65536 ? "\\u%04x" : "\\U%08x", c));
      }
    });
    out.append(result.append(quote).toString());
  }

  private static boolean printable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED,
          Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }
}
