package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ReportPageTest {
  private static final String HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)><!-- & "
      + "\u2028\u2029 {{data}}";

  @Test
  void everyPartOfTheDataIsInThePage() throws Exception {
    JsonNode page = data(ReportPage.html(small()));
    JsonNode data = page.get("data");
    assertEquals("run-1", data.get("runId").asText());
    assertEquals("{\"seed\":\"7\",\"code\":\"0.1.0\"}", data.get("facts").toString());
    assertEquals("[[0,0.25],[1,\"NaN\"]]", data.get("series").get(0).get("points").toString());
    assertEquals("p1", data.get("policies").get(1).get("version").asText());
    assertEquals("[3,1]", data.get("histograms").get(0).get("counts").toString());
    assertEquals("6 x 7?", data.get("best").get(0).get("prompt").asText());
    assertEquals("it is 42", data.get("best").get(0).get("completions").get(0).get("text").asText());
    assertEquals("timeout", data.get("verdicts").get(0).get("what").asText());
    assertEquals("seed: 7\n", data.get("recipe").asText());
    assertEquals("SELECT 1", data.get("queries").get(0).get("sql").asText());
    assertEquals(MetricNotes.ALL.size(), page.get("notes").size());
  }

  @Test
  void hostileTextStaysText() throws Exception {
    ReportData hostile = ReportData.of(HOSTILE).withFacts(Map.of(HOSTILE, HOSTILE)).withRecipe(HOSTILE)
        .withSeries(List.of(new Series(HOSTILE, HOSTILE, List.of(new Point(0, 1)))))
        .withTimes(List.of(new StageTime(0, HOSTILE, HOSTILE, 1)))
        .withCounts(List.of(new Count(HOSTILE, HOSTILE, 1)), List.of(), List.of())
        .withGroups(List.of(group(HOSTILE, HOSTILE)), List.of()).withQueries(List.of(new Query(HOSTILE, HOSTILE)));
    String clean = ReportPage.html(small());
    String html = ReportPage.html(hostile);
    assertFalse(html.contains("alert(1)</script>"));
    assertEquals(count(clean, "<img"), count(html, "<img"));   // the chart library names it, in a string
    assertEquals(count(clean, "\u2028"), count(html, "\u2028"));
    assertEquals(count(clean, "<script"), count(html, "<script"));
    assertEquals(count(clean, "</script>"), count(html, "</script>"));
    assertEquals(count(clean, "<!--"), count(html, "<!--"));
    assertThat(section(html, "<script type=\"application/json\" id=\"data\">")).doesNotContain("<", ">", "&", "\u2028",
        "\u2029");
    assertEquals(HOSTILE, data(html).get("data").get("best").get(0).get("completions").get(0).get("text").asText());
    assertEquals(HOSTILE, data(html).get("data").get("recipe").asText());
  }

  @Test
  void thePageWritesNoMarkupFromStrings() throws Exception {
    byte[] template = ReportPageTest.class.getResourceAsStream("/alluvium/jobs/report.html").readAllBytes();
    String text = new String(template, StandardCharsets.UTF_8).replace("http://www.w3.org/2000/svg", "");
    assertThat(text).doesNotContain("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
        "new Function", "http:", "https:", "src=", "@import", "url(")
        .contains("textContent");
  }

  @Test
  void thePolicyAllowsItsOwnScriptsAndNothingElse() throws Exception {
    String html = ReportPage.html(small());
    Matcher scripts = Pattern.compile("<script>(.*?)</script>", Pattern.DOTALL).matcher(html);
    List<String> digests = new ArrayList<>();
    while (scripts.find()) {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(scripts.group(1).getBytes(StandardCharsets.UTF_8));
      digests.add("'sha256-" + Base64.getEncoder().encodeToString(hash) + "'");
    }
    assertEquals(2, digests.size());
    assertThat(html).contains("content=\"default-src 'none'; style-src 'unsafe-inline'; script-src "
        + String.join(" ", digests) + "; base-uri 'none'; form-action 'none'\"");
    assertFalse(html.contains("\r"));
  }

  @Test
  void theSameDataGivesTheSamePage() {
    assertEquals(ReportPage.html(small()), ReportPage.html(small()));
    assertFalse(ReportPage.html(small()).equals(ReportPage.html(small().withRecipe("seed: 8\n"))));
  }

  @Test
  void aRunWithoutRowsIsAPageToo() throws Exception {
    JsonNode page = data(ReportPage.html(ReportData.of("empty")));
    assertEquals(0, page.get("iterations").asInt());
    assertEquals(0, page.get("changes").size());
    assertEquals(0, page.get("times").get("bars").size());
  }

  @Test
  void thePageIsBoundedWhateverTheRun() throws Exception {
    String text = "x".repeat(100_000);
    List<Point> points = IntStream.range(0, 20_000).mapToObj(i -> new Point(i, Math.sin(i) * 1e-7)).toList();
    List<Series> series = IntStream.range(0, 150).mapToObj(i -> new Series("update", "m" + i + text, points)).toList();
    GroupView group = new GroupView(1, text, text, text, 1, IntStream.range(0, 50).mapToObj(i -> new CompletionView(i,
        text, 1, text, text, 1, text, 1, text)).toList());
    List<GroupView> groups = IntStream.range(0, 50).mapToObj(i -> group).toList();
    List<Count> counts = IntStream.range(0, 1000).mapToObj(i -> new Count(text, text, i)).toList();
    List<StageTime> times = IntStream.range(0, 60_000).mapToObj(i -> new StageTime(i / 6, "s" + i % 6, "p", 1))
        .toList();
    List<EvaluationPoint> evaluations = IntStream.range(0, 20_000).mapToObj(i -> new EvaluationPoint(i, text, text,
        text, "m", .5, .4, .6, 1, 1, 0)).toList();
    List<Histogram> histograms = IntStream.range(0, 2000).mapToObj(i -> new Histogram(i, ReportData.REWARD, 0, 1,
        List.of(1L, 2L))).toList();
    ReportData huge = new ReportData(text, Map.of(text, text), List.of(), evaluations, series, histograms, times,
        counts, counts, counts, groups, groups, text, List.of(new Query(text, text)));
    String html = ReportPage.html(huge);
    assertTrue(html.length() < 12_000_000, "characters: " + html.length());
    JsonNode page = data(html);
    assertEquals(2000, page.get("data").get("series").get(0).get("points").size());
    assertEquals(100, page.get("data").get("series").size());
    assertEquals(8, page.get("data").get("best").size());
    assertEquals(16, page.get("data").get("worst").get(0).get("completions").size());
    assertEquals("x".repeat(2000) + " … (cut at 2000 characters)", page.get("data").get("best").get(0).get("prompt")
        .asText());
    assertEquals(200, page.get("data").get("histograms").size());
    assertEquals(1999, page.get("data").get("histograms").get(199).get("iteration").asInt());
    assertTrue(page.get("times").get("bars").size() <= 240);
    assertEquals(60_000, page.get("times").get("seconds").asDouble());
    assertEquals(19_999, page.get("changes").get(0).get("last").get("iteration").asInt());
  }

  @Test
  void anOrdinaryPageIsLittleMoreThanItsCharts() {
    assertThat(ReportPage.html(small()).length()).isBetween(1_000_000, 1_120_000);   // the chart library has 1,016,420
  }

  @Test
  void thinningKeepsEndsAndSpikes() {
    List<Point> points = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      points.add(new Point(i, i == 500 ? 9 : i == 700 ? -9 : i == 800 ? Double.NaN : 0.001 * i));
    }
    Series thin = new Series("update", "loss", points).thinned(100);
    assertThat(thin.points().size()).isBetween(90, 100);
    assertThat(thin.points()).contains(points.get(0), points.get(999), points.get(500), points.get(700),
        points.get(800));
    assertThat(thin.points().stream().map(Point::iteration).toList()).isSorted().doesNotHaveDuplicates();
    assertEquals(points, new Series("update", "loss", points).thinned(1000).points());
    // 8 points to 4: ends, and of points 1..6 (values 5 1 7 2 9 3) the lowest (1) and the highest (9), in order
    double[] values = {0, 5, 1, 7, 2, 9, 3, 0};
    Series few = new Series("s", "m", IntStream.range(0, 8).mapToObj(i -> new Point(i, values[i])).toList())
        .thinned(4);
    assertEquals(List.of(0, 2, 5, 7), few.points().stream().map(Point::iteration).toList());
  }

  @Test
  void cuttingNeverSplitsACharacter() {
    assertEquals("abc", ReportData.cut("abc", 3));
    assertEquals("ab … (cut at 2 characters)", ReportData.cut("abc", 2));
    assertEquals("a … (cut at 2 characters)", ReportData.cut("a\uD83D\uDE00", 2));
  }

  @Test
  void changesCompareFirstAndLastOfEachMeasure() {
    EvaluationPoint start = evaluation(0, "greedy_accuracy", .1);
    EvaluationPoint middle = evaluation(5, "greedy_accuracy", .4);
    EvaluationPoint end = evaluation(10, "greedy_accuracy", .3);
    EvaluationPoint once = evaluation(5, "pass@4", .5);
    assertEquals(List.of(new ReportPage.Change(start, end), new ReportPage.Change(once, once)),
        ReportPage.changes(List.of(middle, once, end, start)));
  }

  @Test
  void timeIsSplitIntoLanesAndTotals() {
    ReportPage.Times times = ReportPage.split(List.of(new StageTime(0, "supervise", "train", 100),
        new StageTime(0, "update", "gradients", 3), new StageTime(0, "update", "commit", 1),
        new StageTime(0, "generate", "load", 2), new StageTime(0, "generate", "decode", 8),
        new StageTime(1, "generate", "decode", 6), new StageTime(1, "audit", "all", Double.NaN)),
        List.of(new Series("update", "seconds_total", List.of(new Point(0, 15)))));
    assertEquals(List.of("generate", "update", "Spark, Delta, load"), times.lanes());
    assertEquals(2, times.bars().size());
    assertEquals(new ReportPage.Bar(0, 0, List.of(8.0, 3.0, 3.0), 15), times.bars().get(0));   // 3 = 1 commit + 2 load
    assertEquals(new ReportPage.Bar(1, 1, List.of(6.0, 0.0, 0.0), Double.NaN), times.bars().get(1));
    assertEquals(List.of(new ReportPage.Total("supervise", "train", 100),
        new ReportPage.Total("generate", "decode", 14),
        new ReportPage.Total("generate", "load", 2), new ReportPage.Total("update", "commit", 1),
        new ReportPage.Total("update", "gradients", 3)), times.totals());
    assertEquals(120, times.seconds());
  }

  @Test
  void manyIterationsShareABarAsTheirMean() {
    // 480 iterations, 240 bars: each the mean of i and i + 1, so bar 0 holds (0 + 1) / 2
    ReportPage.Times times = ReportPage.split(IntStream.range(0, 480).mapToObj(i -> new StageTime(i, "generate", "all",
        i)).toList(), List.of());
    assertEquals(240, times.bars().size());
    assertEquals(new ReportPage.Bar(0, 1, List.of(0.5), Double.NaN), times.bars().get(0));
  }

  @Test
  void withoutStagesTheMetricsTellTheTime() throws Exception {
    JsonNode times = data(ReportPage.html(ReportData.of("r").withSeries(List.of(
        new Series("iterate", "seconds_generate", List.of(new Point(0, 4))),
        new Series("iterate", "seconds_commit", List.of(new Point(0, 1))),
        new Series("iterate", "seconds_total", List.of(new Point(0, 6))))))).get("times");
    assertEquals("[\"generate\",\"Spark, Delta, load\"]", times.get("lanes").toString());
    assertEquals("[4.0,1.0]", times.get("bars").get(0).get("seconds").toString());
    assertEquals(6, times.get("bars").get(0).get("total").asDouble());
    assertEquals(5, times.get("seconds").asDouble());
  }

  @Test
  void everyMetricHasOneCompleteNote() {
    assertThat(MetricNotes.ALL.stream().map(MetricNotes.Note::id)).doesNotHaveDuplicates().contains("reward_mean",
        "reward_std", "accuracy", "entropy", "kl_reference", "logp_mismatch", "ratio_mean", "clip_fraction", "loss",
        "gradient_norm", "learning_rate", "length_mean", "length_max", "truncated_share", "groups", "groups_all_equal",
        "groups_dropped", "rows_failed", "tokens_per_second", "seconds_generate", "seconds_score", "seconds_estimate",
        "seconds_update", "seconds_commit", "seconds_total");
    assertThat(MetricNotes.ALL).allSatisfy(n -> assertThat(List.of(n.title(), n.formula(), n.meaning(), n.unit(),
        n.normal())).noneMatch(String::isBlank));
    assertEquals("Entropy", MetricNotes.of("entropy").orElseThrow().title());
    assertTrue(MetricNotes.of("entropie").isEmpty());
  }

  private static ReportData small() {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("seed", "7");
    facts.put("code", "0.1.0");
    return ReportData.of("run-1").withFacts(facts).withRecipe("seed: 7\n")
        .withPolicies(List.of(new PolicyVersion(0, "main", "p0", "", "file:/p0", 0), new PolicyVersion(1, "main", "p1",
            "p0", "file:/p1", 4)))
        .withEvaluations(List.of(evaluation(0, "greedy_accuracy", .2), evaluation(1, "greedy_accuracy", .6)))
        .withSeries(List.of(new Series("update", "loss", List.of(new Point(0, .25), new Point(1, Double.NaN)))))
        .withHistograms(List.of(new Histogram(0, ReportData.REWARD, 0, .5, List.of(3L, 1L))))
        .withTimes(List.of(new StageTime(0, "generate", "decode", 2)))
        .withCounts(List.of(new Count("math", "timeout", 2)), List.of(), List.of())
        .withGroups(List.of(group("6 x 7?", "it is 42")), List.of())
        .withQueries(List.of(new Query("One", "SELECT 1")));
  }

  private static EvaluationPoint evaluation(int iteration, String name, double value) {
    return new EvaluationPoint(iteration, "p" + iteration, "sums", "heldout", name, value, value - .05, value + .05, 1,
        200, 0);
  }

  private static GroupView group(String prompt, String completion) {
    return new GroupView(1, "g", prompt, prompt, 1, List.of(new CompletionView(0, completion, 1, "ok", completion, .5,
        "", 4, "stop")));
  }

  private static JsonNode data(String html) throws Exception {
    return new ObjectMapper().readTree(section(html, "<script type=\"application/json\" id=\"data\">"));
  }

  private static String section(String html, String start) {
    int from = html.indexOf(start) + start.length();
    return html.substring(from, html.indexOf("</script>", from));
  }

  private static int count(String text, String part) {
    return (text.length() - text.replace(part, "").length()) / part.length();
  }
}
