package alluvium.policies.jinja;

import alluvium.policies.jinja.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a template into words. As in transformers' environment the first newline after a block goes (trim_blocks), and
 * so do blanks before a block or comment that begins its line (lstrip_blocks); a - strips all white space on its side,
 * a + keeps it; one newline at the very end goes; every line ends in \n.
 */
final class Lexer {
  private static final String SPACE =
      "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
  private static final Pattern RAW_BEGIN =
      Pattern.compile("\\{%[-+]?" + SPACE + "*+raw" + SPACE + "*+(?:-%\\}" + SPACE + "*+|%\\})");
  private static final Pattern RAW_END = Pattern.compile(
      "\\{%([-+]?)" + SPACE + "*+endraw" + SPACE + "*+(?:\\+%\\}|-%\\}" + SPACE + "*+|%\\}\\n?)");
  private static final Pattern INTEGER = Pattern.compile(
      "0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[0-9a-fA-F])+|[1-9](?:_?[0-9])*+|0(?:_?0)*+");
  private static final Pattern FLOAT = Pattern.compile(
      "(?<!\\.)[0-9](?:_?[0-9])*+(?:(?:\\.[0-9](?:_?[0-9])*+)?[eE][+-]?[0-9](?:_?[0-9])*+|\\.[0-9](?:_?[0-9])*+)");
  private static final List<String> OPERATORS = List.of("**", "//", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%",
      "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";");

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private final Deque<String> open = new ArrayDeque<>();
  private int position;
  private int line = 1;
  private boolean lineStarts = true;

  Lexer(String source) {
    String lines = source.replace("\r\n", "\n").replace('\r', '\n');
    this.source = lines.endsWith("\n") ? lines.substring(0, lines.length() - 1) : lines;
  }

  int line() {
    return line;
  }

  List<Token> tokens() {
    while (position < source.length()) {
      int begin = nextTag();
      if (begin < 0) {
        data(source.substring(position));
        position = source.length();
      } else {
        tag(begin);
      }
    }
    tokens.add(new Token(Kind.END, "", line));
    return tokens;
  }

  private int nextTag() {
    for (int i = source.indexOf('{', position); i >= 0; i = source.indexOf('{', i + 1)) {
      if (i + 1 < source.length() && "%{#".indexOf(source.charAt(i + 1)) >= 0) {
        return i;
      }
    }
    return -1;
  }

  private void tag(int begin) {
    char kind = source.charAt(begin + 1);
    int after = begin + 2;
    char sign = after < source.length() ? source.charAt(after) : ' ';
    String before = source.substring(position, begin);
    data(stripped(before, sign, kind));
    advance(begin);
    Matcher raw = RAW_BEGIN.matcher(source).region(begin, source.length());
    if (kind == '%' && raw.lookingAt()) {
      advance(raw.end());
      raw();
      return;
    }
    position = sign == '-' || sign == '+' ? after + 1 : after;
    if (kind == '#') {
      comment();
    } else {
      tokens.add(new Token(kind == '%' ? Kind.BLOCK_BEGIN : Kind.VARIABLE_BEGIN, "", line));
      words(kind == '%' ? Kind.BLOCK_END : Kind.VARIABLE_END);
    }
  }

  private void data(String text) {
    if (!text.isEmpty()) {
      tokens.add(new Token(Kind.DATA, text, line));
    }
  }

  private String stripped(String text, char sign, char kind) {
    if (sign == '-') {
      return Strings.rstrip(text);
    }
    int lineStart = text.lastIndexOf('\n') + 1;
    boolean alone = kind != '{' && sign != '+' && (lineStart > 0 || lineStarts)
        && Strings.lstrip(text.substring(lineStart)).isEmpty();
    return alone ? text.substring(0, lineStart) : text;
  }

  private static int newlines(String text) {
    return (int) text.chars().filter(c -> c == '\n').count();
  }

  /** Moves on to the position and keeps count of the lines. */
  private void advance(int to) {
    line += newlines(source.substring(position, to));
    lineStarts = to > position && source.charAt(to - 1) == '\n';
    position = to;
  }

  private void raw() {
    Matcher end = RAW_END.matcher(source);
    if (!end.find(position)) {
      throw new Fault("the raw block is not closed: write {% endraw %}");
    }
    String text = source.substring(position, end.start());
    data(stripped(text, end.group(1).isEmpty() ? ' ' : end.group(1).charAt(0), '%'));
    advance(end.end());
  }

  private void comment() {
    int end = source.indexOf("#}", position);
    if (end < 0) {
      throw new Fault("the comment is not closed: write #}");
    }
    char sign = end > position ? source.charAt(end - 1) : ' ';
    advance(closed(end + 2, sign));
  }

  /** Where the text goes on after the end of a tag. */
  private int closed(int end, char sign) {
    int to = end;
    if (sign == '-') {
      while (to < source.length() && Strings.isSpace(source.charAt(to))) {
        to++;
      }
    } else if (sign != '+' && to < source.length() && source.charAt(to) == '\n') {
      to++;
    }
    return to;
  }

  private void words(Kind end) {
    String mark = end == Kind.BLOCK_END ? "%}" : "}}";
    while (true) {
      while (position < source.length() && Strings.isSpace(source.charAt(position))) {
        advance(position + 1);
      }
      if (position >= source.length()) {
        throw new Fault("the tag is not closed: write %s", mark);
      }
      if (open.isEmpty() && ends(end, mark)) {
        return;
      }
      word();
    }
  }

  private boolean ends(Kind end, String mark) {
    char sign = source.charAt(position);
    boolean signed = (sign == '-' || sign == '+' && end == Kind.BLOCK_END) && source.startsWith(mark, position + 1);
    if (!signed && !source.startsWith(mark, position)) {
      return false;
    }
    tokens.add(new Token(end, "", line));
    int after = position + (signed ? 3 : 2);
    advance(end == Kind.VARIABLE_END && !signed ? after : closed(after, signed ? sign : ' '));
    return true;
  }

  private void word() {
    char c = source.charAt(position);
    if (c == '\'' || c == '"') {
      string(c);
    } else if (matches(FLOAT)) {
      number(FLOAT, Kind.FLOAT);
    } else if (matches(INTEGER)) {
      number(INTEGER, Kind.INTEGER);
    } else if (Character.isUnicodeIdentifierStart(source.codePointAt(position)) || c == '_') {
      name();
    } else {
      operator();
    }
  }

  private boolean matches(Pattern pattern) {
    return matcher(pattern).lookingAt();
  }

  private Matcher matcher(Pattern pattern) {
    return pattern.matcher(source).region(position, source.length()).useTransparentBounds(true);
  }

  private void number(Pattern pattern, Kind kind) {
    Matcher matcher = matcher(pattern);
    if (matcher.lookingAt()) {
      tokens.add(new Token(kind, matcher.group().replace("_", ""), line));
      advance(matcher.end());
    }
  }

  private void name() {
    int end = position;
    while (end < source.length()) {
      int c = source.codePointAt(end);
      if (!Character.isUnicodeIdentifierPart(c) || Character.isIdentifierIgnorable(c)) {
        break;
      }
      end += Character.charCount(c);
    }
    tokens.add(new Token(Kind.NAME, source.substring(position, end), line));
    advance(end);
  }

  private void operator() {
    String operator = OPERATORS.stream().filter(o -> source.startsWith(o, position)).findFirst()
        .orElseThrow(() -> new Fault("unexpected character '%s'", Character.toString(source.codePointAt(position))));
    switch (operator) {
      case "(" -> open.push(")");
      case "[" -> open.push("]");
      case "{" -> open.push("}");
      case ")", "]", "}" -> {
        if (open.isEmpty() || !open.pop().equals(operator)) {
          throw new Fault("unexpected '%s'", operator);
        }
      }
      default -> { }
    }
    tokens.add(new Token(Kind.OPERATOR, operator, line));
    advance(position + operator.length());
  }

  private void string(char quote) {
    int end = position + 1;
    while (end < source.length() && source.charAt(end) != quote) {
      end += source.charAt(end) == '\\' ? 2 : 1;
    }
    if (end >= source.length()) {
      throw new Fault("the string is not closed: write %s", quote);
    }
    tokens.add(new Token(Kind.STRING, Strings.unescape(source.substring(position + 1, end)), line));
    advance(end + 1);
  }
}
