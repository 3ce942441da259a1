package alluvium.tables;

import static alluvium.tables.Field.DOUBLE;
import static alluvium.tables.Field.INT;
import static alluvium.tables.Field.STRING;
import static alluvium.tables.Field.required;

/** One named number carried from iteration to iteration: baselines, trackers, dual variables, cursors. */
public final class States {
  public static final Field RUN_ID = required("run_id", STRING, "key of the run");
  public static final Field ITERATION = required("iteration", INT, "the iteration that reads this value");
  public static final Field NAME = required("name", STRING, "owner and meaning, such as MovingBaseline.mean");
  public static final Field KEY = required("key", STRING, "prompt, user or other key; empty for one per run");
  public static final Field VALUE = required("value", DOUBLE, "the owner's unit");

  public static final Table TABLE = Table.of("states", "One carried number", RUN_ID, ITERATION, NAME, KEY, VALUE)
      .keyedBy(RUN_ID, ITERATION, NAME, KEY);

  private States() {}
}
