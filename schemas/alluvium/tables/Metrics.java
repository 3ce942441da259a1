package alluvium.tables;

import static alluvium.tables.Field.DOUBLE;
import static alluvium.tables.Field.INT;
import static alluvium.tables.Field.STRING;
import static alluvium.tables.Field.required;

/** One number about one iteration of training. */
public final class Metrics {
  public static final Field RUN_ID = required("run_id", STRING, "key of the run");
  public static final Field ITERATION = required("iteration", INT, "0-based; the step for supervised training");
  public static final Field STAGE = required("stage", STRING, "stage that measured it");
  public static final Field NAME = required("name", STRING, "formula id, such as reward_mean; the report explains it");
  public static final Field VALUE = required("value", DOUBLE, "the metric's unit");

  public static final Table TABLE = Table.of("metrics", "One measured number", RUN_ID, ITERATION, STAGE, NAME, VALUE)
      .keyedBy(RUN_ID, ITERATION, STAGE, NAME);

  private Metrics() {}
}
