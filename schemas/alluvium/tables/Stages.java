package alluvium.tables;

import static alluvium.tables.Field.DOUBLE;
import static alluvium.tables.Field.INT;
import static alluvium.tables.Field.LONG;
import static alluvium.tables.Field.STRING;
import static alluvium.tables.Field.TIMESTAMP;
import static alluvium.tables.Field.map;
import static alluvium.tables.Field.required;

/** The manifest: one row per finished stage, written after the stage's own commit. Rows here decide what is done. */
public final class Stages {
  public static final Field RUN_ID = required("run_id", STRING, "key of the run");
  public static final Field ITERATION = required("iteration", INT, "0-based; 0 for stages outside the loop");
  public static final Field STAGE = required("stage", STRING, "ingest, supervise, generate, score, estimate, ...");
  public static final Field WAVE = required("wave", INT, "0-based; 0 for stages that have one");
  public static final Field STATUS = required("status", STRING, "done or skipped");
  public static final Field INPUTS = required("inputs", map(LONG), "table to the version that was read");
  public static final Field OUTPUTS = required("outputs", map(LONG), "table to the version that was committed");
  public static final Field DIGESTS = required("digests", map(STRING),
      "table to the order-independent digest of the rows that were committed, clocks left out");
  public static final Field ROWS = required("rows", LONG, "rows written to the stage's main table");
  public static final Field DIGEST = required("digest", STRING, "that of the stage's main table");
  public static final Field SECONDS = required("seconds", map(DOUBLE), "phase to wall seconds");
  public static final Field CODE_VERSION = required("code_version", STRING, "version of the product");
  public static final Field RECIPE_DIGEST = required("recipe_digest", STRING, "digest of the recipe in force");
  public static final Field FINISHED_AT = required("finished_at", TIMESTAMP, "driver's clock, for people only");

  public static final Table TABLE = Table.of("stages", "One finished stage", RUN_ID, ITERATION, STAGE, WAVE, STATUS,
          INPUTS, OUTPUTS, DIGESTS, ROWS, DIGEST, SECONDS, CODE_VERSION, RECIPE_DIGEST, FINISHED_AT)
      .keyedBy(RUN_ID, ITERATION, STAGE, WAVE).neverUpdated()
      .digestedWithout(SECONDS, FINISHED_AT);

  private Stages() {}
}
