package alluvium.tables;

import static alluvium.tables.Field.DOUBLE;
import static alluvium.tables.Field.INT;
import static alluvium.tables.Field.LONG;
import static alluvium.tables.Field.STRING;
import static alluvium.tables.Field.array;
import static alluvium.tables.Field.optional;
import static alluvium.tables.Field.required;

/** One reward function's verdict on one completion. Written by Score, never updated. A failed reward is no number. */
public final class Rewards {
  public static final Field RUN_ID = required("run_id", STRING, "key of the run");
  public static final Field ITERATION = required("iteration", INT, "0-based");
  public static final Field WAVE = required("wave", INT, "as in rollouts");
  public static final Field PROMPT_ID = required("prompt_id", STRING, "key of prompts");
  public static final Field GROUP_ID = required("group_id", STRING, "as in rollouts");
  public static final Field SAMPLE = required("sample", INT, "as in rollouts");
  public static final Field NAME = required("name", STRING, "the reward's key in the recipe");
  public static final Field VALUE = optional("value", DOUBLE, "the reward's unit; absent unless status is ok");
  public static final Field TOKEN_VALUES = optional("token_values", array(DOUBLE),
      "one value per completion token; absent for rewards of whole completions");
  public static final Field STATUS = required("status", STRING, "ok, error, timeout, unparseable or skipped");
  public static final Field MESSAGE = optional("message", STRING, "why the status is not ok, or what was extracted");
  public static final Field MILLIS = required("millis", LONG, "wall time of the call; not part of any digest");
  public static final Field FUNCTION = required("function", STRING, "class and parameters of the reward function");

  public static final Table TABLE = Table.of("rewards", "One verdict on one completion", RUN_ID, ITERATION, WAVE,
          PROMPT_ID, GROUP_ID, SAMPLE, NAME, VALUE, TOKEN_VALUES, STATUS, MESSAGE, MILLIS, FUNCTION)
      .partitionedBy(RUN_ID, ITERATION).keyedBy(RUN_ID, ITERATION, WAVE, GROUP_ID, SAMPLE, NAME)
      .check("status_known", "status IN ('ok', 'error', 'timeout', 'unparseable', 'skipped')")
      .check("value_if_ok", "(status = 'ok') = (value IS NOT NULL)").neverUpdated()
      .digestedWithout(MILLIS);

  private Rewards() {}
}
