package alluvium.tables;

import static alluvium.tables.Field.DOUBLE;
import static alluvium.tables.Field.FLOAT;
import static alluvium.tables.Field.INT;
import static alluvium.tables.Field.STRING;
import static alluvium.tables.Field.array;
import static alluvium.tables.Field.optional;
import static alluvium.tables.Field.required;

/** One completion of an update batch with its credit, or the reason why it was left out. Written by Estimate. */
public final class Advantages {
  public static final Field RUN_ID = required("run_id", STRING, "key of the run");
  public static final Field ITERATION = required("iteration", INT, "0-based");
  public static final Field WAVE = required("wave", INT, "as in rollouts");
  public static final Field PROMPT_ID = required("prompt_id", STRING, "key of prompts");
  public static final Field GROUP_ID = required("group_id", STRING, "as in rollouts");
  public static final Field SAMPLE = required("sample", INT, "as in rollouts");
  public static final Field REWARD = optional("reward", DOUBLE,
      "aggregate of the named rewards; absent if one failed and no number stands for it");
  public static final Field ADVANTAGE = optional("advantage", DOUBLE,
      "credit of the whole completion, no unit; absent where per token or dropped");
  public static final Field TOKEN_ADVANTAGES = optional("token_advantages", array(FLOAT),
      "credit per completion token; absent where one number serves all");
  public static final Field TOKEN_WEIGHTS = optional("token_weights", array(FLOAT),
      "weight of each token in the loss; absent where all are 1");
  public static final Field DROPPED = optional("dropped", STRING, "why the row does not train; absent if it does");

  public static final Table TABLE = Table.of("advantages", "Credit of one completion", RUN_ID, ITERATION, WAVE,
          PROMPT_ID, GROUP_ID, SAMPLE, REWARD, ADVANTAGE, TOKEN_ADVANTAGES, TOKEN_WEIGHTS, DROPPED)
      .partitionedBy(RUN_ID, ITERATION).keyedBy(RUN_ID, ITERATION, WAVE, GROUP_ID, SAMPLE)
      .check("credit_or_reason", "dropped IS NOT NULL OR advantage IS NOT NULL OR token_advantages IS NOT NULL");

  private Advantages() {}
}
