package alluvium.jobs;

import alluvium.policies.Checkpoint;
import alluvium.policies.Tensors;
import alluvium.spark.Lake;
import alluvium.spark.LakeSession;
import alluvium.spark.PolicyFolders;
import alluvium.spark.PolicyHandle;
import alluvium.tables.DataException;
import alluvium.tables.Field;
import alluvium.tables.Policies;
import alluvium.tables.Prompts;
import alluvium.tables.Table;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** One run's open tables, with the machine that computes for it. */
final class Run implements AutoCloseable {
  static final String MAIN = "main";
  static final String BASE = "base";

  private final String id;
  private final long seed;
  private final Cluster cluster;
  private final Lake lake;
  private final Ledger ledger;
  private final String recipeDigest;
  private final Runnable ending;

  private Run(String id, long seed, Cluster cluster, Lake lake, String recipeDigest, Runnable ending) {
    this.id = id;
    this.seed = seed;
    this.cluster = cluster;
    this.lake = lake;
    this.recipeDigest = recipeDigest;
    this.ledger = new Ledger(lake, id, recipeDigest);
    this.ending = ending;
  }

  /**
   * Opens the run that a command line names. Everything the command line and the recipe can get wrong was checked. A
   * session that this starts ends with the run; one that it joins, such as a notebook's, stays.
   */
  static Run open(String application, Options options, String recipeDigest) {
    Cluster cluster = Cluster.read(Path.of(options.cluster));
    boolean joined = LakeSession.running();
    SparkSession spark = LakeSession.open(application, cluster.slots(), cluster.spark());
    return new Run(options.run, options.seed, cluster, Lake.open(spark, options.lake), recipeDigest,
        joined ? () -> { } : spark::stop);
  }

  /** Another run on the same open tables. */
  Run beside(String otherId, long otherSeed, String otherRecipeDigest) {
    return new Run(otherId, otherSeed, cluster, lake, otherRecipeDigest, () -> { });
  }

  String id() {
    return id;
  }

  long seed() {
    return seed;
  }

  SparkSession spark() {
    return lake.spark();
  }

  Lake lake() {
    return lake;
  }

  Ledger ledger() {
    return ledger;
  }

  String recipeDigest() {
    return recipeDigest;
  }

  /** Tasks that run at once on one machine; where a cluster has more, Spark's own default parallelism. */
  int slots() {
    return Math.max(cluster.slots(), spark().sparkContext().defaultParallelism());
  }

  int threads() {
    return cluster.threadsPerTask();
  }

  /** The tasks of a source and split at the version that the run pinned. */
  Dataset<Row> prompts(String source, String split) {
    long version = ledger.pin(Prompts.TABLE);
    return lake.read(Prompts.TABLE, version)
        .filter(Prompts.SOURCE.col().equalTo(source).and(Prompts.SPLIT.col().equalTo(split)));
  }

  /** The rows of one iteration of this run. */
  Dataset<Row> rows(Table table, int iteration) {
    return lake.read(table, id, iteration);
  }

  /** The policy that an iteration starts from. */
  Optional<Row> policy(int iteration) {
    List<Row> rows = lake.read(Policies.TABLE).filter(Policies.RUN_ID.col().equalTo(id)
        .and(Policies.ITERATION.col().equalTo(iteration)).and(Policies.ROLE.col().equalTo(MAIN))).collectAsList();
    return rows.stream().findFirst();
  }

  Row requirePolicy(int iteration) {
    return policy(iteration).orElseThrow(() -> new DataException(
        "policies: run %s has no policy for iteration %d. Run Supervise, or Update for iteration %d, first.", id,
        iteration,
        iteration - 1));
  }

  PolicyHandle handle(Row policy) {
    Map<String, String> files = new HashMap<>(policy.getJavaMap(policy.fieldIndex(Policies.FILES.name())));
    return new PolicyHandle(Policies.POLICY_VERSION.of(policy), Policies.URI.of(policy), files, threads());
  }

  /**
   * Writes a policy's folder, and the optimizer's state where there is one, and returns the row that makes it
   * visible.
   */
  Row publish(Checkpoint checkpoint, int iteration, String role, Optional<String> parent, List<String> slotNames,
      List<Tensors> slots, long steps) {
    try {
      Path folder = Files.createTempDirectory("alluvium-policy");
      try {
        Map<String, String> files = checkpoint.write(folder.resolve("policy"));
        String version = Checkpoint.version(files);
        Map<Field, Object> row = new HashMap<>();
        row.put(Policies.URI, PolicyFolders.publish(lake, folder.resolve("policy"), version));
        if (!slots.isEmpty()) {
          Path state = Files.createDirectory(folder.resolve("optimizer"));
          OptimizerState.write(state.resolve(OptimizerState.FILE), slotNames, slots);
          String name = "optimizer-" + Checkpoint.version(Checkpoint.digests(state));
          row.put(Policies.OPTIMIZER_URI, PolicyFolders.publish(lake, state, name));
        }
        row.put(Policies.RUN_ID, id);
        row.put(Policies.ITERATION, iteration);
        row.put(Policies.ROLE, role);
        row.put(Policies.POLICY_VERSION, version);
        parent.ifPresent(p -> row.put(Policies.PARENT, p));
        row.put(Policies.FILES, files);
        row.put(Policies.OPTIMIZER_STEPS, steps);
        row.put(Policies.RECIPE_DIGEST, recipeDigest);
        return Policies.TABLE.row(row);
      } finally {
        delete(folder);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("a policy cannot be written", e);
    }
  }

  @Override
  public void close() {
    try {
      ledger.close();
    } finally {
      ending.run();
    }
  }

  static void delete(Path folder) throws IOException {
    try (Stream<Path> paths = Files.walk(folder)) {
      for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
