package alluvium.jobs;

import alluvium.tables.Metrics;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Row;

/** Rows of the table of metrics; a number that is not finite is left out, for there was nothing to measure. */
final class Measured {
  private Measured() {}

  static List<Row> rows(String run, int iteration, String stage, Map<String, Double> values) {
    List<Row> rows = new ArrayList<>();
    new TreeMap<>(values).forEach((name, value) -> {
      if (Double.isFinite(value)) {
        rows.add(Metrics.TABLE.row(Map.of(Metrics.RUN_ID, run, Metrics.ITERATION, iteration, Metrics.STAGE, stage,
            Metrics.NAME, name, Metrics.VALUE, value)));
      }
    });
    return rows;
  }
}
