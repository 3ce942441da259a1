package alluvium.policies.jinja;

/**
 * A word of a template.
 *
 * @param kind what it is
 * @param text data, name, operator, digits or the string's value
 * @param line 1-based
 */
record Token(Kind kind, String text, int line) {
  enum Kind {
    DATA, BLOCK_BEGIN, BLOCK_END, VARIABLE_BEGIN, VARIABLE_END, NAME, STRING, INTEGER, FLOAT, OPERATOR, END
  }

  boolean is(Kind kind, String text) {
    return this.kind == kind && this.text.equals(text);
  }

  boolean name(String name) {
    return is(Kind.NAME, name);
  }

  boolean operator(String operator) {
    return is(Kind.OPERATOR, operator);
  }

  /** The word as messages quote it. */
  String shown() {
    return switch (kind) {
      case DATA -> "text";
      case BLOCK_BEGIN -> "'{%'";
      case BLOCK_END -> "'%}'";
      case VARIABLE_BEGIN -> "'{{'";
      case VARIABLE_END -> "'}}'";
      case END -> "the end of the template";
      default -> "'" + text + "'";
    };
  }
}
