package alluvium.spark;

import static org.assertj.core.api.Assertions.assertThat;

import alluvium.tables.Field;
import alluvium.tables.Stages;
import java.sql.Timestamp;
import java.util.HashMap;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;

class ManifestTest {
  private final String location = TestSession.newFolder().resolve("lake").toString();

  @Test
  void recordsOutliveTheProcess() {
    Lake lake = Lake.open(TestSession.spark(), location);
    Manifest manifest = new Manifest(lake);
    assertThat(manifest.done("run", 0, "score", 0)).isFalse();
    manifest.record(row("score", 0, new Digest(2, 0, 1)), new CommitKey("run", "score", 0, Map.of()));
    assertThat(manifest.done("run", 0, "score", 0)).isTrue();
    manifest.record(row("score", 0, new Digest(9, 9, 9)), new CommitKey("run", "score", 0, Map.of()));   // once only
    manifest.record(row("score", 1, new Digest(3, 0, 3)), new CommitKey("run", "score", 1, Map.of()));
    Manifest again = new Manifest(Lake.open(TestSession.spark(), location));
    assertThat(again.done("run", 0, "score", 0)).isTrue();
    assertThat(again.done("run", 0, "score", 1)).isTrue();
    assertThat(again.done("run", 1, "score", 0)).isFalse();
    assertThat(again.done("run", 0, "estimate", 0)).isFalse();
    assertThat(again.done("other", 0, "score", 0)).isFalse();
    assertThat(again.rows("run")).hasSize(2);
    assertThat(again.digest("run", 0, "score", 0, "rewards")).contains(new Digest(2, 0, 1));
    assertThat(again.digest("run", 0, "score", 2, "rewards")).isEmpty();
    assertThat(again.digest("run", 0, "score", "rewards")).contains(new Digest(5, 0, 4));    // 2 + 3 rows, 1 + 3
    assertThat(again.digest("run", 0, "score", "rollouts")).isEmpty();
    assertThat(again.last("run", "score")).hasValue(0);
    assertThat(again.last("run", "estimate")).isEmpty();
  }

  private static Row row(String stage, int wave, Digest digest) {
    Map<Field, Object> values = new HashMap<>(Map.of(Stages.RUN_ID, "run", Stages.ITERATION, 0, Stages.STAGE, stage,
        Stages.WAVE, wave, Stages.STATUS, "done", Stages.INPUTS, Map.of("prompts", 3L), Stages.OUTPUTS,
        Map.of("rewards", 4L), Stages.ROWS, 8L, Stages.DIGEST, digest.text(), Stages.SECONDS, Map.of("commit", 0.1)));
    values.put(Stages.DIGESTS, Map.of("rewards", digest.text()));
    values.put(Stages.CODE_VERSION, "0.1.0");
    values.put(Stages.RECIPE_DIGEST, "r");
    values.put(Stages.FINISHED_AT, new Timestamp(0));
    return Stages.TABLE.row(values);
  }
}
