package alluvium.jobs;

import static org.apache.spark.sql.functions.avg;
import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.collect_list;
import static org.apache.spark.sql.functions.concat_ws;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.explode;
import static org.apache.spark.sql.functions.floor;
import static org.apache.spark.sql.functions.greatest;
import static org.apache.spark.sql.functions.least;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.max;
import static org.apache.spark.sql.functions.min;
import static org.apache.spark.sql.functions.row_number;
import static org.apache.spark.sql.functions.size;
import static org.apache.spark.sql.functions.sort_array;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.transform;
import static org.apache.spark.sql.functions.when;

import alluvium.jobs.ReportData.CompletionView;
import alluvium.jobs.ReportData.Count;
import alluvium.jobs.ReportData.EvaluationPoint;
import alluvium.jobs.ReportData.GroupView;
import alluvium.jobs.ReportData.Histogram;
import alluvium.jobs.ReportData.Point;
import alluvium.jobs.ReportData.PolicyVersion;
import alluvium.jobs.ReportData.Query;
import alluvium.jobs.ReportData.Series;
import alluvium.jobs.ReportData.StageTime;
import alluvium.rewards.Status;
import alluvium.tables.Advantages;
import alluvium.tables.Evaluations;
import alluvium.tables.Field;
import alluvium.tables.Metrics;
import alluvium.tables.Policies;
import alluvium.tables.Prompts;
import alluvium.tables.Rejects;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import alluvium.tables.Stages;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.DoubleStream;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.expressions.Window;

/**
 * The parts of {@link ReportData} from the tables of one run. Every function takes the rows of that run alone, counts
 * and cuts on the executors, and brings to the driver no more than a page can show.
 */
public final class ReportQuery {
  private static final int BINS = 24;
  private static final double LARGEST = 1e300;   // of a value in a histogram; NaN is larger than all
  private static final String POINTS = "report_points";
  private static final String PHASE = "report_phase";
  private static final String VALUE = "report_value";
  private static final String MEAN = "report_mean";
  private static final String RANK = "report_rank";
  private static final String WHERE = "report_where";
  private static final String WHAT = "report_what";
  private static final String ROWS = "report_rows";
  private static final String ASKED = "report_asked";
  private static final String ANSWERED = "report_answered";
  private static final String LENGTH = "report_length";
  private static final String ROLE = "role";         // of Prompts.MESSAGE
  private static final String CONTENT = "content";

  private ReportQuery() {}

  /** Every metric by stage and name, thinned. */
  public static List<Series> series(Dataset<Row> metrics) {
    Dataset<Row> curves = metrics.groupBy(Metrics.STAGE.col(), Metrics.NAME.col())
        .agg(sort_array(collect_list(struct(Metrics.ITERATION.col(), Metrics.VALUE.col()))).as(POINTS))
        .orderBy(Metrics.STAGE.col(), Metrics.NAME.col()).limit(ReportData.MAX_SERIES);
    return curves.map((MapFunction<Row, Row>) ReportQuery::thinned, Encoders.row(curves.schema())).collectAsList()
        .stream().map(ReportQuery::curve).toList();
  }

  private static Row thinned(Row row) {
    Object[] points = curve(row).thinned(ReportData.MAX_POINTS).points().stream()
        .map(p -> RowFactory.create(p.iteration(), p.value())).toArray();
    return RowFactory.create(Metrics.STAGE.<String>of(row), Metrics.NAME.<String>of(row), points);
  }

  private static Series curve(Row row) {
    List<Row> points = row.getList(row.fieldIndex(POINTS));
    return new Series(Metrics.STAGE.of(row), Metrics.NAME.of(row),
        points.stream().map(p -> new Point(p.getInt(0), p.getDouble(1))).toList());
  }

  /** All measures by source, split, name and iteration; the table has a few rows per measured policy. */
  public static List<EvaluationPoint> evaluations(Dataset<Row> evaluations) {
    return evaluations.orderBy(Evaluations.SOURCE.col(), Evaluations.SPLIT.col(), Evaluations.NAME.col(),
        Evaluations.ITERATION.col()).collectAsList().stream().map(r -> new EvaluationPoint(Evaluations.ITERATION.of(r),
            Evaluations.POLICY_VERSION.of(r), Evaluations.SOURCE.of(r), Evaluations.SPLIT.of(r), Evaluations.NAME.of(r),
            Evaluations.VALUE.of(r), Evaluations.LOW.of(r), Evaluations.HIGH.of(r), Evaluations.SAMPLES.of(r),
            Evaluations.PROMPT_COUNT.of(r), Evaluations.FAILED.of(r))).toList();
  }

  /** All policy versions by iteration and role. */
  public static List<PolicyVersion> policies(Dataset<Row> policies) {
    return policies.orderBy(Policies.ITERATION.col(), Policies.ROLE.col()).collectAsList().stream()
        .map(r -> new PolicyVersion(Policies.ITERATION.of(r), Policies.ROLE.of(r), Policies.POLICY_VERSION.of(r),
            orEmpty(Policies.PARENT, r), Policies.URI.of(r), Policies.OPTIMIZER_STEPS.of(r))).toList();
  }

  /** Seconds by iteration, stage and phase, waves added up. */
  public static List<StageTime> times(Dataset<Row> stages) {
    Column[] phase = {Stages.ITERATION.col(), Stages.STAGE.col(), col(PHASE)};
    return stages.select(Stages.ITERATION.col(), Stages.STAGE.col(),
            explode(Stages.SECONDS.col()).as(new String[] {PHASE, VALUE}))
        .groupBy(phase).agg(sum(col(VALUE))).orderBy(phase).collectAsList().stream()
        .map(r -> new StageTime(r.getInt(0), r.getString(1), r.getString(2), r.getDouble(3))).toList();
  }

  /** Reward histograms of the aggregated rewards; completions with a failed reward are left out. */
  public static List<Histogram> rewardHistograms(Dataset<Row> advantages) {
    return histograms(ReportData.REWARD, advantages, Advantages.ITERATION, Advantages.REWARD.col());
  }

  /** Length histograms in completion tokens; replayed completions count in the iteration that trains on them. */
  public static List<Histogram> lengthHistograms(Dataset<Row> rollouts) {
    return histograms(ReportData.LENGTH, rollouts, Rollouts.ITERATION, size(Rollouts.TOKENS.col()).cast("double"));
  }

  private static List<Histogram> histograms(String name, Dataset<Row> rows, Field iteration, Column value) {
    Dataset<Row> values = rows.select(iteration.col(), value.as(VALUE)).where(col(VALUE).between(-LARGEST, LARGEST));
    List<Row> ranges = values.groupBy(iteration.col()).agg(min(col(VALUE)), max(col(VALUE))).orderBy(iteration.col())
        .collectAsList();
    if (ranges.isEmpty()) {
      return List.of();
    }
    List<Row> shown = ReportData.ends(ranges, ReportData.MAX_HISTOGRAMS);
    double low = shown.stream().mapToDouble(r -> r.getDouble(1)).min().orElseThrow();
    double high = shown.stream().mapToDouble(r -> r.getDouble(2)).max().orElseThrow();
    double width = name.equals(ReportData.LENGTH) ? Math.ceil(width(low, high)) : width(low, high);
    double start = Math.floor(low / width + 1e-9) * width;
    int bins = (int) Math.max(1, Math.min(ReportData.MAX_BINS, Math.ceil((high - start) / width - 1e-9)));
    Column bin = least(lit(bins - 1), greatest(lit(0),
        floor(col(VALUE).minus(start).divide(width).plus(1e-9)).cast("int")));
    Object[] chosen = shown.stream().map(r -> r.getInt(0)).toArray();
    Map<Integer, Long[]> counts = new TreeMap<>();
    values.where(iteration.col().isin(chosen)).groupBy(iteration.col(), bin).agg(count(lit(1))).collectAsList()
        .forEach(r -> counts.computeIfAbsent(r.getInt(0), i -> zeros(bins))[r.getInt(1)] = r.getLong(2));
    List<Histogram> histograms = new ArrayList<>();
    counts.forEach((i, c) -> histograms.add(new Histogram(i, name, start, width, List.of(c))));
    return histograms;
  }

  /** The width a person would choose for at most 24 bins from low to high: 1, 2, 2.5 or 5 times a power of ten. */
  static double width(double low, double high) {
    double raw = (high - low) / BINS;
    if (raw <= 0) {
      return 1;
    }
    double power = Math.pow(10, Math.floor(Math.log10(raw)));
    return DoubleStream.of(1, 2, 2.5, 5, 10).map(step -> step * power).filter(w -> raw <= w * (1 + 1e-9)).findFirst()
        .orElse(raw);
  }

  private static Long[] zeros(int bins) {
    Long[] zeros = new Long[bins];
    Arrays.fill(zeros, 0L);
    return zeros;
  }

  /** Verdicts by reward and status. */
  public static List<Count> verdicts(Dataset<Row> rewards) {
    return counts(rewards, Rewards.NAME.col(), Rewards.STATUS.col());
  }

  /** Completions that did not train, by reason. */
  public static List<Count> drops(Dataset<Row> advantages) {
    return counts(advantages.where(Advantages.DROPPED.col().isNotNull()), lit("estimate"), Advantages.DROPPED.col());
  }

  /** Refused input rows by source and reason. */
  public static List<Count> rejects(Dataset<Row> rejects) {
    return counts(rejects, concat_ws(", ", Rejects.SOURCE.col(), Rejects.STAGE.col()), Rejects.REASON.col());
  }

  private static List<Count> counts(Dataset<Row> rows, Column where, Column what) {
    return rows.select(where.as(WHERE), what.substr(1, ReportData.MAX_LABEL).as(WHAT)).groupBy(col(WHERE), col(WHAT))
        .agg(count(lit(1)).as(ROWS)).orderBy(col(ROWS).desc(), col(WHERE), col(WHAT)).limit(ReportData.MAX_ROWS)
        .collectAsList().stream().map(r -> new Count(r.getString(0), r.getString(1), r.getLong(2))).toList();
  }

  /** Groups of the last estimated iteration with the highest mean reward; group ids break ties. */
  public static List<GroupView> best(Dataset<Row> prompts, Dataset<Row> rollouts, Dataset<Row> rewards,
      Dataset<Row> advantages) {
    return groups(prompts, rollouts, rewards, advantages, col(MEAN).desc());
  }

  /** Groups of the last estimated iteration with the lowest mean reward; group ids break ties. */
  public static List<GroupView> worst(Dataset<Row> prompts, Dataset<Row> rollouts, Dataset<Row> rewards,
      Dataset<Row> advantages) {
    return groups(prompts, rollouts, rewards, advantages, col(MEAN).asc());
  }

  private static List<GroupView> groups(Dataset<Row> prompts, Dataset<Row> rollouts, Dataset<Row> rewards,
      Dataset<Row> advantages, Column order) {
    Row last = advantages.agg(max(Advantages.ITERATION.col())).head();
    if (last.isNullAt(0)) {
      return List.of();
    }
    Column here = Advantages.ITERATION.col().equalTo(last.getInt(0));
    String[] key = {Advantages.WAVE.name(), Advantages.GROUP_ID.name(), Advantages.SAMPLE.name()};
    Column[] ofGroup = {Advantages.WAVE.col(), Advantages.GROUP_ID.col()};
    Column[] ofSample = {Advantages.WAVE.col(), Advantages.GROUP_ID.col(), Advantages.SAMPLE.col()};
    Dataset<Row> chosen = advantages.where(here).groupBy(ofGroup).agg(avg(Advantages.REWARD.col()).as(MEAN))
        .where(col(MEAN).isNotNull()).orderBy(order, Advantages.GROUP_ID.col(), Advantages.WAVE.col())
        .limit(ReportData.MAX_GROUPS);
    Dataset<Row> credits = advantages.where(here).join(chosen, new String[] {key[0], key[1]})
        .withColumn(RANK, row_number().over(Window.partitionBy(ofGroup)
            .orderBy(Advantages.REWARD.col().desc_nulls_last(), Advantages.SAMPLE.col())))
        .where(col(RANK).leq(ReportData.MAX_COMPLETIONS));
    Column trouble = when(Rewards.STATUS.col().notEqual(Status.OK.column()), Rewards.STATUS.col());
    Dataset<Row> verdicts = rewards.where(here).groupBy(ofSample).agg(
        coalesce(min(trouble), lit(Status.OK.column())).as(Rewards.STATUS.name()),
        concat_ws("; ", sort_array(collect_list(Rewards.MESSAGE.col()))).substr(1, ReportData.MAX_LABEL + 1)
            .as(Rewards.MESSAGE.name()));
    Dataset<Row> texts = rollouts.where(here).select(Rollouts.WAVE.col(), Rollouts.GROUP_ID.col(),
        Rollouts.SAMPLE.col(), cut(Rollouts.TEXT.col()).as(ANSWERED), size(Rollouts.TOKENS.col()).as(LENGTH),
        Rollouts.FINISH_REASON.col());
    Column turns = concat_ws("\n\n", transform(Prompts.MESSAGES.col(),
        turn -> concat_ws(": ", turn.getField(ROLE), turn.getField(CONTENT))));
    Dataset<Row> tasks = prompts.select(Prompts.PROMPT_ID.col(), cut(coalesce(Prompts.TEXT.col(), turns)).as(ASKED),
        cut(Prompts.ANSWER.col()).as(Prompts.ANSWER.name()));
    List<Row> rows = credits.join(texts, key).join(verdicts, key, "left")
        .join(tasks, new String[] {Prompts.PROMPT_ID.name()}, "left")
        .orderBy(order, Advantages.GROUP_ID.col(), Advantages.WAVE.col(), col(RANK)).collectAsList();
    Map<List<Object>, List<Row>> groups = new LinkedHashMap<>();
    rows.forEach(r -> groups.computeIfAbsent(List.of(Advantages.WAVE.of(r), Advantages.GROUP_ID.of(r)),
        g -> new ArrayList<>()).add(r));
    return groups.values().stream().map(g -> view(last.getInt(0), g)).toList();
  }

  private static GroupView view(int iteration, List<Row> rows) {
    Row first = rows.get(0);
    return new GroupView(iteration, Advantages.GROUP_ID.of(first), text(first, ASKED), orEmpty(Prompts.ANSWER, first),
        first.<Double>getAs(MEAN), rows.stream().map(ReportQuery::completion).toList());
  }

  /** A completion that no reward has seen counts as skipped. */
  private static CompletionView completion(Row row) {
    String status = Rewards.STATUS.absentIn(row) ? Status.SKIPPED.column() : Rewards.STATUS.of(row);
    return new CompletionView(Advantages.SAMPLE.of(row), text(row, ANSWERED), orNaN(Advantages.REWARD, row), status,
        orEmpty(Rewards.MESSAGE, row), orNaN(Advantages.ADVANTAGE, row), orEmpty(Advantages.DROPPED, row),
        row.<Integer>getAs(LENGTH), Rollouts.FINISH_REASON.of(row));
  }

  /**
   * Three questions to go on with; {@code table} gives a table's name in SQL, such as {@code delta.`/lake/metrics`}.
   */
  public static List<Query> queries(String runId, UnaryOperator<String> table) {
    String run = "'" + runId.replace("\\", "\\\\").replace("'", "\\'") + "'";
    String advantages = table.apply(Advantages.TABLE.name());
    return List.of(
        new Query("How did each measure move?", """
            SELECT iteration, name, value, low, high
            FROM %s
            WHERE run_id = %s
            ORDER BY name, iteration""".formatted(table.apply(Evaluations.TABLE.name()), run)),
        new Query("Which prompts were never solved?", """
            SELECT prompt_id, count(*) AS completions, max(reward) AS best
            FROM %s
            WHERE run_id = %s
            GROUP BY prompt_id HAVING max(reward) <= 0
            ORDER BY completions DESC, prompt_id""".formatted(advantages, run)),
        new Query("Which completions moved the last policy most?", """
            SELECT a.prompt_id, sample, a.reward, a.advantage, r.text
            FROM %s a JOIN %s r USING (run_id, iteration, wave, group_id, sample)
            WHERE run_id = %s AND iteration = (SELECT max(iteration) FROM %s WHERE run_id = %s)
            ORDER BY abs(a.advantage) DESC, a.prompt_id, sample
            LIMIT 20""".formatted(advantages, table.apply(Rollouts.TABLE.name()), run, advantages, run)));
  }

  /** One character more than is shown, so that the page can say that there was more. */
  private static Column cut(Column text) {
    return text.substr(1, ReportData.MAX_TEXT + 1);
  }

  private static String orEmpty(Field field, Row row) {
    return text(row, field.name());
  }

  private static String text(Row row, String name) {
    int at = row.fieldIndex(name);
    return row.isNullAt(at) ? "" : row.getString(at);
  }

  private static double orNaN(Field field, Row row) {
    return field.absentIn(row) ? Double.NaN : field.<Double>of(row);
  }
}
