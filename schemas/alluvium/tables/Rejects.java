package alluvium.tables;

import static alluvium.tables.Field.LONG;
import static alluvium.tables.Field.STRING;
import static alluvium.tables.Field.required;

/** One input row that was refused, with the reason. Written by Ingest and Generate. */
public final class Rejects {
  public static final Field SOURCE = required("source", STRING, "name of the data set the row came from");
  public static final Field STAGE = required("stage", STRING, "stage that refused the row");
  public static final Field POSITION = required("position", LONG, "0-based position in the source");
  public static final Field REASON = required("reason", STRING, "which rule the row breaks and the value found");
  public static final Field RAW = required("raw", STRING, "the row as it was read, cut at 2000 characters");

  public static final Table TABLE = Table.of("rejects", "One refused input row", SOURCE, STAGE, POSITION, REASON, RAW)
      .keyedBy(SOURCE, STAGE, POSITION).neverUpdated();

  private Rejects() {}
}
