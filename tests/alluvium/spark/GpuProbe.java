package alluvium.spark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;

/** A job that asks for GPUs as the product does, opens none, and writes what each of its tasks was given. */
public final class GpuProbe {
  private static final int TASKS = 4;
  private static final long MILLIS = 1500;    // long enough for tasks to run side by side

  private GpuProbe() {}

  public static void main(String[] args) throws IOException {
    List<String> lines = new ArrayList<>();
    try (JavaSparkContext spark = new JavaSparkContext(new SparkConf())) {
      GpuStages.with(numbers(spark).map(n -> seen("with", n))).collect().forEach(lines::add);
      numbers(spark).map(n -> seen("plain", n)).collect().forEach(lines::add);
      JavaRDD<String> computed = GpuStages.apart(numbers(spark).map(n -> "apart " + n + " " + GpuStages.ofTask()));
      JavaRDD<String> read = computed.map(line -> line + " then " + GpuStages.ofTask()).cache();
      read.collect().forEach(lines::add);
      lines.add("partitions " + read.glom().map(List::size).collect());
      // two that ask in one stage, as the steps of an update do on shards that a reference has seen
      GpuStages.with(GpuStages.with(numbers(spark)).map(n -> "twice " + n + " " + GpuStages.ofTask())).collect()
          .forEach(lines::add);
    }
    Files.write(Path.of(args[0]), lines);
  }

  private static JavaRDD<Integer> numbers(JavaSparkContext spark) {
    return spark.parallelize(IntStream.range(0, TASKS).boxed().toList(), TASKS);
  }

  private static String seen(String how, int number) throws InterruptedException {
    long start = System.currentTimeMillis();
    Thread.sleep(MILLIS);
    return String.join(" ", how, String.valueOf(number), GpuStages.ofTask().toString(), SparkEnv.get().executorId(),
        String.valueOf(start), String.valueOf(System.currentTimeMillis()));
  }
}
