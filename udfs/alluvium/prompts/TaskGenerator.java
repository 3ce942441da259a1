package alluvium.prompts;

import java.io.Serializable;
import java.util.List;

/** A source of tasks that needs no data. Pure: the same parameters give the same tasks in the same order. */
public interface TaskGenerator extends Serializable {
  List<Task> tasks();
}
