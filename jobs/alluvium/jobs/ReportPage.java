package alluvium.jobs;

import alluvium.jobs.ReportData.EvaluationPoint;
import alluvium.jobs.ReportData.Point;
import alluvium.jobs.ReportData.Series;
import alluvium.jobs.ReportData.StageTime;
import alluvium.tables.DataException;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The report of a run as one HTML file that needs nothing else: charts, texts and scripts are inside, and its content
 * security policy allows its own two scripts by their digests and no request at all. Data enters as JSON in which no
 * character can end the element it stands in; the page's script turns it into text nodes and numbers only.
 */
public final class ReportPage {
  private static final String TEMPLATE = "/alluvium/jobs/report.html";
  private static final String CHARTS = "/META-INF/resources/webjars/echarts/5.3.1/dist/echarts.min.js";
  private static final String OVERHEAD = "Spark, Delta, load";
  private static final Set<String> OVERHEAD_PHASES = Set.of("read", "load", "commit", "spark", "wait");
  private static final Set<String> OUTSIDE_THE_LOOP = Set.of("ingest", "supervise", "report");
  private static final List<String> STAGE_ORDER = List.of("ingest", "supervise", "generate", "score", "estimate",
      "update", "evaluate");
  private static final ObjectMapper JSON = new ObjectMapper();

  private ReportPage() {}

  /** The first and the last measure of one name on one set of prompts. */
  record Change(EvaluationPoint first, EvaluationPoint last) {}

  /** Seconds per lane, the mean over the iterations from first to last; total is NaN where it was not measured. */
  record Bar(int first, int last, List<Double> seconds, double total) {}

  /** All seconds of one phase of one stage. */
  record Total(String stage, String phase, double seconds) {}

  /** Where the time of a run went: bars over its iterations, totals over everything. */
  record Times(List<String> lanes, String overhead, List<Bar> bars, List<Total> totals, double seconds) {}

  private record Page(ReportData data, List<MetricNotes.Note> notes, List<Change> changes, Times times, int iterations,
      double perIteration) {}

  /** The page's text, to be written as UTF-8 unchanged (its scripts are known by digest); same data, same text. */
  public static String html(ReportData data) {
    ReportData shown = data.bounded();
    List<StageTime> times = data.times().isEmpty() ? fromMetrics(data.series()) : data.times();
    Times split = split(times, data.series());
    int iterations = iterations(data, times);
    double looped = split.totals.stream().filter(t -> !OUTSIDE_THE_LOOP.contains(t.stage)).mapToDouble(Total::seconds)
        .sum();
    String json = json(new Page(shown.withTimes(List.of()), MetricNotes.ALL, changes(shown.evaluations()), split,
        iterations, iterations == 0 ? 0 : looped / iterations));
    String template = resource(TEMPLATE);
    String charts = resource(CHARTS);
    String script = between(template, "<script>\n'use strict'", "</script>");
    String policy = "default-src 'none'; style-src 'unsafe-inline'; script-src '" + digest(charts) + "' '"
        + digest(script) + "'; base-uri 'none'; form-action 'none'";
    int length = template.length() + charts.length() + json.length() + policy.length();
    StringBuilder page = new StringBuilder(length);
    int from = 0;
    for (Map.Entry<String, String> part : parts(policy, json, charts).entrySet()) {
      int at = template.indexOf(part.getKey(), from);
      page.append(template, from, at).append(part.getValue());
      from = at + part.getKey().length();
    }
    return page.append(template, from, template.length()).toString();
  }

  /** First against last measure of every name and set of prompts, in the order in which they are met. */
  static List<Change> changes(List<EvaluationPoint> evaluations) {
    Map<String, Change> changes = new LinkedHashMap<>();
    for (EvaluationPoint point : evaluations) {
      changes.merge(point.curve(), new Change(point, point), (known, next) -> new Change(
          next.first.iteration() < known.first.iteration() ? next.first : known.first,
          next.last.iteration() >= known.last.iteration() ? next.last : known.last));
    }
    return List.copyOf(changes.values());
  }

  /**
   * The seconds by lane. A lane is a stage; the phases read, load, commit, spark and wait of all stages share one lane.
   * Stages that run once (ingest, supervise, report) count in the totals and not in the bars.
   */
  static Times split(List<StageTime> times, List<Series> series) {
    TreeSet<Integer> iterations = new TreeSet<>();
    TreeSet<String> lanes = new TreeSet<>(Comparator.comparing((String lane) -> lane.equals(OVERHEAD))
        .thenComparing(byStage()));
    Map<String, TreeMap<String, Double>> totals = new TreeMap<>(byStage());
    Map<Integer, Map<String, Double>> seconds = new HashMap<>();
    double all = 0;
    for (StageTime time : times) {
      if (!Double.isFinite(time.seconds())) {
        continue;
      }
      all += time.seconds();
      totals.computeIfAbsent(time.stage(), s -> new TreeMap<>()).merge(time.phase(), time.seconds(), Double::sum);
      if (!OUTSIDE_THE_LOOP.contains(time.stage())) {
        String lane = OVERHEAD_PHASES.contains(time.phase()) ? OVERHEAD : time.stage();
        iterations.add(time.iteration());
        lanes.add(lane);
        seconds.computeIfAbsent(time.iteration(), i -> new HashMap<>()).merge(lane, time.seconds(), Double::sum);
      }
    }
    List<Total> rows = new ArrayList<>();
    totals.forEach((stage, phases) -> phases.forEach((phase, sum) -> rows.add(
        new Total(ReportData.cut(stage, ReportData.MAX_LABEL), ReportData.cut(phase, ReportData.MAX_LABEL), sum))));
    List<String> fewLanes = lanes.stream().limit(ReportData.MAX_BINS).toList();
    return new Times(fewLanes.stream().map(l -> ReportData.cut(l, ReportData.MAX_LABEL)).toList(), OVERHEAD,
        bars(List.copyOf(iterations), fewLanes, seconds, wholes(series)),
        rows.subList(0, Math.min(rows.size(), ReportData.MAX_ROWS)), all);
  }

  private static List<Bar> bars(List<Integer> iterations, List<String> lanes, Map<Integer, Map<String, Double>> seconds,
      Map<Integer, Double> wholes) {
    List<Bar> bars = new ArrayList<>();
    int each = Math.max(1, (iterations.size() + ReportData.MAX_BARS - 1) / ReportData.MAX_BARS);
    for (int from = 0; from < iterations.size(); from += each) {
      List<Integer> members = iterations.subList(from, Math.min(iterations.size(), from + each));
      List<Double> means = new ArrayList<>();
      for (String lane : lanes) {
        means.add(members.stream().mapToDouble(i -> seconds.get(i).getOrDefault(lane, 0.0)).sum() / members.size());
      }
      double total = members.stream().mapToDouble(i -> wholes.getOrDefault(i, Double.NaN)).sum() / members.size();
      bars.add(new Bar(members.get(0), members.get(members.size() - 1), means, total));
    }
    return bars;
  }

  private static Map<Integer, Double> wholes(List<Series> series) {
    Map<Integer, Double> wholes = new HashMap<>();
    series.stream().filter(s -> s.name().equals("seconds_total"))
        .forEach(s -> s.points().forEach(p -> wholes.merge(p.iteration(), p.value(), Double::sum)));
    return wholes;
  }

  /** Stage times as far as the metrics know them. */
  private static List<StageTime> fromMetrics(List<Series> series) {
    List<StageTime> times = new ArrayList<>();
    for (Series curve : series) {
      if (curve.name().startsWith("seconds_") && !curve.name().equals("seconds_total")) {
        String stage = curve.name().substring("seconds_".length());
        for (Point point : curve.points()) {
          times.add(new StageTime(point.iteration(), stage, stage.equals("commit") ? "commit" : "all",
              point.value()));
        }
      }
    }
    return times;
  }

  private static int iterations(ReportData data, List<StageTime> times) {
    Set<Integer> seen = new HashSet<>();
    times.stream().filter(t -> t.stage().equals("update")).forEach(t -> seen.add(t.iteration()));
    if (seen.isEmpty()) {
      data.series().stream().filter(s -> !s.stage().equals("supervise"))
          .forEach(s -> s.points().forEach(p -> seen.add(p.iteration())));
    }
    return seen.size();
  }

  private static Comparator<String> byStage() {
    return Comparator.comparing((String stage) -> STAGE_ORDER.contains(stage) ? STAGE_ORDER.indexOf(stage)
        : STAGE_ORDER.size()).thenComparing(Comparator.naturalOrder());
  }

  private static Map<String, String> parts(String policy, String json, String charts) {
    Map<String, String> parts = new LinkedHashMap<>();   // in the order of the template
    parts.put("{{policy}}", policy);
    parts.put("{{data}}", json);
    parts.put("{{echarts}}", charts);
    return parts;
  }

  /** JSON in which no character opens or closes markup or ends a line of script. */
  static String json(Object value) {
    try {
      return JSON.writeValueAsString(value).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
          .replace("\u2028", "\\u2028").replace("\u2029", "\\u2029");
    } catch (JsonProcessingException e) {
      throw new DataException(e, "report: the run's data cannot be written as JSON: %s", e.getOriginalMessage());
    }
  }

  /** What a browser compares an inline script with: its exact text in UTF-8. */
  private static String digest(String script) {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(script.getBytes(StandardCharsets.UTF_8));
      return "sha256-" + Base64.getEncoder().encodeToString(hash);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String between(String text, String start, String end) {
    int from = text.indexOf(start) + "<script>".length();
    return text.substring(from, text.indexOf(end, from));
  }

  private static String resource(String name) {
    try (InputStream in = Optional.ofNullable(ReportPage.class.getResourceAsStream(name)).orElseThrow(
        () -> new DataException("report: %s is not on the classpath. Run with all jars of the build.", name))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).replace("\r\n", "\n");   // as browsers read it
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
