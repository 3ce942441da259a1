package alluvium.spark;

import alluvium.policies.Processor;
import alluvium.tables.RecipeException;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.stream.Collectors;
import org.apache.spark.HashPartitioner;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.resource.ResourceProfile;
import org.apache.spark.resource.ResourceProfileBuilder;
import org.apache.spark.resource.TaskResourceRequests;
import scala.Tuple2;

/**
 * Which stages ask Spark for a GPU, and which one a task was given. Where executors have GPUs (spark.executor.resource
 * .gpu.amount) and tasks in general ask for none, each task of a stage that runs a policy asks for one, and no other
 * task does. Where tasks ask for one in general (spark.task.resource.gpu.amount), all stages stay as they are. Without
 * GPUs nothing here changes anything.
 *
 * <p>A stage's request covers everything that is computed in it. Spark 3.5.1 and later grant it on standalone, YARN and
 * Kubernetes, with the executors that there are; with dynamic allocation it starts others for these stages.
 */
public final class GpuStages {
  private static final String GPU = "gpu";
  private static final String OF_EXECUTORS = "spark.executor.resource.gpu.amount";
  private static final String OF_TASKS = "spark.task.resource.gpu.amount";

  /** One per context: two that are alike in one stage are a conflict to Spark. */
  private static final Map<SparkContext, ResourceProfile> PROFILES = new WeakHashMap<>();

  private GpuStages() {}

  /** Whether stages that run a policy ask for a GPU per task. */
  public static boolean asked(SparkConf conf) {
    return amount(conf, OF_EXECUTORS) > 0 && amount(conf, OF_TASKS) == 0 && !oneProcess(conf.get("spark.master", ""));
  }

  /** The same elements, computed by tasks that have a GPU each, as is everything else in their stage. */
  public static <T> JavaRDD<T> with(JavaRDD<T> computed) {
    return asked(computed.context().getConf()) ? computed.withResources(profile(computed.context())) : computed;
  }

  /**
   * The same elements, partitions and order, computed as in {@link #with} in a stage that ends here: what reads them
   * needs no GPU, though they were lost and must be computed again.
   */
  public static <T> JavaRDD<T> apart(JavaRDD<T> computed) {
    if (!asked(computed.context().getConf())) {
      return computed;
    }
    int partitions = computed.getNumPartitions();
    return with(computed).mapToPair(element -> new Tuple2<>(TaskContext.getPartitionId(), element))
        .partitionBy(new HashPartitioner(partitions)).values();
  }

  /**
   * The processor of the running task: the first address of its GPUs; without any, the CPU. A local master takes no
   * requests, so there a task has the GPU that is visible, if one is and the tensor library can use it.
   */
  public static Processor ofTask() {
    TaskContext context = TaskContext.get();
    if (context == null) {
      return Processor.CPU;
    }
    Map<String, String[]> addresses = context.resourcesJMap().entrySet().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, entry -> entry.getValue().addresses()));
    return addresses.isEmpty() && oneProcess(SparkEnv.get().conf().get("spark.master", "")) ? Processor.visible()
        : of(addresses);
  }

  /** The processor that a task's addresses by resource name them. */
  static Processor of(Map<String, String[]> addresses) {
    String[] gpus = addresses.getOrDefault(GPU, new String[0]);
    if (gpus.length == 0) {
      return Processor.CPU;
    }
    if (!gpus[0].matches("[0-9]{1,4}")) {
      throw new RecipeException("the address of a GPU must be its index, such as 0, got \"%s\". Let the script of"
          + " spark.executor.resource.gpu.discoveryScript print indices, as nvidia-smi --query-gpu=index does.",
          gpus[0]);
    }
    return Processor.gpu(Integer.parseInt(gpus[0]));
  }

  private static double amount(SparkConf conf, String key) {
    return conf.getDouble(key, 0);
  }

  /** Whether a master is one process; local-cluster is several. */
  public static boolean oneProcess(String master) {
    return master.equals("local") || master.startsWith("local[");
  }

  private static synchronized ResourceProfile profile(SparkContext context) {
    return PROFILES.computeIfAbsent(context,
        c -> new ResourceProfileBuilder().require(new TaskResourceRequests().resource(GPU, 1)).build());
  }
}
