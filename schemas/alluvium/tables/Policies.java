package alluvium.tables;

import static alluvium.tables.Field.INT;
import static alluvium.tables.Field.LONG;
import static alluvium.tables.Field.STRING;
import static alluvium.tables.Field.map;
import static alluvium.tables.Field.optional;
import static alluvium.tables.Field.required;

/** One policy version: a Hugging Face folder named by the digest of its contents. Written by Supervise and Update. */
public final class Policies {
  public static final Field RUN_ID = required("run_id", STRING, "key of the run");
  public static final Field ITERATION = required("iteration", INT,
      "the iteration this policy starts: 0 for the run's first policy, k + 1 for the one Update k made");
  public static final Field ROLE = required("role", STRING, "main, half-step, reference, reward-model or critic");
  public static final Field POLICY_VERSION = required("policy_version", STRING, "digest of the folder's files");
  public static final Field PARENT = optional("parent", STRING, "policy it was updated from; absent for a first one");
  public static final Field URI = required("uri", STRING, "Hadoop path of the folder");
  public static final Field FILES = required("files", map(STRING), "file name to SHA-256");
  public static final Field OPTIMIZER_URI = optional("optimizer_uri", STRING,
      "safetensors file of the optimizer's state; absent before the first step");
  public static final Field OPTIMIZER_STEPS = required("optimizer_steps", LONG, "steps taken since the run began");
  public static final Field RECIPE_DIGEST = required("recipe_digest", STRING, "digest of the recipe in force");

  public static final Table TABLE = Table.of("policies", "One policy version", RUN_ID, ITERATION, ROLE, POLICY_VERSION,
          PARENT, URI, FILES, OPTIMIZER_URI, OPTIMIZER_STEPS, RECIPE_DIGEST)
      .keyedBy(RUN_ID, ITERATION, ROLE).neverUpdated()
      .digestedWithout(URI, OPTIMIZER_URI);

  private Policies() {}
}
