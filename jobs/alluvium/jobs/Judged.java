package alluvium.jobs;

import alluvium.advantages.Moments;
import alluvium.rewards.OnError;
import alluvium.rewards.Status;
import alluvium.rewards.Verifier;
import alluvium.spark.TaskFailure;
import alluvium.tables.Rewards;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Row;
import scala.Tuple2;

/**
 * What verdicts come to.
 *
 * @param values moments of each reward over the verdicts that are ok
 * @param failed verdicts of each reward that are not, by status; every reward with a verdict is a key
 */
record Judged(Map<String, Moments> values, Map<String, Map<Status, Long>> failed) {
  private static final int MESSAGES = 3;
  private static final int LONGEST = 200;

  /** So many verdicts of a reward with one status, of one partition. */
  private record Part(String name, Status status, Moments values) implements Serializable {
    String key() {
      return name + '/' + status;
    }

    Part plus(Part other) {
      return new Part(name, status, values.plus(other.values));
    }
  }

  /** Of rows of the table of rewards, in one pass. */
  static Judged of(JavaRDD<Row> rewards) {
    Judged judged = new Judged(new TreeMap<>(), new TreeMap<>());
    for (Part part : TaskFailure.surfaced(rewards.mapPartitions(Judged::parts)::collect)) {
      Map<Status, Long> failed = judged.failed.computeIfAbsent(part.name, n -> new TreeMap<>());
      if (part.status == Status.OK) {
        judged.values.merge(part.name, part.values, Moments::plus);
      } else {
        failed.merge(part.status, part.values.count(), Long::sum);
      }
    }
    return judged;
  }

  private static Iterator<Part> parts(Iterator<Row> rows) {
    Map<String, Part> parts = new TreeMap<>();
    rows.forEachRemaining(row -> {
      double value = Rewards.VALUE.absentIn(row) ? 0 : Rewards.VALUE.<Double>of(row);
      Part part = new Part(Rewards.NAME.of(row), status(row), Moments.of(value));
      parts.merge(part.key(), part, Part::plus);
    });
    return new ArrayList<>(parts.values()).iterator();
  }

  private static Status status(Row row) {
    return Status.valueOf(Rewards.STATUS.<String>of(row).toUpperCase(Locale.ROOT));
  }

  /** Accuracy of each verifier, the mean of every reward, and how many verdicts are not ok: in all and of each. */
  Map<String, Double> metrics(Recipe recipe) {
    Map<String, Double> metrics = new TreeMap<>();
    values.forEach((name, all) -> {
      metrics.put("reward_mean." + name, all.mean());
      if (recipe.rewards().get(name) instanceof Verifier judge) {
        String suffix = Evaluate.verifier(recipe).orElse("").equals(name) ? "" : "." + name;
        metrics.put("accuracy" + suffix, (all.mean() - judge.wrong()) / (judge.right() - judge.wrong()));
      }
    });
    metrics.put("rows_failed", 0.0);
    failed.forEach((name, byStatus) -> {
      double all = byStatus.values().stream().mapToLong(n -> n).sum();
      metrics.merge("rows_failed", all, Double::sum);
      metrics.put("reward_failed." + name, all);
      byStatus.forEach((status, count) -> metrics.put("reward_failed." + name + "." + status.column(), (double) count));
    });
    return metrics;
  }

  /**
   * The rewards whose share of failures is larger than allowed, each with its numbers and its most frequent messages.
   *
   * <pre>  failures / verdicts > maxErrorShare;  failures: error, timeout, unparseable </pre>
   *
   * @param rewards the rows that this is of
   */
  List<String> excess(OnError onError, JavaRDD<Row> rewards) {
    List<String> excess = new ArrayList<>();
    failed.forEach((name, byStatus) -> {
      long failures = byStatus.entrySet().stream().filter(e -> e.getKey().failure()).mapToLong(Map.Entry::getValue)
          .sum();
      long all = values.getOrDefault(name, Moments.NONE).count()
          + byStatus.values().stream().mapToLong(n -> n).sum();
      if ((double) failures / all > onError.maxErrorShare()) {
        String statuses = byStatus.entrySet().stream().map(e -> e.getKey().column() + " " + e.getValue())
            .collect(Collectors.joining(", "));
        excess.add(String.format("%s failed %d of %d times (%s), mostly with %s", name, failures, all, statuses,
            messages(name, rewards)));
      }
    });
    return excess;
  }

  private static String messages(String name, JavaRDD<Row> rewards) {
    List<Tuple2<String, Long>> counts = new ArrayList<>(rewards.filter(row -> Rewards.NAME.of(row).equals(name)
        && status(row).failure()).mapToPair(row -> new Tuple2<>(message(row), 1L)).reduceByKey(Long::sum).collect());
    counts.sort(Comparator.comparing((Tuple2<String, Long> c) -> -c._2()).thenComparing(Tuple2::_1));
    return counts.stream().limit(MESSAGES).map(c -> c._2() + " x '" + c._1() + "'").collect(Collectors.joining(", "));
  }

  private static String message(Row row) {
    String message = Rewards.MESSAGE.absentIn(row) ? "" : Rewards.MESSAGE.of(row);
    return message.substring(0, Math.min(message.length(), LONGEST));
  }
}
