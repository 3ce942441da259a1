package alluvium.spark;

import alluvium.prompts.Split;
import alluvium.prompts.Task;
import alluvium.prompts.TaskFormat;
import alluvium.tables.DataException;
import alluvium.tables.Field;
import alluvium.tables.Prompts;
import alluvium.tables.Rejects;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.storage.StorageLevel;
import scala.Tuple2;
import scala.collection.JavaConverters;

/**
 * Lifts task formats over rows: raw rows in, tasks and refused rows out. Positions count the source's rows from 0,
 * so they do not
 * depend on partitions.
 */
public final class TaskRows implements AutoCloseable {
  private static final int RAW = 2000;
  private static final JsonMapper JSON = JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
      .build();
  private static final TypeReference<LinkedHashMap<String, Object>> OBJECT = new TypeReference<>() { };

  private final SparkSession spark;
  private final JavaRDD<Outcome> outcomes;

  private TaskRows(SparkSession spark, JavaRDD<Outcome> outcomes) {
    this.spark = spark;
    this.outcomes = outcomes;
  }

  /**
   * A task as a row of the table of prompts, or a refusal, of the row at a position. The part counts the tasks of one
   * row.
   */
  private record Outcome(long position, int part, List<Row> task, String id, String promptKey, String source,
      String reason,
      String raw) implements Serializable {
    static Outcome of(long position, int part, Task task, String raw) {
      String key = task.text().orElseGet(() -> task.messages().toString());
      return new Outcome(position, part, new ArrayList<>(List.of(row(task))), task.id(), key, task.source(), "", raw);
    }

    static Outcome refused(long position, int part, String source, String reason, String raw) {
      return new Outcome(position, part, List.of(), "", "", source, reason, raw);
    }

    boolean refused() {
      return task.isEmpty();
    }

    Outcome refuse(String why) {
      return refused(position, part, source, why, raw);
    }
  }

  /** The tasks of raw rows; rows of one text column named value are lines of JSON. */
  public static TaskRows read(Dataset<Row> raw, TaskFormat format) {
    boolean lines = raw.columns().length == 1 && raw.columns()[0].equals("value")
        && raw.schema().fields()[0].dataType().equals(Field.STRING);
    StructType schema = raw.schema();
    JavaRDD<Outcome> outcomes = raw.javaRDD().zipWithIndex()
        .flatMap(pair -> outcomes(pair._1(), pair._2(), format, lines, schema).iterator());
    return new TaskRows(raw.sparkSession(), outcomes.persist(StorageLevel.MEMORY_AND_DISK()));
  }

  /** Tasks that are there already. */
  public static TaskRows of(SparkSession spark, List<Task> tasks) {
    List<Outcome> outcomes = new ArrayList<>();
    for (int i = 0; i < tasks.size(); i++) {
      outcomes.add(Outcome.of(i, 0, tasks.get(i), tasks.get(i).toString()));
    }
    return new TaskRows(spark, JavaSparkContext.fromSparkContext(spark.sparkContext()).parallelize(outcomes));
  }

  /** The same with every task refused whose id an earlier one of the source, or a row of the given ids, has. */
  public TaskRows unique(Dataset<Row> known) {
    Set<String> ids = new HashSet<>(known.as(Encoders.STRING()).collectAsList());
    JavaRDD<Outcome> refused = outcomes.filter(Outcome::refused);
    JavaRDD<Outcome> first = outcomes.filter(o -> !o.refused()).mapToPair(o -> new Tuple2<>(o.id(), o))
        .groupByKey().flatMap(group -> deduplicated(group._1(), group._2(), ids.contains(group._1())).iterator());
    return new TaskRows(spark, refused.union(first).persist(StorageLevel.MEMORY_AND_DISK()));
  }

  /** What each distinct prompt is told by, sorted: tasks with equal prompts fall into the same split. */
  public List<String> promptKeys() {
    List<String> keys = new ArrayList<>(outcomes.filter(o -> !o.refused()).map(Outcome::promptKey).distinct()
        .collect());
    keys.sort(Comparator.naturalOrder());
    return keys;
  }

  /** Rows of the table of prompts; those whose prompt is among the held-out keys are in that split. */
  public Dataset<Row> prompts(List<String> heldOut) {
    Set<String> held = new HashSet<>(heldOut);
    return spark.createDataset(outcomes.filter(o -> !o.refused()).sortBy(Outcome::id, true, 1)
        .map(o -> held.contains(o.promptKey()) ? held(o.task().get(0)) : o.task().get(0)).rdd(),
        Encoders.row(Prompts.TABLE.schema()));
  }

  /** Rows of the table of rejects. */
  public Dataset<Row> rejects() {
    return spark.createDataset(outcomes.filter(Outcome::refused).map(TaskRows::reject).rdd(),
        Encoders.row(Rejects.TABLE.schema()));
  }

  @Override
  public void close() {
    outcomes.unpersist(false);
  }

  private static List<Outcome> outcomes(Row row, long position, TaskFormat format, boolean lines, StructType schema) {
    String raw = row.toString();
    String brief = raw.substring(0, Math.min(raw.length(), RAW));
    String source = format.toString();
    List<Outcome> outcomes = new ArrayList<>();
    try {
      Map<String, Object> columns = !lines ? columns(row, schema)
          : row.isNullAt(0) ? null : JSON.readValue(row.getString(0), OBJECT);
      if (columns == null) {
        throw new DataException("the line is null; an object is needed");
      }
      for (Task task : format.tasks(columns)) {
        outcomes.add(Outcome.of(position, outcomes.size(), task, brief));
      }
    } catch (DataException e) {
      outcomes.add(Outcome.refused(position, 0, source, e.getMessage(), brief));
    } catch (JsonProcessingException e) {
      outcomes.add(Outcome.refused(position, 0, source, "the line is not a JSON object: " + e.getOriginalMessage(),
          brief));
    }
    return outcomes;
  }

  private static List<Outcome> deduplicated(String id, Iterable<Outcome> group, boolean known) {
    List<Outcome> all = new ArrayList<>();
    group.forEach(all::add);
    all.sort(Comparator.comparingLong(Outcome::position).thenComparingInt(Outcome::part));
    List<Outcome> result = new ArrayList<>();
    for (int i = 0; i < all.size(); i++) {
      if (known) {
        result.add(all.get(i).refuse("duplicate id " + id + ": the table of prompts has it"));
      } else {
        result.add(i == 0 ? all.get(0)
            : all.get(i).refuse("duplicate id " + id + ": first at position " + all.get(0).position()));
      }
    }
    return result;
  }

  private static Row row(Task task) {
    Map<Field, Object> values = new HashMap<>();
    values.put(Prompts.PROMPT_ID, task.id());
    values.put(Prompts.SOURCE, task.source());
    values.put(Prompts.SPLIT, task.split());
    task.text().ifPresent(text -> values.put(Prompts.TEXT, text));
    if (task.text().isEmpty()) {
      values.put(Prompts.MESSAGES, task.messages().stream().map(t -> RowFactory.create(t.role(), t.content()))
          .toList());
    }
    task.answer().ifPresent(answer -> values.put(Prompts.ANSWER, answer));
    task.solution().ifPresent(solution -> values.put(Prompts.SOLUTION, solution));
    values.put(Prompts.METADATA, task.metadata());
    return Prompts.TABLE.row(values);
  }

  private static Row held(Row task) {
    Map<Field, Object> values = new HashMap<>();
    Prompts.TABLE.fields().forEach(field -> values.put(field, field.of(task)));
    values.put(Prompts.SPLIT, Split.HELDOUT);
    return Prompts.TABLE.row(values);
  }

  private static Row reject(Outcome outcome) {
    String key = outcome.part() == 0 ? String.valueOf(outcome.position()) : outcome.position() + "." + outcome.part();
    return Rejects.TABLE.row(Map.of(Rejects.SOURCE, outcome.source(), Rejects.STAGE, "ingest", Rejects.KEY, key,
        Rejects.REASON, outcome.reason(), Rejects.RAW, outcome.raw()));
  }

  private static Map<String, Object> columns(Row row, StructType schema) {
    Map<String, Object> columns = new LinkedHashMap<>();
    for (int i = 0; i < schema.fields().length; i++) {
      columns.put(schema.fields()[i].name(), plain(row.get(i)));
    }
    return columns;
  }

  /** Spark's values as JSON's: rows and maps as maps, sequences as lists. */
  private static Object plain(Object value) {
    if (value instanceof Row row) {
      return columns(row, row.schema());
    }
    if (value instanceof scala.collection.Map<?, ?> map) {
      Map<String, Object> plain = new LinkedHashMap<>();
      JavaConverters.mapAsJavaMap(map).forEach((k, v) -> plain.put(String.valueOf(k), plain(v)));
      return plain;
    }
    if (value instanceof scala.collection.Seq<?> sequence) {
      List<Object> list = new ArrayList<>();
      Iterator<?> all = JavaConverters.asJavaIterator(sequence.iterator());
      while (all.hasNext()) {
        list.add(plain(all.next()));
      }
      return list;
    }
    return value;
  }
}
