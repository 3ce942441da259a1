package alluvium.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.policies.Processor;
import alluvium.tables.RecipeException;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;

class GpuStagesTest {
  private static SparkConf conf(String master, String... pairs) {
    SparkConf conf = new SparkConf(false).set("spark.master", master);
    for (int i = 0; i < pairs.length; i += 2) {
      conf.set(pairs[i], pairs[i + 1]);
    }
    return conf;
  }

  @Test
  void aTaskHasTheFirstOfItsAddresses() {
    assertThat(GpuStages.of(Map.of())).isEqualTo(Processor.CPU);
    assertThat(GpuStages.of(Map.of("fpga", new String[] {"0"}))).isEqualTo(Processor.CPU);
    assertThat(GpuStages.of(Map.of("gpu", new String[0]))).isEqualTo(Processor.CPU);
    assertThat(GpuStages.of(Map.of("gpu", new String[] {"1"}))).isEqualTo(Processor.gpu(1));
    assertThat(GpuStages.of(Map.of("gpu", new String[] {"7", "2"}))).isEqualTo(Processor.gpu(7));
  }

  @Test
  void anAddressThatIsNoIndexIsRefused() {
    assertThatThrownBy(() -> GpuStages.of(Map.of("gpu", new String[] {"GPU-8f2a"})))
        .isInstanceOf(RecipeException.class)
        .hasMessage("the address of a GPU must be its index, such as 0, got \"GPU-8f2a\". Let the script of"
            + " spark.executor.resource.gpu.discoveryScript print indices, as nvidia-smi --query-gpu=index does.");
  }

  @Test
  void onlyExecutorsWithGpusThatTasksDoNotAskForAnyway() {
    String executors = "spark.executor.resource.gpu.amount";
    String tasks = "spark.task.resource.gpu.amount";
    assertThat(GpuStages.asked(conf("yarn"))).isFalse();
    assertThat(GpuStages.asked(conf("yarn", executors, "0"))).isFalse();
    assertThat(GpuStages.asked(conf("yarn", executors, "2"))).isTrue();
    assertThat(GpuStages.asked(conf("spark://host:7077", executors, "1"))).isTrue();
    assertThat(GpuStages.asked(conf("k8s://https://host:443", executors, "1"))).isTrue();
    assertThat(GpuStages.asked(conf("local-cluster[1,2,1024]", executors, "2"))).isTrue();
    assertThat(GpuStages.asked(conf("yarn", executors, "2", tasks, "0.25"))).isFalse();
    assertThat(GpuStages.asked(conf("local[2]", executors, "2"))).isFalse();
    assertThat(GpuStages.asked(conf("local", executors, "2"))).isFalse();
  }

  @Test
  void withoutGpusNothingChanges() {
    JavaRDD<Integer> numbers = JavaSparkContext.fromSparkContext(TestSession.spark().sparkContext())
        .parallelize(List.of(1, 2, 3), 2);
    assertThat(GpuStages.with(numbers)).isSameAs(numbers);
    assertThat(GpuStages.apart(numbers)).isSameAs(numbers);
    assertThat(numbers.rdd().getResourceProfile()).isNull();
    assertThat(numbers.map(n -> GpuStages.ofTask().toString()).collect()).containsOnly("cpu");
    assertThat(GpuStages.ofTask()).isEqualTo(Processor.CPU);    // on the driver, outside of any task
  }
}
