package alluvium.jobs;

import alluvium.spark.Lake;
import alluvium.tables.DataException;
import alluvium.tables.Policies;
import alluvium.tables.Stages;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apache.spark.sql.Row;

/**
 * Which updates made which policies of a lake, over all its runs. Within a run the policies of the main line follow
 * one another; a policy that a run did not make itself is the same as the one of its version that another run made,
 * or has it for its parent, and the line goes on there.
 */
final class Lineage {
  private final Map<Origin, Version> byPlace = new HashMap<>();
  private final Map<String, List<Version>> byVersion = new HashMap<>();
  private final Set<Origin> updates = new HashSet<>();

  private Lineage() {}

  /** The update of an iteration of a run. */
  record Origin(String run, int iteration) {}

  /** Iterations of one run that follow one another. */
  record Stretch(String run, int first, int last) {}

  /** A row of the table of policies. */
  private record Version(String run, int iteration, String version, String parent) {
    Origin origin() {
      return new Origin(run, iteration - 1);
    }
  }

  /** Reads the main lines of all runs, one small row per policy. */
  static Lineage read(Lake lake) {
    Lineage lineage = new Lineage();
    for (Row row : lake.read(Policies.TABLE).filter(Policies.ROLE.col().equalTo(Run.MAIN))
        .select(Policies.RUN_ID.col(), Policies.ITERATION.col(), Policies.POLICY_VERSION.col(), Policies.PARENT.col())
        .collectAsList()) {
      Version version = new Version(Policies.RUN_ID.of(row), Policies.ITERATION.of(row),
          Policies.POLICY_VERSION.of(row), Policies.PARENT.absentIn(row) ? "" : Policies.PARENT.of(row));
      lineage.byPlace.put(new Origin(version.run, version.iteration), version);
      lineage.byVersion.computeIfAbsent(version.version, v -> new ArrayList<>()).add(version);
    }
    for (Row row : lake.read(Stages.TABLE).filter(Stages.STAGE.col().equalTo(Update.STAGE))
        .select(Stages.RUN_ID.col(), Stages.ITERATION.col()).collectAsList()) {
      lineage.updates.add(new Origin(Stages.RUN_ID.of(row), Stages.ITERATION.of(row)));
    }
    return lineage;
  }

  /**
   * All updates that a policy is made of, the first one first; none where it was made by none.
   *
   * @param run preferred where several runs made policies of this version
   */
  List<Origin> ancestry(String version, String run) {
    List<Origin> line = new ArrayList<>();
    Set<Version> seen = new HashSet<>();
    for (Optional<Version> at = Optional.of(find(version, run)); at.isPresent() && seen.add(at.get());
        at = before(at.get())) {
      if (made(at.get())) {
        line.add(at.get().origin());
      }
    }
    Collections.reverse(line);
    return line;
  }

  /** Neighbouring updates of a run together. */
  static List<Stretch> stretches(List<Origin> line) {
    List<Stretch> stretches = new ArrayList<>();
    for (Origin origin : line) {
      int end = stretches.size() - 1;
      if (end >= 0 && stretches.get(end).run.equals(origin.run) && stretches.get(end).last + 1 == origin.iteration) {
        stretches.set(end, new Stretch(origin.run, stretches.get(end).first, origin.iteration));
      } else {
        stretches.add(new Stretch(origin.run, origin.iteration, origin.iteration));
      }
    }
    return stretches;
  }

  /** For each run with policies that any of some updates went into, the first iteration that starts from one. */
  Map<String, Integer> touched(Set<Origin> causes) {
    Map<Version, Boolean> known = new HashMap<>();
    Map<String, Integer> first = new TreeMap<>();
    for (Version version : byPlace.values()) {
      if (touched(version, causes, known)) {
        first.merge(version.run, version.iteration, Math::min);
      }
    }
    return first;
  }

  private boolean touched(Version version, Set<Origin> causes, Map<Version, Boolean> known) {
    Set<Version> path = new LinkedHashSet<>();
    boolean touched = false;
    Optional<Version> at = Optional.of(version);
    while (at.isPresent() && !touched && !known.containsKey(at.get()) && path.add(at.get())) {
      Version home = home(at.get());
      touched = made(home) && causes.contains(home.origin());
      at = before(home);
    }
    boolean result = touched || at.isPresent() && known.getOrDefault(at.get(), false);
    path.forEach(v -> known.put(v, result));
    return result;
  }

  /** The row of a version that the line begins at: the newest one of the run, else the one that all rows lead to. */
  private Version find(String version, String run) {
    List<Version> found = byVersion.getOrDefault(version, List.of());
    if (found.isEmpty()) {
      throw new DataException("policies: no run's main line has a policy of version %s. Look the version up in the"
          + " table of policies.", version);
    }
    List<Version> preferred = found.stream().filter(v -> v.run.equals(run)).toList();
    List<Version> homes = (preferred.isEmpty() ? found : preferred).stream().map(this::home).distinct().toList();
    List<String> runs = homes.stream().map(Version::run).distinct().sorted().toList();
    if (runs.size() > 1) {
      throw new DataException("policies: the runs %s all have the policy of version %s. Name one with --run.", runs,
          version);
    }
    return homes.stream().max(Comparator.comparingInt(Version::iteration)).orElseThrow();
  }

  private boolean made(Version version) {
    return updates.contains(version.origin());
  }

  /** The row of a policy in the run that made it; its own where no other run did. */
  private Version home(Version version) {
    return made(version) ? version : byVersion.get(version.version).stream()
        .filter(v -> v.iteration == version.iteration && v.parent.equals(version.parent) && made(v))
        .min(Comparator.comparing(Version::run)).orElse(version);
  }

  /** The policy that one was updated from, in the run that made it. */
  private Optional<Version> before(Version version) {
    Optional<Version> within = made(version)
        ? Optional.ofNullable(byPlace.get(version.origin()))
        : byVersion.getOrDefault(version.parent, List.of()).stream()
            .filter(v -> !v.run.equals(version.run) && made(v))
            .min(Comparator.comparing(Version::run).thenComparing(Version::iteration, Comparator.reverseOrder()));
    return within.map(this::home);
  }
}
