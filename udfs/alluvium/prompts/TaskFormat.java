package alluvium.prompts;

import java.io.Serializable;
import java.util.List;
import java.util.Map;

/** Reads the tasks out of one raw row of a source. Pure: the same row gives the same tasks. */
public interface TaskFormat extends Serializable {
  /**
   * The row's tasks, in the row's order. Throws a DataException that says which rule the row breaks; a bad row gives no
   * tasks at all.
   *
   * @param row column name to value as read from JSON or Parquet: texts, numbers, booleans, lists, maps; null for
   * absent
   */
  List<Task> tasks(Map<String, Object> row);
}
