package alluvium.jobs;

import alluvium.tables.Advantages;
import alluvium.tables.Evaluations;
import alluvium.tables.Metrics;
import alluvium.tables.Policies;
import alluvium.tables.Prompts;
import alluvium.tables.Rejects;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import alluvium.tables.Stages;
import alluvium.tables.States;
import alluvium.tables.Table;
import io.delta.tables.DeltaTable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.util.IntervalUtils;
import org.apache.spark.unsafe.types.CalendarInterval;
import org.apache.spark.unsafe.types.UTF8String;

/** The settings of Delta that a lake depends on: the session's, and each table's own. */
final class DeltaSettings {
  private static final String WHAT = "delta";
  private static final String DEFAULTS = "spark.databricks.delta.properties.defaults.";
  private static final String TRANSACTIONS = "setTransactionRetentionDuration";
  private static final Map<String, Duration> LEAST = Map.of("delta.deletedFileRetentionDuration", Duration.ofDays(7),
      "delta.logRetentionDuration", Duration.ofDays(30));
  private static final List<Table> TABLES = List.of(Prompts.TABLE, Rejects.TABLE, Rollouts.TABLE, Rewards.TABLE,
      Advantages.TABLE, Policies.TABLE, Stages.TABLE, States.TABLE, Metrics.TABLE, Evaluations.TABLE);

  private DeltaSettings() {}

  /**
   * The findings for a session.
   *
   * @param setting value of a key; empty where it is not set
   */
  static List<Finding> session(UnaryOperator<String> setting) {
    List<Finding> findings = new ArrayList<>();
    String extensions = setting.apply("spark.sql.extensions");
    String extension = "io.delta.sql.DeltaSparkSessionExtension";
    findings.add(extensions.contains(extension) ? Finding.ok(WHAT, "the session has Delta's extension")
        : Finding.failed(WHAT, "Set spark.sql.extensions=" + extension + " before the session starts.",
            "spark.sql.extensions is \"%s\", without Delta's", extensions));
    String catalog = setting.apply("spark.sql.catalog.spark_catalog");
    findings.add(catalog.endsWith("DeltaCatalog") ? Finding.ok(WHAT, "the session's catalog is Delta's")
        : Finding.failed(WHAT, "Set spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog"
            + " before the session starts.", "spark.sql.catalog.spark_catalog is \"%s\"", catalog));
    String statistics = setting.apply("spark.databricks.delta.stats.collect");
    findings.add(statistics.equals("false") ? Finding.ok(WHAT, "no statistics are collected of tokens and texts")
        : Finding.warning(WHAT, "Set spark.databricks.delta.stats.collect=false; commits are faster.",
            "statistics are collected at every commit"));
    String adaptive = setting.apply("spark.sql.adaptive.enabled");
    findings.add(adaptive.equals("false") ? Finding.ok(WHAT, "partitions are not merged at run time")
        : Finding.warning(WHAT, "Set spark.sql.adaptive.enabled=false.",
            "partitions may be merged at run time; results stay the same, stages are slower"));
    String kept = setting.apply(DEFAULTS + TRANSACTIONS);
    findings.add(kept.isEmpty() ? Finding.ok(WHAT, "new tables keep their transaction ids") : forgetting(DEFAULTS
        + TRANSACTIONS, kept, "Unset it."));
    return findings;
  }

  /** The findings for those tables of a lake that are there. */
  static List<Finding> tables(SparkSession spark, String lake) {
    List<Finding> findings = new ArrayList<>();
    boolean named = !lake.contains("/") && !lake.contains(":");
    int there = 0;
    for (Table table : TABLES) {
      String place = named ? lake + "." + table.name() : lake.replaceAll("(?<=[^/:])/+$", "") + "/" + table.name();
      boolean found = named ? spark.catalog().tableExists(place) : DeltaTable.isDeltaTable(spark, place);
      if (found) {
        there++;
        DeltaTable delta = named ? DeltaTable.forName(spark, place) : DeltaTable.forPath(spark, place);
        Row detail = delta.detail().head();
        findings.addAll(table(table, detail.getJavaMap(detail.fieldIndex("properties"))));
      }
    }
    if (findings.isEmpty()) {
      findings.add(Finding.ok("tables", "%d of %d are there; their properties are as they should be", there,
          TABLES.size()));
    }
    return findings;
  }

  /** What is wrong with the properties of a table. */
  static List<Finding> table(Table table, Map<String, String> properties) {
    List<Finding> findings = new ArrayList<>();
    String kept = properties.getOrDefault("delta." + TRANSACTIONS, "");
    if (!kept.isEmpty()) {
      findings.add(forgetting(table.name() + ": delta." + TRANSACTIONS, kept,
          "ALTER TABLE ... UNSET TBLPROPERTIES ('delta." + TRANSACTIONS + "')."));
    }
    new TreeMap<>(LEAST).forEach((key, least) -> {
      String text = properties.getOrDefault(key, "");
      if (!text.isEmpty() && duration(text).map(d -> d.compareTo(least) < 0).orElse(true)) {
        findings.add(Finding.warning("tables", "Set it to interval " + least.toDays() + " days or more.",
            "%s: %s is \"%s\": versions that stages have read, and that a rerun reads again, go after that",
            table.name(), key, text));
      }
    });
    if (table.appendOnly() && !properties.getOrDefault("delta.appendOnly", "false").equals("true")) {
      findings.add(Finding.warning("tables", "ALTER TABLE ... SET TBLPROPERTIES ('delta.appendOnly' = 'true').",
          "%s: rows can be deleted and updated, though the run counts on every one", table.name()));
    }
    return findings;
  }

  private static Finding forgetting(String key, String value, String wayOut) {
    return Finding.failed(WHAT, wayOut, "%s is \"%s\": once a transaction id is forgotten, a stage that is tried again"
        + " writes twice", key, value);
  }

  private static Optional<Duration> duration(String text) {
    try {
      CalendarInterval interval = IntervalUtils.stringToInterval(UTF8String.fromString(text));
      return Optional.of(Duration.ofDays(30L * interval.months + interval.days).plusNanos(interval.microseconds
          * 1000));
    } catch (RuntimeException e) {
      return Optional.empty();
    }
  }
}
