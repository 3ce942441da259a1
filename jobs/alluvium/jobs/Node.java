package alluvium.jobs;

import java.util.List;
import java.util.Map;

/** A piece of a YAML text before it is known what it should be. */
sealed interface Node {

  /** What the error messages call it. */
  String word();

  /** A scalar as it is written, with what YAML takes it for. */
  record Scalar(String text, Kind kind) implements Node {
    @Override
    public String word() {
      return switch (kind) {
        case TEXT -> "text \"" + Spelling.printable(text) + '"';
        case NOTHING -> "nothing";
        case NUMBER, TRUTH -> Spelling.printable(text);
      };
    }
  }

  /** Keys in the order of the text, each of them once. */
  record Mapping(Map<String, Node> entries) implements Node {
    @Override
    public String word() {
      return entries.isEmpty() ? "{}" : "a map of " + Spelling.list(entries.keySet());
    }
  }

  /** Items in the order of the text. */
  record Sequence(List<Node> items) implements Node {
    @Override
    public String word() {
      return "a list of " + items.size();
    }
  }

  /** What YAML takes a scalar for. NUMBER is any spelling of one, TEXT everything in quotes and all the rest. */
  enum Kind { TEXT, NUMBER, TRUTH, NOTHING }
}
