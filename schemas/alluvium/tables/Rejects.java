package alluvium.tables;

import static alluvium.tables.Field.STRING;
import static alluvium.tables.Field.required;

/** One input row that was refused, with the reason. Written by Ingest and Generate. */
public final class Rejects {
  public static final Field SOURCE = required("source", STRING, "name of the data set the row came from");
  public static final Field STAGE = required("stage", STRING, "stage that refused the row");
  public static final Field KEY = required("key", STRING, "0-based position in the source, or the prompt's id");
  public static final Field REASON = required("reason", STRING, "which rule the row breaks and the value found");
  public static final Field RAW = required("raw", STRING, "the row as it was read, cut at 2000 characters");

  public static final Table TABLE = Table.of("rejects", "One refused input row", SOURCE, STAGE, KEY, REASON, RAW)
      .keyedBy(SOURCE, STAGE, KEY).neverUpdated();

  private Rejects() {}
}
