package alluvium.policies.jinja;

import java.util.Iterator;
import java.util.List;

/** What a filter such as map or select yields: true even when empty, without length, and used up by one pass. */
final class Generator {
  private final Iterator<Object> items;

  Generator(List<Object> items) {
    this.items = items.iterator();
  }

  Iterator<Object> items() {
    return items;
  }
}
