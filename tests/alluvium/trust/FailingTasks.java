package alluvium.trust;

import java.util.Map;
import org.apache.spark.TaskContext;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.api.plugin.SparkPlugin;
import org.apache.spark.util.TaskCompletionListener;

/** Lets the first attempt of every fourth task fail, after it has computed. */
public final class FailingTasks implements SparkPlugin {
  @Override
  public DriverPlugin driverPlugin() {
    return new DriverPlugin() { };
  }

  @Override
  public ExecutorPlugin executorPlugin() {
    return new ExecutorPlugin() {
      @Override
      public void init(PluginContext context, Map<String, String> more) {
        // nothing to prepare
      }

      @Override
      public void onTaskStart() {
        TaskContext task = TaskContext.get();
        if (task.attemptNumber() == 0 && (task.stageId() + task.partitionId()) % 4 == 0) {
          task.addTaskCompletionListener((TaskCompletionListener) t -> {
            throw new IllegalStateException("injected: the first attempt of this task fails");
          });
        }
      }
    };
  }
}
