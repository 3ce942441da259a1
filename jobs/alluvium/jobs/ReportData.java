package alluvium.jobs;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonFormat.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * Everything the report of one run shows. Texts are whatever the tables hold and are trusted nowhere; a number that is
 * absent in a table is NaN here, an absent text is empty.
 *
 * @param runId key of the run
 * @param facts label to value, in the order in which they are shown: recipe digest, seed, code version, ...
 * @param policies versions in the order of their iterations
 * @param evaluations measures of policies, any order
 * @param series one per stage and metric
 * @param histograms one per iteration and quantity; those of one quantity have the same bins
 * @param times seconds of each phase of each stage
 * @param verdicts rewards by name and status
 * @param drops completions that did not train, by reason
 * @param rejects refused input rows, by where and why
 * @param best groups of the last iteration with the highest mean reward, best first
 * @param worst groups of the last iteration with the lowest mean reward, worst first
 * @param recipe the recipe as it was written
 * @param queries SQL to go on with
 */
public record ReportData(String runId, Map<String, String> facts, List<PolicyVersion> policies,
    List<EvaluationPoint> evaluations, List<Series> series, List<Histogram> histograms, List<StageTime> times,
    List<Count> verdicts, List<Count> drops, List<Count> rejects, List<GroupView> best, List<GroupView> worst,
    String recipe, List<Query> queries) {
  static final int MAX_POINTS = 2000;       // of one curve; kept by extremes
  static final int MAX_TEXT = 2000;         // characters of a prompt or completion
  static final int MAX_LABEL = 200;         // characters of a name
  static final int MAX_RECIPE = 50_000;     // characters
  static final int MAX_SERIES = 100;
  static final int MAX_GROUPS = 8;          // best, and as many worst
  static final int MAX_COMPLETIONS = 16;    // of one group
  static final int MAX_HISTOGRAMS = 200;
  static final int MAX_BINS = 64;
  static final int MAX_ROWS = 200;          // of a table
  static final int MAX_BARS = 240;          // of the time chart; more iterations share a bar

  /** Name of the quantity of reward histograms. */
  public static final String REWARD = "reward";
  /** Name of the quantity of length histograms. */
  public static final String LENGTH = "length";

  public ReportData {
    facts = Collections.unmodifiableMap(new LinkedHashMap<>(facts));
    policies = List.copyOf(policies);
    evaluations = List.copyOf(evaluations);
    series = List.copyOf(series);
    histograms = List.copyOf(histograms);
    times = List.copyOf(times);
    verdicts = List.copyOf(verdicts);
    drops = List.copyOf(drops);
    rejects = List.copyOf(rejects);
    best = List.copyOf(best);
    worst = List.copyOf(worst);
    queries = List.copyOf(queries);
  }

  /** A report of a run of which nothing is known yet; the with-methods add to it. */
  public static ReportData of(String runId) {
    return new ReportData(runId, Map.of(), List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), List.of(),
        List.of(), List.of(), List.of(), "", List.of());
  }

  public ReportData withFacts(Map<String, String> values) {
    return new ReportData(runId, values, policies, evaluations, series, histograms, times, verdicts, drops, rejects,
        best, worst, recipe, queries);
  }

  public ReportData withPolicies(List<PolicyVersion> values) {
    return new ReportData(runId, facts, values, evaluations, series, histograms, times, verdicts, drops, rejects,
        best, worst, recipe, queries);
  }

  public ReportData withEvaluations(List<EvaluationPoint> values) {
    return new ReportData(runId, facts, policies, values, series, histograms, times, verdicts, drops, rejects, best,
        worst, recipe, queries);
  }

  public ReportData withSeries(List<Series> values) {
    return new ReportData(runId, facts, policies, evaluations, values, histograms, times, verdicts, drops, rejects,
        best, worst, recipe, queries);
  }

  public ReportData withHistograms(List<Histogram> values) {
    return new ReportData(runId, facts, policies, evaluations, series, values, times, verdicts, drops, rejects, best,
        worst, recipe, queries);
  }

  public ReportData withTimes(List<StageTime> values) {
    return new ReportData(runId, facts, policies, evaluations, series, histograms, values, verdicts, drops, rejects,
        best, worst, recipe, queries);
  }

  public ReportData withCounts(List<Count> verdictCounts, List<Count> dropCounts, List<Count> rejectCounts) {
    return new ReportData(runId, facts, policies, evaluations, series, histograms, times, verdictCounts, dropCounts,
        rejectCounts, best, worst, recipe, queries);
  }

  public ReportData withGroups(List<GroupView> bestGroups, List<GroupView> worstGroups) {
    return new ReportData(runId, facts, policies, evaluations, series, histograms, times, verdicts, drops, rejects,
        bestGroups, worstGroups, recipe, queries);
  }

  public ReportData withRecipe(String text) {
    return new ReportData(runId, facts, policies, evaluations, series, histograms, times, verdicts, drops, rejects,
        best, worst, text, queries);
  }

  public ReportData withQueries(List<Query> values) {
    return new ReportData(runId, facts, policies, evaluations, series, histograms, times, verdicts, drops, rejects,
        best, worst, recipe, values);
  }

  /** A policy version as in the table policies; {@code parent} is empty for a first one. */
  public record PolicyVersion(int iteration, String role, String version, String parent, String uri,
      long optimizerSteps) {}

  /** One measure of one policy, a share in [0, 1] with its 95% interval over prompts. */
  public record EvaluationPoint(int iteration, String policyVersion, String source, String split, String name,
      double value, double low, double high, int samples, long promptCount, long failed) {
    String curve() {
      return source + "\n" + split + "\n" + name;
    }
  }

  /** One metric as one stage measured it, in the order of iterations. */
  public record Series(String stage, String name, List<Point> points) {
    public Series {
      points = List.copyOf(points);
    }

    /**
     * The same curve with at most {@code most} points, at least 4: the first, the last, and of every stretch of equal
     * size between them the lowest and the highest, so that no spike is lost. A value that is not finite counts as
     * highest.
     */
    public Series thinned(int most) {
      int size = points.size();
      if (size <= most) {
        return this;
      }
      int stretches = (most - 2) / 2;
      List<Point> kept = new ArrayList<>();
      kept.add(points.get(0));
      for (int s = 0; s < stretches; s++) {
        int from = 1 + (int) ((long) (size - 2) * s / stretches);
        int to = 1 + (int) ((long) (size - 2) * (s + 1) / stretches);
        int low = from;
        int high = from;
        for (int i = from; i < to; i++) {
          low = points.get(i).height() < points.get(low).height() ? i : low;
          high = points.get(i).height() > points.get(high).height() ? i : high;
        }
        kept.add(points.get(Math.min(low, high)));
        if (low != high) {
          kept.add(points.get(Math.max(low, high)));
        }
      }
      kept.add(points.get(size - 1));
      return new Series(stage, name, kept);
    }
  }

  /** The value of a metric at an iteration. */
  @JsonFormat(shape = Shape.ARRAY)
  public record Point(int iteration, double value) {
    private double height() {
      return Double.isFinite(value) ? value : Double.POSITIVE_INFINITY;
    }
  }

  /**
   * How often a quantity fell into each bin in one iteration.
   *
   * @param name {@link #REWARD} or {@link #LENGTH}
   * @param low lower edge of the first bin, the quantity's unit
   * @param width of every bin, > 0
   * @param counts one per bin; a bin holds its lower edge, the last one both
   */
  public record Histogram(int iteration, String name, double low, double width, List<Long> counts) {
    public Histogram {
      counts = List.copyOf(counts);
    }
  }

  /** Wall seconds of one phase of one stage; the phases of a stage do not overlap. */
  public record StageTime(int iteration, String stage, String phase, double seconds) {}

  /** So many rows of one sort: where they were found, and what is said of them. */
  public record Count(String where, String what, long rows) {}

  /** One prompt with its completions; {@code reward} is their mean, {@code answer} may be empty. */
  public record GroupView(int iteration, String groupId, String prompt, String answer, double reward,
      List<CompletionView> completions) {
    public GroupView {
      completions = List.copyOf(completions);
    }
  }

  /**
   * One completion.
   *
   * @param reward NaN where one failed
   * @param status ok, or the first other status among its rewards
   * @param message what the rewards said, possibly empty
   * @param advantage NaN where it did not train or credit is per token
   * @param dropped why it did not train, empty if it did
   * @param length tokens
   */
  public record CompletionView(int sample, String text, double reward, String status, String message,
      double advantage, String dropped, int length, String finishReason) {}

  /** A question and the SQL that answers it. */
  public record Query(String title, String sql) {}

  /** The same data cut to what a page can hold: few megabytes whatever the run. */
  ReportData bounded() {
    Map<String, String> fewFacts = new LinkedHashMap<>();
    facts.entrySet().stream().limit(MAX_ROWS).forEach(f -> fewFacts.put(label(f.getKey()), text(f.getValue())));
    return new ReportData(label(runId), fewFacts,
        ends(policies, MAX_ROWS).stream().map(p -> new PolicyVersion(p.iteration, label(p.role), label(p.version),
            label(p.parent), text(p.uri), p.optimizerSteps)).toList(),
        thinnedEvaluations(),
        series.stream().limit(MAX_SERIES).map(s -> s.thinned(MAX_POINTS))
            .map(s -> new Series(label(s.stage), label(s.name), s.points)).toList(),
        boundedHistograms(REWARD, LENGTH), times, counts(verdicts), counts(drops), counts(rejects), groups(best),
        groups(worst), cut(recipe, MAX_RECIPE),
        queries.stream().limit(MAX_ROWS).map(q -> new Query(label(q.title), text(q.sql))).toList());
  }

  /** Cuts a text, never between the halves of one character, and says so. */
  static String cut(String text, int most) {
    if (text.length() <= most) {
      return text;
    }
    int end = Character.isHighSurrogate(text.charAt(most - 1)) ? most - 1 : most;
    return text.substring(0, end) + " … (cut at " + most + " characters)";
  }

  private List<EvaluationPoint> thinnedEvaluations() {
    Map<String, List<EvaluationPoint>> curves = new LinkedHashMap<>();
    for (EvaluationPoint point : evaluations) {
      curves.computeIfAbsent(point.curve(), c -> new ArrayList<>()).add(point);
    }
    List<EvaluationPoint> kept = new ArrayList<>();
    curves.values().stream().limit(MAX_SERIES).forEach(c -> kept.addAll(ends(c, MAX_ROWS)));
    UnaryOperator<String> label = ReportData::label;
    return kept.stream().map(p -> new EvaluationPoint(p.iteration, label.apply(p.policyVersion), label.apply(p.source),
        label.apply(p.split), label.apply(p.name), p.value, p.low, p.high, p.samples, p.promptCount, p.failed))
        .toList();
  }

  private List<Histogram> boundedHistograms(String... names) {
    List<Histogram> kept = new ArrayList<>();
    for (String name : names) {
      List<Histogram> ofName = histograms.stream().filter(h -> h.name.equals(name))
          .filter(h -> h.counts.size() <= MAX_BINS).toList();
      kept.addAll(ends(ofName, MAX_HISTOGRAMS));
    }
    return kept;
  }

  private static List<Count> counts(List<Count> counts) {
    return counts.stream().limit(MAX_ROWS).map(c -> new Count(label(c.where), label(c.what), c.rows)).toList();
  }

  private static List<GroupView> groups(List<GroupView> groups) {
    return groups.stream().limit(MAX_GROUPS).map(g -> new GroupView(g.iteration, label(g.groupId), text(g.prompt),
        text(g.answer), g.reward, g.completions.stream().limit(MAX_COMPLETIONS).map(c -> new CompletionView(c.sample,
            text(c.text), c.reward, label(c.status), label(c.message), c.advantage, label(c.dropped), c.length,
            label(c.finishReason))).toList())).toList();
  }

  private static String text(String text) {
    return cut(text, MAX_TEXT);
  }

  private static String label(String text) {
    return cut(text, MAX_LABEL);
  }

  /** At most so many elements, evenly spread, the first and the last among them. */
  static <T> List<T> ends(List<T> all, int most) {
    if (all.size() <= most) {
      return all;
    }
    List<T> kept = new ArrayList<>();
    for (int i = 0; i < most; i++) {
      kept.add(all.get((int) ((long) (all.size() - 1) * i / (most - 1))));
    }
    return kept;
  }
}
