package alluvium.trust;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.SparkConf;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerStageSubmitted;
import org.apache.spark.scheduler.SparkListenerTaskStart;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends SIGKILL to an executor of a local-cluster when tasks of a stage begin. The setting spark.test.kill names the
 * stages by a class of their call site and which of their tasks' starts counts, as in Stepping:3,Generate:9.
 */
public final class ExecutorKiller extends SparkListener {
  private static final Logger LOG = LoggerFactory.getLogger(ExecutorKiller.class);

  private final String[] plans;
  private final AtomicInteger[] seen;
  private final Set<String> hit = new HashSet<>();

  public ExecutorKiller(SparkConf conf) {
    plans = conf.get("spark.test.kill").split(",");
    seen = new AtomicInteger[plans.length];
    for (int i = 0; i < plans.length; i++) {
      seen[i] = new AtomicInteger();
    }
  }

  @Override
  public synchronized void onStageSubmitted(SparkListenerStageSubmitted submitted) {
    for (String plan : plans) {
      if (submitted.stageInfo().details().contains("." + plan.split(":")[0] + ".")) {
        hit.add(plan + "/" + submitted.stageInfo().stageId());
      }
    }
  }

  @Override
  public synchronized void onTaskStart(SparkListenerTaskStart started) {
    for (int i = 0; i < plans.length; i++) {
      if (hit.contains(plans[i] + "/" + started.stageId())
          && seen[i].incrementAndGet() == Integer.parseInt(plans[i].split(":")[1])) {
        kill(plans[i], started.taskInfo().executorId());
      }
    }
  }

  private static void kill(String plan, String executor) {
    ProcessHandle.current().descendants().filter(p -> {
      String command = command(p.pid());
      return command.contains("CoarseGrainedExecutorBackend") && command.contains("--executor-id\0" + executor + "\0");
    }).findFirst().ifPresent(p -> {
      LOG.warn("killed executor {} in {}", executor, plan);
      p.destroyForcibly();
    });
  }

  private static String command(long pid) {
    try {
      return Files.readString(Path.of("/proc/" + pid + "/cmdline"), StandardCharsets.ISO_8859_1);
    } catch (java.nio.file.NoSuchFileException e) {
      return "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
