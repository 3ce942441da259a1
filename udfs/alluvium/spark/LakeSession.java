package alluvium.spark;

import alluvium.tables.DataException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;

/** Starts or joins the Spark session that jobs run in. */
public final class LakeSession {
  private static final String EXTENSIONS = "spark.sql.extensions";
  private static final String DELTA = "io.delta.sql.DeltaSparkSessionExtension";

  private LakeSession() {}

  /**
   * The session: the active one of a notebook, else one made of the submitted configuration, with what is not set there filled
   * in. Master and settings of spark-submit always win.
   *
   * @param application name shown in Spark's own pages
   * @param slots tasks at once, where no master was given
   * @param settings further ones of the cluster file
   */
  public static SparkSession open(String application, int slots, Map<String, String> settings) {
    SparkConf conf = new SparkConf(true);
    conf.setIfMissing("spark.master", "local[" + slots + "]");
    conf.setIfMissing("spark.app.name", "alluvium " + application);
    settings.forEach(conf::setIfMissing);
    boolean local = conf.get("spark.master").startsWith("local");
    defaults(local, slots).forEach(conf::setIfMissing);
    SparkSession spark = SparkSession.builder().config(conf).getOrCreate();
    if (!spark.conf().get(EXTENSIONS, "").contains(DELTA)) {
      throw new DataException("the Spark session was started without Delta: set %s=%s and spark.sql.catalog.spark_catalog="
          + "org.apache.spark.sql.delta.catalog.DeltaCatalog before it starts", EXTENSIONS, DELTA);
    }
    return spark;
  }

  private static Map<String, String> defaults(boolean local, int slots) {
    Map<String, String> defaults = new LinkedHashMap<>();
    defaults.put(EXTENSIONS, DELTA);
    defaults.put("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog");
    defaults.put("spark.databricks.delta.snapshotPartitions", "1");
    defaults.put("spark.databricks.delta.stats.collect", "false");
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
