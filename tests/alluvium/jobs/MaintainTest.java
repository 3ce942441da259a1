package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.spark.Lake;
import alluvium.spark.TestSession;
import alluvium.tables.DataException;
import alluvium.tables.Policies;
import alluvium.tables.RecipeException;
import alluvium.tables.Rollouts;
import alluvium.tables.Stages;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;

class MaintainTest {
  private static final Recipe GRPO = TinyRuns.recipe(TinyRuns.GRPO);

  private final Path folder = TestSession.newFolder().resolve("lake");
  private final Lake lake = Lake.open(TestSession.spark(), folder.toString());

  private void iterate(int iterations) {
    Options options = TinyRuns.options("kept");
    options.lake = folder.toString();
    try (Run run = Run.open("test", options, GRPO.digest())) {
      Iterate.adopt(run, TinyRuns.POLICY);
      Iterate.iterate(run, GRPO, TinyRuns.SOURCE, iterations, 0, 1);
    }
  }

  private void ingest() {
    Options options = TinyRuns.options("ingest.sums");
    options.lake = folder.toString();
    try (Run run = Run.open("test", options, "")) {
      Ingest.ingest(run, TinyRuns.tasks(), TinyRuns.HELD_OUT, 0);
    }
  }

  private Map<String, String> digests() {
    Map<String, String> digests = new TreeMap<>();
    for (Row row : lake.read(Stages.TABLE).collectAsList()) {
      digests.put(Stages.STAGE.of(row) + "/" + Stages.ITERATION.<Integer>of(row), Stages.DIGEST.of(row));
    }
    return digests;
  }

  private List<String> folders() throws IOException {
    try (Stream<Path> all = Files.list(folder.resolve("_policy_files"))) {
      return all.map(p -> p.getFileName().toString()).filter(n -> n.contains("optimizer-")).sorted().toList();
    }
  }

  private static Maintain.Arguments arguments(int leastFiles) {
    Maintain.Arguments arguments = new Maintain.Arguments();
    arguments.leastFiles = leastFiles;
    arguments.leftoverHours = 24;
    arguments.retainHours = Optional.empty();
    arguments.keepOptimizers = Optional.empty();
    return arguments;
  }

  @Test
  void aRunGoesOnAsIfNothingHadHappened() throws IOException {
    ingest();
    iterate(2);
    Map<String, String> before = digests();
    assertThat(folders()).hasSize(2);    // of the policies that iterations 1 and 2 start from
    Path policies = folder.resolve("_policy_files");
    Path fresh = Files.createDirectory(policies.resolve("v.partial-1"));
    Path stale = Files.createDirectory(policies.resolve("optimizer-x.partial-2"));
    Files.setLastModifiedTime(stale, FileTime.from(Instant.now().minusSeconds(25 * 3600)));
    Maintain.Arguments night = arguments(1);
    Maintain.maintain(lake, night);
    assertThat(lake.read(Stages.TABLE).inputFiles()).hasSize(1);
    assertThat(digests()).isEqualTo(before);
    assertThat(fresh).exists();
    assertThat(stale).doesNotExist();
    assertThat(folders()).hasSize(2);
    night.keepOptimizers = Optional.of(1);
    Maintain.maintain(lake, night);
    assertThat(folders()).hasSize(1);
    night.retainHours = Optional.of(0);
    assertThatThrownBy(() -> Maintain.maintain(lake, night)).isInstanceOf(DataException.class)
        .hasMessageContaining("that the manifest names");
    night.giveUp = true;
    Maintain.maintain(lake, night);
    iterate(3);
    assertThat(digests()).containsAllEntriesOf(before);
    // a run that was left in peace made the same
    try (Run run = TinyRuns.started("kept", GRPO)) {
      Iterate.iterate(run, GRPO, TinyRuns.SOURCE, 3, 0, 1);
    }
    List<Row> here = lake.read(Policies.TABLE).filter(Policies.ITERATION.col().equalTo(3)).collectAsList();
    assertThat(Policies.POLICY_VERSION.<String>of(here.get(0))).isEqualTo(TinyRuns.versions("kept").get(3));
    assertThat(TinyRuns.digest(lake.read(Rollouts.TABLE).collectAsList(), Rollouts.TABLE))
        .isEqualTo(TinyRuns.digest(TinyRuns.rows("kept", Rollouts.TABLE), Rollouts.TABLE));
    Row second = lake.read(Policies.TABLE).filter(Policies.ITERATION.col().equalTo(1)).first();
    Options options = TinyRuns.options("kept");
    options.lake = folder.toString();
    try (Run run = Run.open("test", options, GRPO.digest())) {
      assertThatThrownBy(() -> Learner.load(run, second, GRPO.optimizer())).isInstanceOf(DataException.class)
          .hasMessage("policies: the optimizer's state of run kept, iteration 1 is gone from %s. Maintain keeps those "
              + "of the last iterations alone: continue from one of them, or put the folder back",
              Policies.OPTIMIZER_URI.<String>of(second));
    }
  }

  @Test
  void numbersOutOfTheirRangeAreSaidBeforeAnythingIsOpened() {
    Map<String, String> wrong = Map.of("--keep-optimizers", "0", "--retain-hours", "-1", "--least-files", "0");
    wrong.forEach((option, value) -> assertThatThrownBy(() -> Maintain.main("--lake", "nosuchscheme://nowhere/lake",
        option, value)).isInstanceOf(RecipeException.class).hasMessageContaining(option + " must be >= "));
  }
}
