package alluvium.tables;

import static alluvium.tables.Field.INT;
import static alluvium.tables.Field.STRING;
import static alluvium.tables.Field.map;
import static alluvium.tables.Field.optional;
import static alluvium.tables.Field.required;

/** What a kind of work on a run was begun with: all that its result depends on. Written before its first stage. */
public final class Runs {
  public static final Field RUN_ID = required("run_id", STRING, "key of the run");
  public static final Field WORK = required("work", STRING, "supervise, iterate, evaluate or fork");
  public static final Field SETTINGS = required("settings", map(STRING),
      "name to value: every entry of the recipe, seed, digests of the prompts and the starting policy, code version");
  public static final Field FIRST_ITERATION = required("first_iteration", INT,
      "0; for a fork the iteration that it continues from");
  public static final Field PARENT = optional("parent", STRING, "run that a fork continues; absent otherwise");

  public static final Table TABLE = Table.of("runs", "What work on a run was begun with", RUN_ID, WORK, SETTINGS,
      FIRST_ITERATION, PARENT).keyedBy(RUN_ID, WORK).neverUpdated();

  private Runs() {}
}
