package alluvium.policies.jinja;

import java.util.List;
import java.util.Optional;

/** What the name loop stands for inside a for. */
final class Loop implements Attributes, Function {
  private final List<Object> items;
  private final int depth;
  private final Optional<Function> again;
  private int index = -1;
  private Optional<Object> watched = Optional.empty();

  /**
   * A loop before its first item.
   *
   * @param items all of them
   * @param depth 0 for the outermost of a recursion
   * @param again the loop over other items, when it is recursive
   */
  Loop(List<Object> items, int depth, Optional<Function> again) {
    this.items = items;
    this.depth = depth;
    this.again = again;
  }

  int depth() {
    return depth;
  }

  void next() {
    index++;
  }

  @Override
  public Object attribute(String name) {
    long size = items.size();
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> size - index;
      case "revindex0" -> size - index - 1;
      case "first" -> index == 0;
      case "last" -> index == size - 1;
      case "length" -> size;
      case "depth" -> depth + 1L;
      case "depth0" -> (long) depth;
      case "previtem" -> index > 0 ? items.get(index - 1) : new Undefined("there is no previous item");
      case "nextitem" -> index < size - 1 ? items.get(index + 1) : new Undefined("there is no next item");
      case "cycle" -> (Function) arguments -> {
        if (arguments.positional().isEmpty()) {
          throw new Fault("loop.cycle needs an item");
        }
        return arguments.positional().get(index % arguments.positional().size());
      };
      case "changed" -> (Function) this::changed;
      default -> new Undefined("'" + name + "' of loop");
    };
  }

  private Object changed(Arguments arguments) {
    Tuple now = new Tuple(arguments.positional());
    boolean same = watched.isPresent() && Values.equal(watched.get(), now, arguments.budget());
    watched = Optional.of(now);
    return !same;
  }

  @Override
  public Object call(Arguments arguments) {
    return again.orElseThrow(() -> new Fault("only a recursive loop can be called")).call(arguments);
  }
}
