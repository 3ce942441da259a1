package alluvium.jobs;

import alluvium.jobs.Finding.Grade;
import alluvium.policies.Processor;
import alluvium.policies.TensorLibrary;
import alluvium.rewards.Sandbox;
import alluvium.spark.GpuStages;
import alluvium.spark.LakeSession;
import alluvium.tables.DataException;
import java.io.File;
import java.io.Serializable;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/**
 * Looks at everything that a run needs, here and on the executors, and says what is wrong and what to do. Nothing is
 * left behind; tables that are there are only looked at.
 */
public final class Doctor {
  private static final long MEBIBYTE = 1L << 20;
  private static final List<String> OPENED = List.of("java.lang", "java.lang.invoke", "java.lang.reflect", "java.io",
      "java.net", "java.nio", "java.util", "java.util.concurrent", "java.util.concurrent.atomic", "sun.nio.ch",
      "sun.nio.cs", "sun.security.action", "sun.util.calendar");

  private Doctor() {}

  public static void main(String... args) {
    Options arguments = new Options();
    if (!arguments.parse("Doctor", args)) {
      return;
    }
    Cluster cluster = Cluster.read(Path.of(arguments.cluster));
    boolean joined = LakeSession.running();
    List<Finding> findings = new ArrayList<>(process(Runtime.version().feature()));
    report(findings);
    SparkSession spark = LakeSession.open("doctor", cluster.slots(), cluster.spark());
    try {
      List<Finding> more = session(spark, cluster, arguments.lake);
      report(more);
      findings.addAll(more);
    } finally {
      if (!joined) {
        spark.stop();
      }
    }
    conclude(findings);
  }

  /** What can be said before there is a session. */
  static List<Finding> process(int java) {
    List<Finding> findings = new ArrayList<>();
    findings.add(java(java));
    findings.add(opened(OPENED.stream().filter(name -> !ModuleLayer.boot().findModule("java.base").orElseThrow()
        .isOpen(name, Doctor.class.getModule())).toList()));
    findings.add(programs(Sandbox.here(), Sandbox.reason()));
    findings.add(temporary(Path.of(System.getProperty("java.io.tmpdir"))));
    return findings;
  }

  /** What a session, its configuration, its executors and a lake are found to be. */
  static List<Finding> session(SparkSession spark, Cluster cluster, String lake) {
    SparkConf conf = spark.sparkContext().getConf();
    List<Finding> findings = new ArrayList<>();
    findings.add(version("spark", spark.version(), "3.5."));
    findings.add(version("scala", scala.util.Properties$.MODULE$.versionNumberString(), "2.12."));
    findings.add(version("delta", io.delta.package$.MODULE$.VERSION(), "3.3."));
    findings.addAll(library("driver", TensorLibrary.probe()));
    String master = conf.get("spark.master", "");
    int cores = GpuStages.oneProcess(master) ? Runtime.getRuntime().availableProcessors()
        : conf.getInt("spark.executor.cores", 1);
    int tasks = GpuStages.oneProcess(master) ? spark.sparkContext().defaultParallelism()
        : Math.max(1, cores / conf.getInt("spark.task.cpus", 1));
    findings.addAll(threads(cores, tasks, cluster.threadsPerTask(), System.getenv()));
    findings.add(memory(Runtime.getRuntime().maxMemory(), Memory.machine()));
    findings.addAll(DeltaSettings.session(key -> spark.conf().get(key, "")));
    List<Finding> files = LakeFiles.of(lake, spark.sessionState().newHadoopConf());
    findings.addAll(files);
    if (files.stream().noneMatch(f -> f.grade() == Grade.FAILED)) {
      findings.addAll(DeltaSettings.tables(spark, lake));
    }
    List<Witness> witnesses = witnesses(spark);
    findings.addAll(executors(witnesses));
    findings.add(gpus(key -> conf.get(key, ""), witnesses));
    return findings;
  }

  static Finding java(int feature) {
    String wayOut = "Set JAVA_HOME to a JDK 17, on executors as well.";
    return feature == 17 ? Finding.ok("java", "17")
        : feature < 17 ? Finding.failed("java", wayOut, "%d; 17 is needed", feature)
        : Finding.warning("java", wayOut, "%d; Spark 3.5 is made for 17", feature);
  }

  /** Packages of the JDK that Spark looks into, of which some are closed. */
  static Finding opened(List<String> closed) {
    return closed.isEmpty() ? Finding.ok("java", "the packages that Spark looks into are open")
        : Finding.failed("java", "Start with spark-submit, or with " + String.join(" ", closed.stream()
            .map(name -> "--add-opens=java.base/" + name + "=ALL-UNNAMED").toList()) + ".",
            "%d packages that Spark looks into are closed", closed.size());
  }

  static Finding version(String what, String found, String wanted) {
    return found.startsWith(wanted) ? Finding.ok(what, found)
        : Finding.failed(what, "Use " + what + " " + wanted + "x; others fit neither each other nor this jar.",
            "%s; %sx is needed", found, wanted);
  }

  /** What the tensor library of a process is. */
  static List<Finding> library(String where, TensorLibrary library) {
    List<Finding> findings = new ArrayList<>();
    findings.add(library.right() ? Finding.ok("tensors",
        "%s: DJL %s, PyTorch %s from %s; a product of matrices is right", where, library.djl(), library.torch(),
        library.folder()) : Finding.failed("tensors",
        "Delete " + library.folder() + " and start again; if that does not help, this processor is not supported.",
        "%s: PyTorch %s computes %s where %s is right", where, library.torch(), library.product(),
        TensorLibrary.RIGHT));
    if (!Files.isWritable(Path.of(library.cache()))) {
      findings.add(Finding.warning("tensors", "Set DJL_CACHE_DIR to a folder that can be written.",
          "%s: %s cannot be written: another version cannot be unpacked", where, library.cache()));
    }
    return findings;
  }

  /**
   * Whether threads fit the cores.
   *
   * @param tasks that run at once in a process
   * @param environment of the process
   */
  static List<Finding> threads(int cores, int tasks, int threadsPerTask, Map<String, String> environment) {
    List<Finding> findings = new ArrayList<>();
    String found = String.format("%d tasks x %d threads on %d cores", tasks, threadsPerTask, cores);
    findings.add(tasks * threadsPerTask > cores ? Finding.warning("threads",
        "Lower slots or threadsPerTask in the cluster file, or raise spark.task.cpus.", "%s: they wait for each other",
        found) : Finding.ok("threads", found));
    for (String variable : List.of("OMP_NUM_THREADS", "MKL_NUM_THREADS")) {
      String value = environment.getOrDefault(variable, "");
      if (!value.isEmpty() && !value.equals(String.valueOf(threadsPerTask))) {
        findings.add(Finding.warning("threads", "Unset it, or set it to threadsPerTask.",
            "%s is %s, threadsPerTask is %d", variable, value, threadsPerTask));
      }
    }
    return findings;
  }

  /** Whether a heap leaves the machine room for tensors. */
  static Finding memory(long heap, long machine) {
    String found = String.format("the heap may take %d MiB of the machine's %d", heap / MEBIBYTE, machine / MEBIBYTE);
    String wayOut = "Lower --driver-memory, or driverMemoryMebibytes in the cluster file: tensors live beside it.";
    return heap > 0.95 * machine ? Finding.failed("memory", wayOut, found)
        : heap > 0.75 * machine ? Finding.warning("memory", wayOut, found)
        : heap < 500 * MEBIBYTE ? Finding.warning("memory", "Raise --driver-memory: Spark and Delta need 512 MiB.",
            found)
        : Finding.ok("memory", found);
  }

  /** Whether programs can be graded, and what keeps them in. */
  static Finding programs(Optional<Sandbox> sandbox, String reason) {
    return sandbox.map(s -> s.isolation().closed()
        ? Finding.ok("programs", "are graded under %s, by %s", s.isolation().word(), s.python())
        : Finding.warning("programs", "Let the container make namespaces, or close the network around it.",
            "are graded under %s, by %s: they reach the network, and read what everybody can read",
            s.isolation().word(), s.python()))
        .orElseGet(() -> Finding.warning("programs",
            "Install Python 3.10 and util-linux where tasks run, if the recipe grades programs; nothing else needs it.",
            "%s", reason));
  }

  static Finding temporary(Path folder) {
    String wayOut = "Set -Djava.io.tmpdir, and spark.local.dir, to a folder with room.";
    File file = folder.toFile();
    if (!file.isDirectory() || !file.canWrite()) {
      return Finding.failed("temporary", wayOut, "%s is no folder that can be written", folder);
    }
    long free = file.getUsableSpace() / MEBIBYTE;
    return free < 1024 ? Finding.warning("temporary", wayOut, "%s has %d MiB", folder, free)
        : Finding.ok("temporary", "%s has %d MiB", folder, free);
  }

  /** What one task saw. */
  record Witness(String executor, String host, Processor processor, TensorLibrary library) implements Serializable {}

  /** Tasks on all executors, as many as run at once, as stages that run a policy would have them. */
  private static List<Witness> witnesses(SparkSession spark) {
    int tasks = Math.max(spark.sparkContext().defaultParallelism(), 1);
    JavaRDD<Witness> seen = GpuStages.with(JavaSparkContext.fromSparkContext(spark.sparkContext())
        .parallelize(IntStream.range(0, tasks).boxed().toList(), tasks).map(i -> new Witness(
            SparkEnv.get().executorId(), InetAddress.getLocalHost().getHostName(), GpuStages.ofTask(),
            TensorLibrary.probe())));
    return seen.collect();
  }

  static List<Finding> executors(List<Witness> witnesses) {
    TensorLibrary here = TensorLibrary.probe();
    Map<String, Witness> byExecutor = new TreeMap<>();
    witnesses.forEach(w -> byExecutor.putIfAbsent(w.executor(), w));
    List<String> others = byExecutor.values().stream()
        .filter(w -> !w.library().right() || !w.library().torch().equals(here.torch()))
        .map(w -> String.format("executor %s on %s: PyTorch %s, product %s", w.executor(), w.host(),
            w.library().torch(), w.library().product())).toList();
    List<Finding> findings = new ArrayList<>();
    others.forEach(other -> findings.add(Finding.failed("executors",
        "Give all machines the same jar, and the same kind of processor.", "%s", other)));
    if (others.isEmpty()) {
      findings.add(Finding.ok("executors", "the tensor library loads and multiplies rightly on %s",
          byExecutor.values().stream().map(w -> w.executor() + " (" + w.host() + ")").toList()));
    }
    return findings;
  }

  /** Whether GPUs are there, asked for and usable. */
  static Finding gpus(UnaryOperator<String> setting, List<Witness> witnesses) {
    String amount = setting.apply("spark.executor.resource.gpu.amount");
    List<String> given = witnesses.stream().map(w -> w.processor().toString()).distinct().sorted().toList();
    boolean any = given.stream().anyMatch(p -> !p.equals(Processor.CPU.toString()));
    boolean usable = witnesses.stream().allMatch(w -> w.library().cuda() > 0);
    if (any && !usable) {
      return Finding.failed("gpus", "Run with the CUDA natives (ai.djl.pytorch:pytorch-native-cu128), or without"
          + " spark.executor.resource.gpu.amount.", "tasks are given %s, but the tensor library is for CPUs", given);
    }
    if (any) {
      return Finding.ok("gpus", "tasks are given %s", given);
    }
    return amount.isEmpty() || amount.equals("0") ? Finding.ok("gpus", "none; tasks use the CPU")
        : Finding.failed("gpus", "Let spark.executor.resource.gpu.discoveryScript print the GPUs, and use a master that"
            + " takes requests.", "spark.executor.resource.gpu.amount is %s, but tasks are given none", amount);
  }

  private static void report(List<Finding> findings) {
    findings.forEach(finding -> Console.line("%s", finding.text()));
  }

  /** The last line. */
  static void conclude(List<Finding> findings) {
    long ok = findings.stream().filter(f -> f.grade() == Grade.OK).count();
    long warnings = findings.stream().filter(f -> f.grade() == Grade.WARNING).count();
    long failed = findings.size() - ok - warnings;
    String line = String.format("%d ok, %d warnings, %d failed", ok, warnings, failed);
    Console.line("%s", line);
    if (failed > 0) {
      throw new DataException("%s: %s", line, findings.stream().filter(f -> f.grade() == Grade.FAILED)
          .map(Finding::text).toList());
    }
  }
}
