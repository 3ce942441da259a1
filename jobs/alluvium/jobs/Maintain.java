package alluvium.jobs;

import alluvium.spark.Lake;
import alluvium.spark.LakeSession;
import alluvium.spark.PolicyFolders;
import alluvium.spark.Upkeep;
import alluvium.tables.Advantages;
import alluvium.tables.Evaluations;
import alluvium.tables.Metrics;
import alluvium.tables.Policies;
import alluvium.tables.Prompts;
import alluvium.tables.Rejects;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import alluvium.tables.Runs;
import alluvium.tables.Stages;
import alluvium.tables.States;
import alluvium.tables.Table;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Option;

/**
 * Keeps a lake quick and small, on a schedule: merges small files, and, where told so, deletes files out of use and the
 * optimizer states of older iterations. Rows, digests and what the manifest says is done stay as they are. Run it while
 * no run writes to the lake, where that is on a local file system.
 */
public final class Maintain {
  /** In the order in which a lake is looked through. */
  static final List<Table> TABLES = List.of(Prompts.TABLE, Rejects.TABLE, Rollouts.TABLE, Rewards.TABLE,
      Advantages.TABLE, Policies.TABLE, Runs.TABLE, Stages.TABLE, States.TABLE, Metrics.TABLE, Evaluations.TABLE);
  private static final double MEBIBYTE = 1 << 20;

  private Maintain() {}

  static final class Arguments extends Options {
    @Option(names = "--least-files", defaultValue = "32",
        description = "compact a table where that saves so many files (default: ${DEFAULT-VALUE})")
    int leastFiles;

    @Option(names = "--retain-hours",
        description = "delete data files out of use for so many hours; none are deleted where this is left out")
    Optional<Integer> retainHours;

    @Option(names = "--give-up-pinned-versions",
        description = "delete them even where versions that the manifest names become unreadable")
    boolean giveUp;

    @Option(names = "--keep-optimizers",
        description = "remove optimizer states but for those of so many last iterations of each run; all are kept where"
            + " this is left out")
    Optional<Integer> keepOptimizers;

    @Option(names = "--leftover-hours", defaultValue = "24",
        description = "remove half-made policy folders, and optimizer states of no policy, not touched for so many"
            + " hours (default: ${DEFAULT-VALUE})")
    int leftoverHours;
  }

  public static void main(String... args) {
    Arguments arguments = new Arguments();
    if (!arguments.parse("Maintain", args)) {
      return;
    }
    Options.atLeast(1, "--least-files", arguments.leastFiles);
    Options.atLeast(0, "--leftover-hours", arguments.leftoverHours);
    arguments.retainHours.ifPresent(hours -> Options.atLeast(0, "--retain-hours", hours));
    arguments.keepOptimizers.ifPresent(kept -> Options.atLeast(1, "--keep-optimizers", kept));
    Cluster cluster = Cluster.read(Path.of(arguments.cluster));
    boolean joined = LakeSession.running();
    SparkSession spark = LakeSession.open("maintain", cluster.slots(), cluster.spark());
    try {
      maintain(Lake.open(spark, arguments.lake), arguments);
    } finally {
      if (!joined) {
        spark.stop();
      }
    }
  }

  static void maintain(Lake lake, Arguments arguments) {
    for (Table table : TABLES) {
      if (lake.holds(table)) {
        long saved = new Upkeep(lake, table).compact(arguments.leastFiles);
        if (saved > 0) {
          Console.line("maintain   %s: %d files fewer, version %d", table.name(), saved, lake.version(table));
        }
      }
    }
    OptionalInt keep = arguments.keepOptimizers.map(OptionalInt::of).orElse(OptionalInt.empty());
    for (PolicyFolders.Folder folder : removable(lake, keep, arguments.leftoverHours)) {
      PolicyFolders.remove(lake, folder);
      Console.line("maintain   removed %s, %.1f MiB", folder.name(), folder.bytes() / MEBIBYTE);
    }
    OptionalLong hours = arguments.retainHours.map(OptionalLong::of).orElse(OptionalLong.empty());
    for (Table table : TABLES) {
      if (hours.isPresent() && lake.holds(table)) {
        Upkeep upkeep = new Upkeep(lake, table);
        Upkeep.Stored gone = arguments.giveUp ? upkeep.vacuumWhateverIsNamed(hours.getAsLong())
            : upkeep.vacuum(hours.getAsLong());
        if (gone.files() > 0) {
          Console.line("maintain   %s: deleted %d files, %.1f MiB", table.name(), gone.files(),
              gone.bytes() / MEBIBYTE);
        }
      }
    }
    Console.line("maintain   done");
  }

  /** Half-made folders and states of no policy, once they are old; and states of all but the last iterations. */
  private static List<PolicyFolders.Folder> removable(Lake lake, OptionalInt keep, int leftoverHours) {
    Instant old = Instant.now().minusSeconds(leftoverHours * 3600L);
    Set<String> named = new HashSet<>();
    Set<String> kept = new HashSet<>();
    if (lake.holds(Policies.TABLE)) {
      Map<String, TreeSet<Integer>> iterations = new HashMap<>();
      List<Row> rows = lake.read(Policies.TABLE).filter(Policies.OPTIMIZER_URI.col().isNotNull()).collectAsList();
      for (Row row : rows) {
        named.add(folder(row));
        iterations.computeIfAbsent(Policies.RUN_ID.of(row), r -> new TreeSet<>(Comparator.reverseOrder()))
            .add(Policies.ITERATION.of(row));
      }
      for (Row row : rows) {
        List<Integer> last = iterations.get(Policies.RUN_ID.<String>of(row)).stream()
            .limit(keep.orElse(Integer.MAX_VALUE)).toList();
        if (last.contains(Policies.ITERATION.<Integer>of(row))) {
          kept.add(folder(row));
        }
      }
    }
    return PolicyFolders.folders(lake).stream().filter(folder -> {
      boolean leftover = folder.partial() || folder.optimizer() && !named.contains(folder.name());
      boolean superseded = folder.optimizer() && named.contains(folder.name()) && !kept.contains(folder.name());
      return superseded || leftover && Instant.ofEpochMilli(folder.modifiedMillis()).isBefore(old);
    }).toList();
  }

  private static String folder(Row policy) {
    return new org.apache.hadoop.fs.Path(Policies.OPTIMIZER_URI.<String>of(policy)).getName();
  }
}
