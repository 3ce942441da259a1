package alluvium.tables;

import static alluvium.tables.Field.BOOLEAN;
import static alluvium.tables.Field.FLOAT;
import static alluvium.tables.Field.INT;
import static alluvium.tables.Field.LONG;
import static alluvium.tables.Field.STRING;
import static alluvium.tables.Field.array;
import static alluvium.tables.Field.optional;
import static alluvium.tables.Field.required;

/** One sampled completion per row. Written by Generate, never updated. */
public final class Rollouts {
  public static final Field RUN_ID = required("run_id", STRING, "key of the run");
  public static final Field ITERATION = required("iteration", INT, "0-based");
  public static final Field WAVE = required("wave", INT, "0-based round of generation within the iteration");
  public static final Field SHARD = required("shard", INT, "0-based unit of work: rows generated in one batch");
  public static final Field PROMPT_ID = required("prompt_id", STRING, "key of prompts");
  public static final Field GROUP_ID = required("group_id", STRING,
      "rows whose rewards are compared; equals prompt_id unless the prompt was rewritten");
  public static final Field SAMPLE = required("sample", INT, "0-based index within the group");
  public static final Field POLICY_VERSION = required("policy_version", STRING, "digest of the policy that sampled");
  public static final Field BEHAVIOUR_TOKENS = optional("behaviour_tokens", array(INT),
      "prompt ids the sampler saw; absent where they equal prompt_tokens");
  public static final Field PROMPT_TOKENS = required("prompt_tokens", array(INT), "prompt ids the loss conditions on");
  public static final Field TOKENS = required("tokens", array(INT), "completion ids, end-of-text included, no padding");
  public static final Field LOGP = required("logp", array(FLOAT),
      "natural log at the sampling temperature before truncation to top-k, top-p or min-p, one per token");
  public static final Field ROLES = optional("roles", array(INT),
      "per token: 1 policy, 2 observation, 3 hint, 4 expert; absent where all are 1");
  public static final Field TURNS = optional("turns", array(INT), "0-based turn per token; absent for one turn");
  public static final Field ENTROPIES = optional("entropies", array(FLOAT), "nats per token; absent if not recorded");
  public static final Field FINISH_REASON = required("finish_reason", STRING, "stop or length");
  public static final Field SEED = required("seed", LONG, "start of this completion's random stream");
  public static final Field TEXT = required("text", STRING, "decoded completion without special tokens");
  public static final Field REPLAYED = required("replayed", BOOLEAN, "true where copied from an earlier iteration");

  public static final Table TABLE = Table.of("rollouts", "One sampled completion", RUN_ID, ITERATION, WAVE, SHARD,
          PROMPT_ID, GROUP_ID, SAMPLE, POLICY_VERSION, BEHAVIOUR_TOKENS, PROMPT_TOKENS, TOKENS, LOGP, ROLES, TURNS,
          ENTROPIES, FINISH_REASON, SEED, TEXT, REPLAYED)
      .partitionedBy(RUN_ID, ITERATION).keyedBy(RUN_ID, ITERATION, WAVE, GROUP_ID, SAMPLE)
      .check("one_logp_per_token", "size(tokens) = size(logp)").neverUpdated();

  private Rollouts() {}
}
