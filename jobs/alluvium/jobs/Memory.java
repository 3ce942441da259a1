package alluvium.jobs;

import alluvium.jobs.MemoryEstimate.Place;
import alluvium.spark.GpuStages;
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SparkConf;

/** The memory that a session has, as far as it can tell: what nobody says is not among the rooms. */
record Memory(List<Room> rooms) {
  private static final long MEBIBYTE = 1L << 20;
  private static final long LEAST_OVERHEAD_MEBIBYTES = 384;    // Spark's
  private static final double OVERHEAD_SHARE = 0.1;            // Spark's, where the JVM runs the job

  /**
   * Memory of one kind.
   *
   * @param places what must fit together
   * @param wayOut what to do where it does not
   */
  record Room(String name, long bytes, List<Place> places, String wayOut) {
    Room {
      places = List.copyOf(places);
    }
  }

  Memory {
    rooms = List.copyOf(rooms);
  }

  /** That of a session with this configuration, whose driver this process is. */
  static Memory of(SparkConf conf) {
    return of(conf, Runtime.getRuntime().maxMemory(), machine());
  }

  /** Bytes of this machine, or of the container that this process may not leave. */
  static long machine() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
  }

  /**
   * The same for a heap and a machine of so many bytes. With a local master one process is driver and executor. YARN
   * and Kubernetes end an executor that leaves its memory; a standalone worker does not, and what its machine has is
   * not known here. Where stages ask for GPUs tensors live in those.
   */
  static Memory of(SparkConf conf, long heap, long machine) {
    String master = conf.get("spark.master", "local");
    String smaller = "Lower shardPrompts, microBatch or maxTokens in the recipe, or slots in the cluster file";
    List<Room> rooms = new ArrayList<>();
    if (GpuStages.oneProcess(master)) {
      rooms.add(new Room("the heap", heap, List.of(Place.DRIVER_HEAP, Place.EXECUTOR_HEAP),
          "Give it more: --driver-memory, or driverMemoryMebibytes in the cluster file."));
      rooms.add(new Room("the machine beside the heap", Math.max(1, machine - heap), List.of(Place.EXECUTOR_NATIVE),
          smaller + "."));
      return new Memory(rooms);
    }
    rooms.add(new Room("the driver's heap", heap, List.of(Place.DRIVER_HEAP), "Give it more: --driver-memory."));
    long executor = MEBIBYTE * conf.getSizeAsMb("spark.executor.memory", "1g");
    rooms.add(new Room("an executor's heap", executor, List.of(Place.EXECUTOR_HEAP),
        "Give it more: --executor-memory."));
    if ((master.startsWith("yarn") || master.startsWith("k8s")) && !GpuStages.asked(conf)) {
      double share = conf.getDouble("spark.executor.memoryOverheadFactor", OVERHEAD_SHARE);
      long usual = Math.max(LEAST_OVERHEAD_MEBIBYTES * MEBIBYTE, (long) (share * executor));
      long overhead = conf.contains("spark.executor.memoryOverhead")
          ? MEBIBYTE * conf.getSizeAsMb("spark.executor.memoryOverhead") : usual;
      rooms.add(new Room("an executor's memory beside its heap", overhead, List.of(Place.EXECUTOR_NATIVE),
          "Give it more: spark.executor.memoryOverhead. " + smaller + "."));
    }
    return new Memory(rooms);
  }
}
