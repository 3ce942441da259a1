package alluvium.tables;

import static alluvium.tables.Field.DOUBLE;
import static alluvium.tables.Field.INT;
import static alluvium.tables.Field.LONG;
import static alluvium.tables.Field.STRING;
import static alluvium.tables.Field.required;

/** One measure of one policy on a fixed set of prompts, with its 95% interval. Written by Evaluate. */
public final class Evaluations {
  public static final Field RUN_ID = required("run_id", STRING, "key of the run");
  public static final Field ITERATION = required("iteration", INT, "the iteration whose starting policy was measured");
  public static final Field POLICY_VERSION = required("policy_version", STRING, "digest of the policy");
  public static final Field SOURCE = required("source", STRING, "source of the prompts");
  public static final Field SPLIT = required("split", STRING, "split of the prompts");
  public static final Field NAME = required("name", STRING, "greedy_accuracy, sampled_accuracy or pass@k");
  public static final Field VALUE = required("value", DOUBLE, "share in [0, 1]");
  public static final Field LOW = required("low", DOUBLE, "lower end of the 95% interval over prompts");
  public static final Field HIGH = required("high", DOUBLE, "upper end of the 95% interval over prompts");
  public static final Field PROMPT_COUNT = required("prompt_count", LONG, "prompts measured");
  public static final Field SAMPLES = required("samples", INT, "completions per prompt");
  public static final Field FAILED = required("failed", LONG,
      "completions whose verifier failed; left out of the measure");

  public static final Table TABLE = Table.of("evaluations", "One measure of one policy", RUN_ID, ITERATION,
          POLICY_VERSION, SOURCE, SPLIT, NAME, VALUE, LOW, HIGH, PROMPT_COUNT, SAMPLES, FAILED)
      .keyedBy(RUN_ID, ITERATION, SOURCE, SPLIT, NAME);

  private Evaluations() {}
}
