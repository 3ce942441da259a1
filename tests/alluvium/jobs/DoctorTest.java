package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.jobs.Finding.Grade;
import alluvium.policies.Processor;
import alluvium.policies.TensorLibrary;
import alluvium.rewards.Isolation;
import alluvium.rewards.Sandbox;
import alluvium.spark.Lake;
import alluvium.spark.TestSession;
import alluvium.tables.DataException;
import alluvium.tables.Rollouts;
import alluvium.tables.Stages;
import alluvium.tables.Table;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;

class DoctorTest {
  private static final long MEBIBYTE = 1L << 20;
  private static final Cluster CLUSTER = Cluster.read(Path.of("conf/clusters/local.yaml"));

  private static String lines(List<Finding> findings) {
    return String.join(System.lineSeparator(), findings.stream().map(Finding::text).toList());
  }

  @Test
  void nothingIsWrongWithTheTestsOwnSession() {
    List<Finding> findings = Doctor.session(TestSession.spark(), CLUSTER, TinyRuns.LAKE.toString());
    assertThat(findings).as(lines(findings)).noneMatch(f -> f.grade() == Grade.FAILED);
    assertThat(findings).filteredOn(f -> f.grade() == Grade.OK).extracting(Finding::what).contains("spark", "scala",
        "delta", "tensors", "memory", "lake", "clock", "writers", "executors", "gpus");
    assertThat(TinyRuns.LAKE.toFile().list()).noneMatch(name -> name.startsWith("_doctor"));
  }

  @Test
  void theJobLeavesNothingBehind() {
    Path lake = TestSession.newFolder().resolve("lake");
    assertThatCode(() -> Doctor.main("--lake", lake.toString())).doesNotThrowAnyException();
    assertThat(lake).doesNotExist();
    assertThat(TestSession.spark().sparkContext().isStopped()).isFalse();
  }

  @Test
  void aLakeThatIsAFile() throws IOException {
    Path file = Files.writeString(TestSession.newFolder().resolve("lake"), "");
    List<Finding> findings = LakeFiles.of(file.toString(), new Configuration());
    assertThat(lines(findings)).isEqualTo(String.format("failed   lake        file:%s is a file%n"
        + "                  -> Name another --lake, or let this user write there.", file));
    assertThatThrownBy(() -> Doctor.main("--lake", file.toString())).isInstanceOf(DataException.class)
        .hasMessageContaining(", 1 failed: [failed   lake").hasMessageContaining("is a file");
    assertThat(file).exists();
  }

  @Test
  void aLakeThatCannotBeWritten() {
    List<Finding> findings = LakeFiles.of("/proc/lake", new Configuration());    // read-only for root as well
    assertThat(findings).hasSize(1);
    assertThat(lines(findings)).startsWith("failed   lake        file:/proc/lake/_doctor-")
        .contains("cannot be made").endsWith("-> Name another --lake, or let this user write there.");
  }

  @Test
  void localFilesDoWhatDeltaNeeds() {
    Path lake = TestSession.newFolder();
    assertThat(lines(LakeFiles.of(lake.toString(), new Configuration()))).contains(
        "ok       lake        a file that is there is not created again",
        "ok       lake        a rename does not replace a file that is there",
        "ok       lake        a file is renamed", "ok       lake        a list shows what was just written",
        "ok       clock       the file system's and this machine's differ by less than 60 s",
        "ok       writers     local files: one job at a time may write to this lake",
        "ok       lake        file:" + lake + ": folders are made and deleted");
    assertThat(lake).isEmptyDirectory();
    assertThat(lines(LakeFiles.of("catalog.runs", new Configuration())))
        .startsWith("warning  lake        catalog.runs is a schema; its file system is not tried");
  }

  @Test
  void roomOnTheDisk() {
    assertThat(LakeFiles.space(1 << 30).text()).isEqualTo(String.format("warning  disk        1 GiB are free%n"
        + "                  -> Make room: every iteration keeps a policy and its optimizer's state."));
    assertThat(LakeFiles.space((1 << 30) - 1).grade()).isEqualTo(Grade.FAILED);
    assertThat(LakeFiles.space(10L << 30).text()).isEqualTo("ok       disk        10 GiB are free");
    assertThat(LakeFiles.space(Long.MAX_VALUE).text()).isEqualTo("ok       disk        no limit is told");
  }

  @Test
  void aSessionWithoutDelta() {
    String text = lines(DeltaSettings.session(key -> ""));
    assertThat(text).startsWith(String.format("failed   delta       spark.sql.extensions is \"\", without Delta's%n"
        + "                  -> Set spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension before the session"
        + " starts.%n"));
    assertThat(text).contains("failed   delta       spark.sql.catalog.spark_catalog is \"\"",
        "warning  delta       statistics are collected at every commit",
        "warning  delta       partitions may be merged at run time",
        "ok       delta       new tables keep their transaction ids");
    assertThat(DeltaSettings.session(key -> TestSession.spark().conf().get(key, "")))
        .allMatch(f -> f.grade() == Grade.OK);
  }

  @Test
  void aTableThatForgetsTransactions() {
    Path lake = TestSession.newFolder();
    Lake.open(TestSession.spark(), lake.toString()).read(Stages.TABLE);    // makes it
    String table = "delta.`" + lake.resolve("stages") + "`";
    assertThat(lines(DeltaSettings.tables(TestSession.spark(), lake.toString())))
        .isEqualTo("ok       tables      1 of 10 are there; their properties are as they should be");
    TestSession.spark().sql("ALTER TABLE " + table
        + " SET TBLPROPERTIES ('delta.setTransactionRetentionDuration' = 'interval 1 days')");
    String text = lines(DeltaSettings.tables(TestSession.spark(), lake.toString()));
    assertThat(text).isEqualTo(String.format("failed   delta       stages: delta.setTransactionRetentionDuration is"
        + " \"interval 1 days\": once a transaction id is forgotten, a stage that is tried again writes twice%n"
        + "                  -> ALTER TABLE ... UNSET TBLPROPERTIES ('delta.setTransactionRetentionDuration')."));
    assertThatThrownBy(() -> Doctor.main("--lake", lake.toString())).isInstanceOf(DataException.class)
        .hasMessageContaining("1 failed").hasMessageContaining("delta.setTransactionRetentionDuration");
    assertThat(DeltaSettings.session(key -> key.endsWith("defaults.setTransactionRetentionDuration") ? "1 day" : ""))
        .filteredOn(f -> f.found().contains("forgotten")).hasSize(1).allMatch(f -> f.grade() == Grade.FAILED);
  }

  @Test
  void propertiesThatLoseWhatARerunReads() {
    Table kept = Rollouts.TABLE;
    assertThat(kept.appendOnly()).isTrue();
    Map<String, String> good = Map.of("delta.appendOnly", "true", "delta.deletedFileRetentionDuration",
        "interval 7 days", "delta.logRetentionDuration", "interval 30 days");
    assertThat(DeltaSettings.table(kept, good)).isEmpty();
    String text = lines(DeltaSettings.table(kept, Map.of("delta.deletedFileRetentionDuration", "interval 1 hour",
        "delta.logRetentionDuration", "interval 4 weeks")));
    assertThat(text).contains("rollouts: delta.deletedFileRetentionDuration is \"interval 1 hour\"",
        "-> Set it to interval 7 days or more.", "rollouts: delta.logRetentionDuration is \"interval 4 weeks\"",
        "rollouts: rows can be deleted and updated");
    assertThat(DeltaSettings.table(kept, Map.of("delta.appendOnly", "true", "delta.logRetentionDuration", "soon")))
        .hasSize(1);
  }

  @Test
  void javaAndItsPackages() {
    assertThat(Doctor.java(17).text()).isEqualTo("ok       java        17");
    assertThat(Doctor.java(11).text()).startsWith("failed   java        11; 17 is needed");
    assertThat(Doctor.java(21).text()).startsWith("warning  java        21; Spark 3.5 is made for 17");
    assertThat(Doctor.opened(List.of()).grade()).isEqualTo(Grade.OK);
    assertThat(Doctor.opened(List.of("java.nio", "sun.nio.ch")).text()).isEqualTo(String.format(
        "failed   java        2 packages that Spark looks into are closed%n                  -> Start with"
        + " spark-submit, or with --add-opens=java.base/java.nio=ALL-UNNAMED"
        + " --add-opens=java.base/sun.nio.ch=ALL-UNNAMED."));
    assertThat(Doctor.process(17)).noneMatch(f -> f.grade() == Grade.FAILED);
  }

  @Test
  void versions() {
    assertThat(Doctor.version("spark", "3.5.7", "3.5.").text()).isEqualTo("ok       spark       3.5.7");
    assertThat(Doctor.version("delta", "4.0.1", "3.3.").text()).isEqualTo(String.format(
        "failed   delta       4.0.1; 3.3.x is needed%n"
        + "                  -> Use delta 3.3.x; others fit neither each other nor this jar."));
  }

  @Test
  void threadsAndCores() {
    assertThat(lines(Doctor.threads(4, 2, 2, Map.of())))
        .isEqualTo("ok       threads     2 tasks x 2 threads on 4 cores");
    assertThat(lines(Doctor.threads(4, 3, 2, Map.of("OMP_NUM_THREADS", "2", "MKL_NUM_THREADS", "8")))).isEqualTo(
        String.format("warning  threads     3 tasks x 2 threads on 4 cores: they wait for each other%n"
        + "                  -> Lower slots or threadsPerTask in the cluster file, or raise spark.task.cpus.%n"
        + "warning  threads     MKL_NUM_THREADS is 8, threadsPerTask is 2%n"
        + "                  -> Unset it, or set it to threadsPerTask."));
  }

  @Test
  void heapAndMachine() {
    assertThat(Doctor.memory(2048 * MEBIBYTE, 8192 * MEBIBYTE).text())
        .isEqualTo("ok       memory      the heap may take 2048 MiB of the machine's 8192");
    assertThat(Doctor.memory(7000 * MEBIBYTE, 8192 * MEBIBYTE).grade()).isEqualTo(Grade.WARNING);
    assertThat(Doctor.memory(8000 * MEBIBYTE, 8192 * MEBIBYTE).grade()).isEqualTo(Grade.FAILED);
    assertThat(Doctor.memory(256 * MEBIBYTE, 8192 * MEBIBYTE).wayOut())
        .isEqualTo("Raise --driver-memory: Spark and Delta need 512 MiB.");
  }

  @Test
  void programsAndTheTemporaryFolder() {
    assertThat(Doctor.programs(Optional.empty(), "there is no python3").text())
        .startsWith("warning  programs    there is no python3\n");
    assertThat(Doctor.programs(Optional.of(new Sandbox(Isolation.ROOT_NAMESPACES, "/usr/bin/python3", "/usr")), "")
        .text()).isEqualTo("ok       programs    are graded under root-namespaces, by /usr/bin/python3");
    assertThat(Doctor.programs(Optional.of(new Sandbox(Isolation.OTHER_USER, "/usr/bin/python3", "/usr")), "").text())
        .startsWith("warning  programs    are graded under other-user, by /usr/bin/python3: they reach the network");
    assertThat(Doctor.temporary(Path.of("/proc/none")).text())
        .startsWith("failed   temporary   /proc/none is no folder that can be written");
  }

  @Test
  void libraries() {
    TensorLibrary wrong = new TensorLibrary("0.35.1", "2.7.1", "/cache/torch", "/proc/none", 0,
        List.of(19f, 22f, 43f, 51f));
    assertThat(lines(Doctor.library("driver", wrong))).startsWith("failed   tensors     driver: PyTorch 2.7.1 computes"
        + " [19.0, 22.0, 43.0, 51.0] where [19.0, 22.0, 43.0, 50.0] is right")
        .contains("warning  tensors     driver: /proc/none cannot be written")
        .contains("-> Set DJL_CACHE_DIR to a folder that can be written.");
    Doctor.Witness bad = new Doctor.Witness("3", "host", Processor.CPU, wrong);
    assertThat(lines(Doctor.executors(List.of(bad)))).startsWith("failed   executors   executor 3 on host: PyTorch"
        + " 2.7.1, product [19.0, 22.0, 43.0, 51.0]");
    Doctor.Witness good = new Doctor.Witness("0", "host", Processor.CPU, TensorLibrary.probe());
    assertThat(lines(Doctor.executors(List.of(good, good))))
        .isEqualTo("ok       executors   the tensor library loads and multiplies rightly on [0 (host)]");
  }

  @Test
  void gpus() {
    TensorLibrary forCpus = TensorLibrary.probe();
    TensorLibrary forGpus = new TensorLibrary("0.35.1", "2.7.1", "/cache", "/cache", 2, TensorLibrary.RIGHT);
    List<Doctor.Witness> none = List.of(new Doctor.Witness("0", "host", Processor.CPU, forCpus));
    assertThat(Doctor.gpus(key -> "", none).text()).isEqualTo("ok       gpus        none; tasks use the CPU");
    assertThat(Doctor.gpus(key -> "2", none).text())
        .startsWith("failed   gpus        spark.executor.resource.gpu.amount is 2, but tasks are given none");
    assertThat(Doctor.gpus(key -> "2", List.of(new Doctor.Witness("0", "host", Processor.gpu(1), forCpus))).text())
        .startsWith("failed   gpus        tasks are given [gpu1], but the tensor library is for CPUs");
    assertThat(Doctor.gpus(key -> "2", List.of(new Doctor.Witness("0", "host", Processor.gpu(1), forGpus))).text())
        .isEqualTo("ok       gpus        tasks are given [gpu1]");
  }

  @Test
  void theLastLineCounts() {
    Finding ok = Finding.ok("a", "b");
    Finding warning = Finding.warning("c", "Do it.", "d");
    assertThatCode(() -> Doctor.conclude(List.of(ok, ok, warning))).doesNotThrowAnyException();
    assertThatThrownBy(() -> Doctor.conclude(List.of(ok, warning, Finding.failed("e", "Do that.", "f"))))
        .isInstanceOf(DataException.class).hasMessage(String.format("1 ok, 1 warnings, 1 failed: [failed   e      "
            + "     f%n                  -> Do that.]"));
  }
}
