package alluvium.jobs;

import static alluvium.tables.RecipeException.require;

import java.io.Serializable;
import java.nio.file.Path;
import java.util.Map;

/**
 * The machines of a run: never a number that changes its result.
 *
 * @param slots tasks that run at once on a machine, at least 1; with a local master, the threads of the session
 * @param threadsPerTask threads of the tensor engine in each task, at least 1; slots times this is the cores in use
 * @param driverMemoryMebibytes heap of the driver, at least 512; counts where the driver is started by the product
 * @param spark further settings of the session, as Spark names them, each starting with "spark."
 */
public record Cluster(int slots, int threadsPerTask, int driverMemoryMebibytes, Map<String, String> spark)
    implements Serializable {
  private static final int LEAST_MEBIBYTES = 512;

  public Cluster {
    require(slots >= 1, "slots must be >= 1, got %s", slots);
    require(threadsPerTask >= 1, "threadsPerTask must be >= 1, got %s", threadsPerTask);
    require(driverMemoryMebibytes >= LEAST_MEBIBYTES, "driverMemoryMebibytes must be >= %s, got %s", LEAST_MEBIBYTES,
        driverMemoryMebibytes);
    for (String key : spark.keySet()) {
      require(key.startsWith("spark."), "spark: keys must start with \"spark.\", got \"%s\"", key);
    }
    spark = Map.copyOf(spark);
  }

  /** The cluster of a YAML file, such as conf/clusters/local.yaml. */
  public static Cluster read(Path file) {
    return parse(StrictYaml.text(file), file.toString());
  }

  /** The cluster of a YAML text; place is what errors call it. */
  public static Cluster parse(String yaml, String place) {
    return Binding.bind(Cluster.class, yaml, place);
  }
}
