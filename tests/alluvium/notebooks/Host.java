package alluvium.notebooks;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * What Zeppelin's {@code z} and Databricks' {@code dbutils} and {@code display} do for the notebooks: values of input
 * fields, and tables shown. An input that was filled in has its value, any other its default.
 */
public final class Host {
  /** Databricks' name for it. */
  public final Host widgets = this;

  private final Map<String, String> filled;
  private final Map<String, String> asked;
  private final List<Dataset<Row>> shown = new ArrayList<>();

  Host(Map<String, String> filled) {
    this.filled = filled;
    this.asked = new HashMap<>();
  }

  /** Zeppelin's input field. */
  public Object textbox(String name, String byDefault) {
    return filled.getOrDefault(name, byDefault);
  }

  /** Databricks' input field: made with {@code text}, read with {@code get}. */
  public void text(String name, String byDefault, String label) {
    asked.put(name, filled.getOrDefault(name, byDefault));
  }

  public String get(String name) {
    if (!asked.containsKey(name)) {
      throw new IllegalArgumentException("no widget " + name);
    }
    return asked.get(name);
  }

  /** Zeppelin's table. */
  @SuppressWarnings("unchecked")
  public void show(Object rows) {
    shown.add((Dataset<Row>) rows);
  }

  List<Dataset<Row>> shown() {
    return shown;
  }
}
