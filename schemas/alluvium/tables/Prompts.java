package alluvium.tables;

import static alluvium.tables.Field.STRING;
import static alluvium.tables.Field.array;
import static alluvium.tables.Field.map;
import static alluvium.tables.Field.optional;
import static alluvium.tables.Field.required;

import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;

/** One task per row: what the policy is asked, and what a verifier needs to judge the answer. Written by Ingest. */
public final class Prompts {
  public static final DataType MESSAGE = DataTypes.createStructType(java.util.List.of(
      DataTypes.createStructField("role", STRING, true), DataTypes.createStructField("content", STRING, true)));

  public static final Field PROMPT_ID = required("prompt_id", STRING,
      "digest of source, prompt and answer, or the source's own id");
  public static final Field SOURCE = required("source", STRING, "name of the data set the task came from");
  public static final Field SPLIT = required("split", STRING, "train or heldout");
  public static final Field TEXT = optional("text", STRING, "plain prompt; absent where messages are given");
  public static final Field MESSAGES = optional("messages", array(MESSAGE),
      "chat turns, rendered by the policy's template; absent where text is given");
  public static final Field ANSWER = optional("answer", STRING,
      "reference answer for verifiers; absent where the task has none");
  public static final Field SOLUTION = optional("solution", STRING,
      "demonstration for supervised training; absent where the task has none");
  public static final Field METADATA = required("metadata", map(STRING), "whatever else the source said of the task");

  public static final Table TABLE = Table.of("prompts", "One task", PROMPT_ID, SOURCE, SPLIT, TEXT, MESSAGES, ANSWER,
          SOLUTION, METADATA)
      .partitionedBy(SOURCE, SPLIT).keyedBy(PROMPT_ID)
      .check("text_or_messages", "text IS NOT NULL OR messages IS NOT NULL")
      .check("split_known", "split IN ('train', 'heldout')");

  private Prompts() {}
}
