package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.prompts.PromptAnswer;
import alluvium.prompts.Split;
import alluvium.prompts.Task;
import alluvium.spark.Digest;
import alluvium.spark.RawRows;
import alluvium.spark.Rows;
import alluvium.spark.TaskRows;
import alluvium.spark.TestSession;
import alluvium.tables.DataException;
import alluvium.tables.Prompts;
import alluvium.tables.Rejects;
import alluvium.tables.Stages;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;

class IngestTest {
  private static final List<String> LINES = List.of(
      "{\"prompt\": \"1+1=\", \"answer\": 2, \"level\": 3}",
      "{\"prompt\": \"1+1=\", \"answer\": 2",
      "{\"prompt\": \"  \", \"answer\": \"2\"}",
      "{\"prompt\": \"2+0=\"}",
      "{\"prompt\": \"1+1=\", \"answer\": \"2\", \"level\": 9}",
      "{\"prompt\": 7, \"answer\": \"2\"}",
      "[1, 2]",
      "",
      "null",
      "{\"prompt\": [{\"role\": \"user\", \"content\": \"1+0=\"}], \"answer\": true}",
      "{\"prompt\": [{\"role\": \"user\"}], \"answer\": \"1\"}",
      "{\"prompt\": \"1+1=\", \"answer\": \"3\"} {}",
      "{\"prompt\": \"1+1=\", \"answer\": \"2.5\"}");

  private final SparkSession spark = TestSession.spark();

  private static Path file(String name, List<String> lines) {
    try {
      return Files.write(TestSession.newFolder().resolve(name), lines);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static Path intake(String source, int heldOut) {
    return TinyRuns.file("format: {PromptAnswer: {source: " + source + "}}\nheldOut: " + heldOut + "\n");
  }

  private static List<Row> tasks(String source) {
    return new ArrayList<>(TinyRuns.all(Prompts.TABLE).stream().filter(r -> Prompts.SOURCE.of(r).equals(source))
        .toList());
  }

  private static Map<String, String> reasons(List<Row> rejects) {
    Map<String, String> reasons = new TreeMap<>();
    rejects.forEach(row -> assertThat(reasons.put(Rejects.KEY.of(row), Rejects.REASON.of(row))).isNull());
    return reasons;
  }

  private static void assertReasons(Map<String, String> reasons) {
    assertThat(reasons).containsOnlyKeys("1", "2", "3", "4", "5", "6", "7", "8", "10", "11");
    assertThat(reasons.get("1")).startsWith("the line is not a JSON object: Unexpected end-of-input");
    assertThat(reasons.get("2")).isEqualTo("prompt is empty");
    assertThat(reasons.get("3")).isEqualTo("answer is missing");
    assertThat(reasons.get("4")).matches("duplicate id [0-9a-f]{16}: first at position 0");
    assertThat(reasons.get("5")).isEqualTo("prompt must be a text, got a number: 7");
    assertThat(reasons.get("6")).startsWith("the line is not a JSON object: ");
    assertThat(reasons.get("7")).startsWith("the line is not a JSON object: ");
    assertThat(reasons.get("8")).isEqualTo("the line is null; an object is needed");
    assertThat(reasons.get("10")).isEqualTo("prompt[0].content is missing");
    assertThat(reasons.get("11")).startsWith("the line is not a JSON object: ");
  }

  @Test
  void badLinesAreRefusedWithTheirPositionWhateverThePartitions() {
    Set<String> digests = new HashSet<>();
    Dataset<Row> raw = RawRows.read(spark, file("lines.jsonl", LINES).toString());
    for (int slices : Rows.SLICES) {
      // repartitioning by ranges of nothing keeps the order of the lines
      Dataset<Row> cut = spark.createDataFrame(org.apache.spark.api.java.JavaSparkContext.fromSparkContext(
          spark.sparkContext()).parallelize(raw.collectAsList(), slices), raw.schema());
      TaskRows unique = TaskRows.read(cut, new PromptAnswer("lines")).unique(spark.emptyDataset(
          org.apache.spark.sql.Encoders.STRING()).toDF());
      List<Row> rejects = unique.rejects().collectAsList();
      assertReasons(reasons(rejects));
      List<Row> tasks = unique.prompts(List.of()).collectAsList();
      assertThat(tasks).hasSize(3);
      digests.add(Digest.of(rejects, Rejects.TABLE).text() + Digest.of(tasks, Prompts.TABLE).text());
      unique.close();
    }
    assertThat(digests).hasSize(1);
  }

  @Test
  void aBatchIsReadOnce() {
    Path input = file("lines.jsonl", LINES);
    Path intake = intake("twice", 0);
    String[] arguments = {"--lake", TinyRuns.LAKE.toString(), "--intake", intake.toString(), "--input", input
        .toString()};
    Ingest.main(arguments);
    List<Row> tasks = tasks("twice");
    assertThat(tasks).hasSize(3).allMatch(r -> Prompts.SPLIT.of(r).equals(Split.TRAIN));
    Row sum = tasks.stream().filter(r -> "2".equals(Prompts.ANSWER.of(r))).findFirst().orElseThrow();
    assertThat(Prompts.TEXT.<String>of(sum)).isEqualTo("1+1=");
    assertThat(sum.<String, String>getJavaMap(sum.fieldIndex(Prompts.METADATA.name()))).isEqualTo(Map.of("level", "3"));
    Row chat = tasks.stream().filter(Prompts.TEXT::absentIn).findFirst().orElseThrow();
    assertThat(chat.getList(chat.fieldIndex(Prompts.MESSAGES.name())).toString()).isEqualTo("[[user,1+0=]]");
    assertThat(Prompts.ANSWER.<String>of(chat)).isEqualTo("true");
    int before = TinyRuns.all(Rejects.TABLE).size();
    Ingest.main(arguments);
    assertThat(tasks("twice")).hasSize(3);
    assertThat(TinyRuns.all(Rejects.TABLE)).hasSize(before);
    Ingest.main("--lake", TinyRuns.LAKE.toString(), "--intake", intake.toString(), "--input", input.toString(),
        "--batch",
        "1");
    assertThat(tasks("twice")).hasSize(3);
    List<Row> more = TinyRuns.all(Rejects.TABLE);
    assertThat(more).hasSize(before + LINES.size());
    assertThat(more.stream().filter(r -> Rejects.SOURCE.of(r).equals("twice")
        && Rejects.REASON.<String>of(r).endsWith("the table of prompts has it"))).hasSize(4);
    String run = "ingest." + intake.getFileName().toString().replace(".yaml", "");
    assertThat(Rows.distinct(TinyRuns.rows(run, Stages.TABLE), Stages.ROWS)).containsExactly("0", "3");
  }

  @Test
  void aCrashBetweenTheTablesIsContinued() {
    List<Task> tasks = List.of(Task.of("crashed", "0+0=", Optional.of("0")), Task.of("crashed", "0+0=", Optional
        .of("0")),
        Task.of("crashed", "0+1=", Optional.of("1")));
    try (Run run = TinyRuns.open("ingest.crashed", "")) {
      TaskRows unique = TaskRows.of(spark, tasks).unique(run.lake().read(Prompts.TABLE).select(Prompts.PROMPT_ID
          .col()));
      alluvium.spark.CommitKey key = new alluvium.spark.CommitKey("ingest.crashed", Ingest.STAGE, 0, Map.of());
      run.lake().append(Rejects.TABLE, unique.rejects(), key);    // the order of the ledger: the main table comes last
    }
    try (Run run = TinyRuns.open("ingest.crashed", "")) {
      Ingest.ingest(run, tasks, 0, 0);
    }
    assertThat(tasks("crashed")).hasSize(2);
    assertThat(TinyRuns.all(Rejects.TABLE).stream().filter(r -> Rejects.SOURCE.of(r).equals("crashed"))).hasSize(1);
  }

  @Test
  void parquetOfVerlWithNestedMessages() {
    Path folder = TestSession.newFolder().resolve("verl.parquet");
    spark.sql("""
        SELECT * FROM VALUES
          ('gsm8k', array(named_struct('role', 'system', 'content', 'Add.'), named_struct('role', 'user', 'content',
          '1+1=')),
           'math', named_struct('style', 'rule', 'ground_truth', '2'), named_struct('split', 'train', 'index', 5)),
          ('gsm8k', array(named_struct('role', 'user', 'content', '1+0=')),
           'math', named_struct('style', 'rule', 'ground_truth', '1'), named_struct('split', 'test', 'index', 6)),
          ('gsm8k', array(named_struct('role', 'user', 'content', '')),
           'math', named_struct('style', 'rule', 'ground_truth', '1'), named_struct('split', 'train', 'index', 7)),
          ('gsm8k', array(named_struct('role', 'user', 'content', '1=')),
           'math', named_struct('style', 'rule', 'ground_truth', CAST(NULL AS STRING)), named_struct('split', 'train',
           'index', 8))
          AS t(data_source, prompt, ability, reward_model,
          extra_info)""").coalesce(1).write().parquet(folder.toString());
    TaskRows read = TaskRows.read(RawRows.read(spark, folder.toString()), new alluvium.prompts.VerlRow());
    List<Row> tasks = read.prompts(List.of()).collectAsList();
    assertThat(tasks).hasSize(2);
    Row train = tasks.stream().filter(r -> Prompts.SPLIT.of(r).equals(Split.TRAIN)).findFirst().orElseThrow();
    assertThat(train.getList(train.fieldIndex(Prompts.MESSAGES.name())).toString())
        .isEqualTo("[[system,Add.], [user,1+1=]]");
    assertThat(Prompts.SOURCE.<String>of(train)).isEqualTo("gsm8k");
    assertThat(Prompts.ANSWER.<String>of(train)).isEqualTo("2");
    assertThat(train.<String, String>getJavaMap(train.fieldIndex(Prompts.METADATA.name())))
        .isEqualTo(Map.of("ability", "math", "style", "rule", "index", "5"));
    assertThat(Rows.distinct(tasks, Prompts.SPLIT)).containsExactly(Split.HELDOUT, Split.TRAIN);
    assertThat(reasons(read.rejects().collectAsList())).isEqualTo(Map.of("2", "prompt is empty", "3",
        "reward_model.ground_truth is missing"));
    read.close();
  }

  @Test
  void aDeltaTableByPath() {
    Path folder = TestSession.newFolder().resolve("delta");
    spark.sql("SELECT '1+1=' AS prompt, 2 AS answer, 0.5D AS weight").write().format("delta").save(folder.toString());
    TaskRows read = TaskRows.read(RawRows.read(spark, folder.toString()), new PromptAnswer("delta"));
    Row task = read.prompts(List.of()).first();
    assertThat(Prompts.ANSWER.<String>of(task)).isEqualTo("2");
    assertThat(task.<String, String>getJavaMap(task.fieldIndex(Prompts.METADATA.name()))).isEqualTo(Map.of("weight",
        "0.5"));
    read.close();
  }

  @Test
  void aColumnNamedValueThatIsNoText() {
    for (String sql : List.of("SELECT 5 AS value", "SELECT CAST(NULL AS STRING) AS value",
        "SELECT CAST(NULL AS INT) AS value")) {
      TaskRows read = TaskRows.read(spark.sql(sql), new PromptAnswer("odd"));
      assertThat(read.prompts(List.of()).collectAsList()).isEmpty();
      assertThat(read.rejects().collectAsList()).hasSize(1);
      read.close();
    }
  }

  @Test
  void whatIsNotThereIsRefused() {
    assertThatThrownBy(() -> RawRows.read(spark, "/nowhere/at/all.jsonl")).isInstanceOf(DataException.class)
        .hasMessageContaining("/nowhere/at/all.jsonl cannot be read: ").hasMessageContaining("Give a .jsonl");
    assertThatThrownBy(() -> RawRows.read(spark, "table:nothing")).isInstanceOf(DataException.class);
    assertThatThrownBy(() -> RawRows.read(spark, "/nowhere/at/all")).isInstanceOf(DataException.class);
  }

  @Test
  void equalPromptsAreHeldOutTogether() {
    List<Task> tasks = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      tasks.add(Task.of("held", i + "+0=", Optional.of("a" + i)));
      tasks.add(Task.of("held", i + "+0=", Optional.of("b" + i)));
    }
    try (Run run = TinyRuns.open("ingest.held", "")) {
      Ingest.ingest(run, tasks, 4, 0);
    }
    List<Row> rows = tasks("held");
    List<Row> held = rows.stream().filter(r -> Prompts.SPLIT.of(r).equals(Split.HELDOUT)).toList();
    List<Row> train = rows.stream().filter(r -> Prompts.SPLIT.of(r).equals(Split.TRAIN)).toList();
    assertThat(held).hasSize(8);
    assertThat(train).hasSize(16);
    assertThat(Rows.distinct(held, Prompts.TEXT)).hasSize(4).doesNotContainAnyElementsOf(Rows.distinct(train,
        Prompts.TEXT));
  }
}
