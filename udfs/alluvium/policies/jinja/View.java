package alluvium.policies.jinja;

import java.util.AbstractList;
import java.util.List;

/** Keys, values or items of a mapping: countable and iterable, but without positions. */
final class View extends AbstractList<Object> {
  private final String name;
  private final List<Object> items;

  View(String name, List<Object> items) {
    this.name = name;
    this.items = items;
  }

  /** The type as Python prints it. */
  String name() {
    return name;
  }

  @Override
  public Object get(int index) {
    return items.get(index);
  }

  @Override
  public int size() {
    return items.size();
  }
}
