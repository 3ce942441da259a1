package alluvium.policies.jinja;

/**
 * What one rendering may spend, so that no template hangs or exhausts the machine: work (a unit for each node, item
 * and eight characters), length of a string, depth of nested expressions, blocks and calls.
 */
final class Budget {
  static final long WORK = 20_000_000;
  static final int LENGTH = 1 << 24;
  static final int DEPTH = 400;
  /** Deepest nesting of a value that is printed or compared. */
  static final int NESTING = 200;

  private long work;
  private int depth;
  private int line = 1;

  /** Remembers the line for messages and spends one unit. */
  void at(int line) {
    this.line = line;
    spend(1);
  }

  int line() {
    return line;
  }

  void spend(long units) {
    work += units;
    if (work > WORK) {
      throw new Fault("the template does more than %s steps", WORK);
    }
  }

  /** Refuses a string of so many characters before it is made, else spends what making it costs. */
  void text(long characters) {
    if (characters > LENGTH) {
      throw new Fault("the template makes a text longer than %s characters", LENGTH);
    }
    spend(1 + characters / 8);
  }

  void enter() {
    if (++depth > DEPTH) {
      throw new Fault("the template nests deeper than %s", DEPTH);
    }
    spend(1);
  }

  void leave() {
    depth--;
  }

  static void nesting(int depth) {
    if (depth > NESTING) {
      throw new Fault("a value is nested deeper than %s", NESTING);
    }
  }
}
