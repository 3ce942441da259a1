package alluvium.spark;

import alluvium.tables.DataException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;
import scala.Option;

/** Starts or joins the Spark session that jobs run in. */
public final class LakeSession {
  private static final String EXTENSIONS = "spark.sql.extensions";
  private static final String DELTA = "io.delta.sql.DeltaSparkSessionExtension";

  private LakeSession() {}

  /**
   * The session: the active one of a notebook, else one made of the submitted configuration, with what is not set
   * there filled
   * in. Master and settings of spark-submit always win.
   *
   * @param application name shown in Spark's own pages
   * @param slots tasks at once, where no master was given
   * @param settings further ones of the cluster file
   */
  public static SparkSession open(String application, int slots, Map<String, String> settings) {
    if (running()) {
      return joined(checked(SparkSession.getDefaultSession().get()), slots, settings);
    }
    SparkConf conf = new SparkConf(true);
    conf.setIfMissing("spark.master", "local[" + slots + "]");
    conf.setIfMissing("spark.app.name", "alluvium " + application);
    settings.forEach(conf::setIfMissing);
    defaults(conf.get("spark.master").startsWith("local"), slots).forEach(conf::setIfMissing);
    if (conf.get("spark.master").matches("local(\\[.*)?")) {
      localFiles().forEach(conf::setIfMissing);
      forgetLocalFiles();
    }
    return checked(SparkSession.builder().config(conf).getOrCreate());
  }

  /** Whether there is a session that {@link #open} would join. */
  public static boolean running() {
    Option<SparkSession> session = SparkSession.getDefaultSession();
    return session.isDefined() && !session.get().sparkContext().isStopped();
  }

  /** The session itself, where it speaks Delta. */
  static SparkSession checked(SparkSession spark) {
    requireDelta(spark.conf().get(EXTENSIONS, ""));
    return spark;
  }

  static void requireDelta(String extensions) {
    if (!extensions.contains(DELTA)) {
      throw new DataException("the Spark session was started without Delta: set %s=%s and "
          + "spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog before it starts",
          EXTENSIONS, DELTA);
    }
  }

  /** Fills in what a running session still takes and has not set. */
  private static SparkSession joined(SparkSession spark, int slots, Map<String, String> settings) {
    Map<String, String> wanted = defaults(spark.sparkContext().isLocal(), slots);
    wanted.putAll(settings);
    wanted.forEach((key, value) -> {
      boolean taken = key.startsWith("spark.databricks.") || spark.conf().isModifiable(key);
      if (taken && !spark.sessionState().conf().contains(key)) {
        spark.conf().set(key, value);
      }
    });
    return spark;
  }

  /** Only where there is one process: executors of their own have not loaded our classes when they open files. */
  private static Map<String, String> localFiles() {
    return Map.of("spark.hadoop.fs.file.impl", LocalFiles.class.getName(),
        "spark.hadoop.fs.AbstractFileSystem.file.impl", LocalFs.class.getName());
  }

  /** Hadoop keeps the local file system that it made first, and spark-submit has made one by now. */
  private static void forgetLocalFiles() {
    try {
      FileSystem.getLocal(new Configuration()).close();
    } catch (IOException e) {
      throw new UncheckedIOException("the local file system cannot be opened", e);
    }
  }

  private static Map<String, String> defaults(boolean local, int slots) {
    Map<String, String> defaults = new LinkedHashMap<>();
    defaults.put(EXTENSIONS, DELTA);
    defaults.put("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog");
    defaults.put("spark.databricks.delta.snapshotPartitions", "1");
    defaults.put("spark.databricks.delta.stats.collect", "false");
    // the checksum beside a commit lists files and transactions: no job has to replay the log to find them
    defaults.put("spark.databricks.delta.allFilesInCrc.thresholdNumFiles", "200");
    defaults.put("spark.databricks.delta.setTransactionsInCrc.maxAllowed", "1000");
    // else a JVM outside UTC replays the log at every commit, to verify that list
    defaults.put("spark.databricks.delta.allFilesInCrc.verificationMode.forceOnNonUTC.enabled", "false");
    defaults.put("spark.sql.adaptive.enabled", "false");    // shards fix the batches; nothing may merge partitions
    defaults.put("spark.speculation", "false");
    if (local) {
      defaults.put("spark.ui.enabled", "false");
      defaults.put("spark.driver.host", "127.0.0.1");
      defaults.put("spark.driver.bindAddress", "127.0.0.1");
      defaults.put("spark.sql.shuffle.partitions", String.valueOf(slots));
      defaults.put("spark.sql.catalogImplementation", "in-memory");
      defaults.put("spark.driver.maxResultSize", "0");
      defaults.put("spark.sql.warehouse.dir", System.getProperty("java.io.tmpdir") + "/alluvium-warehouse");
    }
    return defaults;
  }
}
