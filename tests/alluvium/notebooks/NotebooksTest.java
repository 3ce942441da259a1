package alluvium.notebooks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import alluvium.jobs.Ingest;
import alluvium.jobs.Iterate;
import alluvium.jobs.Supervise;
import alluvium.notebooks.Cell.Kind;
import alluvium.prompts.Arithmetic;
import alluvium.spark.LakeSession;
import alluvium.spark.TestSession;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.StreamSupport;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Both notebooks on the lake of a small quickstart: Zeppelin's reads it by path, Databricks' through a catalog's
 * schema.
 */
class NotebooksTest {
  private static final Path ZEPPELIN = Path.of("notebooks", "quickstart.zpln");
  private static final Path DATABRICKS = Path.of("notebooks", "quickstart.scala");
  private static final String SCHEMA = "notebooks_test";
  private static final int COMPLETIONS = 8 * 4;   // of one iteration, as grpo.yaml says
  private static final int HELD_OUT = 100;   // as intake.yaml says

  /** Few rows: compiling a query costs more than running it. */
  private static final Map<String, String> INTERPRETED = Map.of("spark.sql.codegen.wholeStage", "false",
      "spark.sql.codegen.factoryMode", "NO_CODEGEN");

  private static SparkSession spark;
  private static String lake;
  private static JsonNode note;
  private static List<Cell> zeppelin;
  private static List<Cell> databricks;

  @BeforeAll
  static void run() throws IOException {
    lake = TestSession.newFolder().toString();
    spark = LakeSession.open("notebooks", 2, Map.of());
    INTERPRETED.forEach(spark.conf()::set);
    quickstart(Path.of("tests", "resources", "notebooks"), TestSession.newFolder().resolve("tasks.jsonl"));
    note = new ObjectMapper().readTree(ZEPPELIN.toFile());
    zeppelin = StreamSupport.stream(note.get("paragraphs").spliterator(), false)
        .map(p -> Cell.ofZeppelin(p.get("text").textValue())).toList();
    databricks = Cell.ofDatabricks(DATABRICKS);
    spark.sql("CREATE DATABASE " + SCHEMA);
    for (File table : new File(lake).listFiles(f -> new File(f, "_delta_log").isDirectory())) {
      spark.sql("CREATE TABLE " + SCHEMA + "." + table.getName() + " USING delta LOCATION '" + table.toURI() + "'");
    }
  }

  /** What Quickstart does, on fewer tasks and without a report. */
  private static void quickstart(Path recipes, Path tasks) throws IOException {
    Files.write(tasks, new Arithmetic(2, "+", 400, 0).tasks().stream()
        .map(t -> String.format("{\"prompt\": \"%s\", \"answer\": \"%s\"}", t.text().orElseThrow(),
            t.answer().orElseThrow())).toList());
    Ingest.main("--lake", lake, "--intake", recipes.resolve("intake.yaml").toString(), "--input", tasks.toString());
    Supervise.main("--lake", lake, "--source", "arithmetic", "--recipe", recipes.resolve("sft.yaml").toString(),
        "--scratch", recipes.resolve("policy.yaml").toString());
    Iterate.main("--lake", lake, "--source", "arithmetic", "--recipe", recipes.resolve("grpo.yaml").toString(),
        "--iterations", "2", "--evaluate-every", "2", "--evaluate-samples", "2");
  }

  @AfterAll
  static void drop() {
    spark.sql("DROP DATABASE IF EXISTS " + SCHEMA + " CASCADE");
    INTERPRETED.keySet().forEach(spark.conf()::unset);
  }

  @Test
  void zeppelin() {
    Results results = results(zeppelin, lake);
    check(results);
    charts(results.queries());
  }

  @Test
  void databricks() {
    check(results(databricks, SCHEMA));
  }

  @Test
  void theSameContent() {
    assertThat(databricks).extracting(Cell::kind).isEqualTo(zeppelin.stream().map(Cell::kind).toList());
    assertThat(zeppelin).extracting(Cell::kind).startsWith(Kind.TEXT, Kind.TEXT, Kind.SCALA).contains(Kind.SQL);
    assertThat(databricks.get(0)).isEqualTo(zeppelin.get(0));
    for (int i = 3; i < zeppelin.size(); i++) {   // 1 and 2 set the notebook up, each product in its way
      assertThat(databricks.get(i)).isEqualTo(
          new Cell(zeppelin.get(i).kind(), zeppelin.get(i).text().replace("z.show(", "display(")));
    }
  }

  @Test
  void whatZeppelinExpectsOfANote() {
    assertThat(note.fieldNames()).toIterable().containsExactlyInAnyOrder("paragraphs", "name", "id",
        "defaultInterpreterGroup", "version", "noteParams", "noteForms", "angularObjects", "config", "info");
    assertThat(note.get("name").textValue()).isNotBlank();
    assertThat(note.get("id").textValue()).matches("2[A-Z0-9]{8}");
    assertThat(note.get("version").textValue()).matches("0\\.1[0-9]\\.[0-9]+");
    assertThat(note.get("defaultInterpreterGroup").textValue()).isEqualTo("spark");
    for (String object : List.of("noteParams", "noteForms", "angularObjects", "config", "info")) {
      assertThat(note.get(object).isObject()).as(object).isTrue();
    }
    DateTimeFormatter dates = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSS");
    Set<String> ids = new HashSet<>();
    for (JsonNode paragraph : note.get("paragraphs")) {
      assertThat(paragraph.fieldNames()).toIterable().containsExactlyInAnyOrder("text", "user", "dateUpdated", "config",
          "settings", "apps", "runtimeInfos", "progressUpdateIntervalMs", "jobName", "id", "dateCreated", "status");
      assertThat(paragraph.get("status").textValue()).isEqualTo("READY");
      assertThat(paragraph.get("id").textValue()).matches("paragraph_[0-9]{13}_[0-9]+").satisfies(ids::add)
          .isEqualTo(paragraph.get("jobName").textValue());
      assertThat(paragraph.get("settings").get("params").isObject()).isTrue();
      assertThat(paragraph.get("settings").get("forms").isObject()).isTrue();
      assertThat(paragraph.get("apps").isArray()).isTrue();
      assertThat(LocalDateTime.parse(paragraph.get("dateCreated").textValue(), dates))
          .isBeforeOrEqualTo(LocalDateTime.parse(paragraph.get("dateUpdated").textValue(), dates));
      JsonNode config = paragraph.get("config");
      Cell cell = Cell.ofZeppelin(paragraph.get("text").textValue());
      String language = Map.of(Kind.TEXT, "markdown", Kind.SCALA, "scala", Kind.SQL, "sql").get(cell.kind());
      assertThat(config.get("enabled").booleanValue()).isTrue();
      assertThat(config.get("results").isObject()).isTrue();
      assertThat(config.get("colWidth").isNumber()).isTrue();
      assertThat(config.get("editorSetting").get("language").textValue()).isEqualTo(language);
      assertThat(config.get("editorMode").textValue()).isEqualTo("ace/mode/" + language);
      if (cell.kind() != Kind.SCALA) {   // elsewhere Zeppelin takes it for an input field
        assertThat(cell.text()).doesNotContain("${");
      }
      if (cell.kind() == Kind.SQL) {     // and this for the end of a statement
        assertThat(cell.text()).doesNotContain(";");
      }
    }
    assertThat(ids).hasSize(zeppelin.size());
  }

  /** Rows of one query, with its place in the notebook. */
  private record Query(int cell, String[] columns, List<Row> rows) {}

  /** What a notebook yields. */
  private record Results(List<Query> queries, List<List<Row>> shown) {
    /** The one query whose result has a column. */
    List<Row> with(String column) {
      List<Query> found = queries.stream().filter(q -> List.of(q.columns()).contains(column)).toList();
      assertThat(found).as("queries with the column %s", column).hasSize(1);
      return found.get(0).rows();
    }
  }

  /** Runs all cells in order, in a session of its own. */
  private static Results results(List<Cell> cells, String place) {
    SparkSession session = spark.newSession();
    INTERPRETED.forEach(session.conf()::set);
    Host host = new Host(Map.of("lake", place));
    List<Query> queries = new ArrayList<>();
    try (Repl repl = new Repl()) {
      repl.bind("spark", SparkSession.class.getName(), session);
      repl.bind("z", Host.class.getName(), host);
      repl.bind("dbutils", Host.class.getName(), host);
      repl.run("def display(rows: org.apache.spark.sql.Dataset[_]): Unit = dbutils.show(rows)");
      for (int i = 0; i < cells.size(); i++) {
        Cell cell = cells.get(i);
        if (cell.kind() == Kind.SCALA) {
          repl.run(cell.text());
          views(session).forEach(session.catalog()::cacheTable);
        } else if (cell.kind() == Kind.SQL) {
          Dataset<Row> result = session.sql(cell.text());
          queries.add(new Query(i, result.columns(), result.collectAsList()));
        }
      }
      return new Results(queries, host.shown().stream().map(Dataset::collectAsList).toList());
    } finally {
      views(session).forEach(session.catalog()::uncacheTable);
    }
  }

  /** Kept in memory once they are registered: few rows, read by many queries. */
  private static List<String> views(SparkSession session) {
    return session.sql("SHOW VIEWS").collectAsList().stream().map(r -> r.<String>getAs("viewName")).toList();
  }

  /** Every query has rows, and what they say agrees from one to the other. */
  private static void check(Results results) {
    assertThat(results.queries()).allSatisfy(q -> assertThat(q.rows()).as("rows of cell %s", q.cell()).isNotEmpty());
    assertThat(results.shown()).hasSize(3).doesNotContain(List.of());
    rewards(results);
    trace(results);
    evaluations(results);
  }

  private static void rewards(Results results) {
    assertThat(results.with("reward_of_rows")).hasSize(2).allSatisfy(row -> {
      assertThat(row.<Long>getAs("completions")).isEqualTo(COMPLETIONS);
      assertThat(row.<Double>getAs("reward_of_rows")).isCloseTo(row.getAs("reward_mean"), within(1e-6)).isPositive();
    });
    assertThat(results.with("loss")).isNotEmpty();
    assertThat(results.with("place")).extracting(r -> r.getAs("place"))
        .containsExactly("best", "best", "best", "worst", "worst", "worst");
    assertThat(results.with("mixed")).allSatisfy(row -> assertThat(row.<Long>getAs("all_wrong")
        + row.<Long>getAs("mixed") + row.<Long>getAs("all_right")).isEqualTo(8));
    assertThat(results.with("another_number")).allSatisfy(row -> assertThat(row.<Long>getAs("right")
        + row.<Long>getAs("another_number") + row.<Long>getAs("no_number") + row.<Long>getAs("not_judged"))
        .isEqualTo(COMPLETIONS));
    assertThat(results.with("verdicts").stream().mapToLong(r -> r.getAs("verdicts")).sum()).isEqualTo(2 * COMPLETIONS);
    Row seen = results.with("training_prompts").get(0);
    assertThat(seen.<Long>getAs("training_prompts") + HELD_OUT).isEqualTo(spark.table(SCHEMA + ".prompts").count());
    assertThat(seen.<Long>getAs("tried")).isEqualTo(seen.<Long>getAs("solved") + seen.<Long>getAs("never_solved"));
    assertThat(results.with("last_tried")).hasSize((int) Math.min(20, seen.<Long>getAs("never_solved")));
    assertThat(results.with("carries").stream().mapToLong(r -> r.getAs("tried")).sum())
        .isEqualTo(seen.<Long>getAs("tried"));
  }

  private static void trace(Results results) {
    Row traced = results.shown().get(0).get(0);
    assertThat(traced.<Double>getAs("advantage")).isNotZero();
    List<Row> way = results.with("what");
    assertThat(way).extracting(r -> r.<String>getAs("table")).containsExactly("prompts", "prompts", "policies",
        "rollouts", "rollouts", "rewards", "advantages", "advantages", "policies");
    assertThat(way.get(7).<String>getAs("value")).isEqualTo(traced.<Double>getAs("advantage").toString());
    assertThat(results.shown().get(1)).hasSize(4).allSatisfy(row ->
        assertThat(row.<Double>getAs("by_hand")).isCloseTo(row.getAs("in_the_table"), within(1e-12)));
    assertThat(results.with("position")).allSatisfy(row -> assertThat(row.<Double>getAs("probability"))
        .isBetween(0.0, 1.0));
    List<Row> versions = results.shown().get(2);
    assertThat(versions.get(1).<Long>getAs("rows") - versions.get(0).<Long>getAs("rows")).isEqualTo(COMPLETIONS);
    assertThat(results.with("versions_read")).extracting(r -> r.getAs("stage"))
        .containsExactly("generate", "score", "estimate", "update");
  }

  /** The gain in the table is what the pairs of answers say. */
  private static void evaluations(Results results) {
    Row greedy = results.with("gain_interval").stream().filter(r -> r.getAs("name").equals("greedy_accuracy"))
        .findFirst().orElseThrow();
    assertThat(greedy.<Long>getAs("prompts")).isEqualTo(HELD_OUT);
    List<Row> pairs = results.with("held_out_prompts");
    assertThat(pairs.stream().mapToLong(r -> r.getAs("held_out_prompts")).sum()).isEqualTo(HELD_OUT);
    double gain = pairs.stream().mapToDouble(r -> r.<Long>getAs("held_out_prompts")
        * ("right".equals(r.getAs("after")) ? 1 : 0) - r.<Long>getAs("held_out_prompts")
        * ("right".equals(r.getAs("before")) ? 1 : 0)).sum() / HELD_OUT;
    assertThat(greedy.<Double>getAs("gain")).isCloseTo(100 * gain, within(0.05 + 1e-9));   // shown with one decimal
  }

  /** A chart of Zeppelin's names columns, which must be where it says. */
  private static void charts(List<Query> queries) {
    int charts = 0;
    for (Query query : queries) {
      JsonNode graph = note.get("paragraphs").get(query.cell()).get("config").get("results").path("0").path("graph");
      for (String role : List.of("keys", "groups", "values")) {
        for (JsonNode column : graph.path(role)) {
          assertThat(query.columns()[column.get("index").intValue()]).isEqualTo(column.get("name").textValue());
          charts++;
        }
      }
    }
    assertThat(charts).isPositive();
  }
}
