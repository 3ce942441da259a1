package alluvium.spark;

import static org.assertj.core.api.Assertions.assertThat;

import alluvium.policies.Example;
import alluvium.policies.PolicyConfig;
import alluvium.prompts.Split;
import alluvium.tables.Field;
import alluvium.tables.Prompts;
import alluvium.tables.Rejects;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;

class DemonstrationsTest {
  private static final PolicyHandle POLICY = TinyPolicies.handle(TinyPolicies.checkpoint(1));
  private static final PolicyConfig CONFIG = TinyPolicies.checkpoint(1).config();

  private static Row task(String id, String text, String solution) {
    return task(id, text, Map.of(Prompts.SOLUTION, solution));
  }

  private static Row task(String id, String text, Map<Field, Object> more) {
    Map<Field, Object> values = new HashMap<>(Map.of(Prompts.PROMPT_ID, id, Prompts.SOURCE, "sums", Prompts.SPLIT,
        Split.TRAIN, Prompts.TEXT, text, Prompts.METADATA, Map.of()));
    values.putAll(more);
    return Prompts.TABLE.row(values);
  }

  private static Dataset<Row> tasks(int slices) {
    List<Row> rows = new ArrayList<>();
    rows.add(task("c", "1+1=", "2"));
    rows.add(task("a", "0+1=", "1"));
    rows.add(task("unsolved", "0+2=", Map.of()));
    rows.add(task("long", "0+".repeat(10) + "0=", "12"));       // 22 + 2 + 1 = 25 > 24
    rows.add(task("full", "0+".repeat(10) + "0=", "1"));        // 22 + 1 + 1 = 24
    rows.add(task("nothing", "0+0=", ""));
    rows.add(task("mute", "", "1"));
    return TestSession.spark().createDataFrame(Rows.in(slices, rows), Prompts.TABLE.schema());
  }

  @Test
  void promptSolutionAndEndInTheOrderOfKeys() {
    for (int slices : Rows.SLICES) {
      Demonstrations.Tokenized tokenized = Demonstrations.of(tasks(slices), POLICY, CONFIG);
      assertThat(tokenized.examples()).extracting(Example::key).containsExactly("a", "c", "full");
      // ids: 0 padding, 1 end, 2 unknown, then + 0 1 2 = in the order of their code points
      Example sum = tokenized.examples().get(1);
      assertThat(sum.prompt()).containsExactly(5, 3, 5, 7);
      assertThat(sum.completion()).containsExactly(6, 1);
      assertThat(sum.weights()).containsExactly(1, 1);
      assertThat(sum.advantages()).containsExactly(1, 1);
      assertThat(sum.oldLogp()).containsExactly(0, 0);
      assertThat(sum.reference()).isEmpty();
    }
  }

  @Test
  void whatCannotTrainIsRefusedWithItsReason() {
    Set<String> digests = new HashSet<>();
    for (int slices : Rows.SLICES) {
      List<Row> rejects = Demonstrations.of(tasks(slices), POLICY, CONFIG).rejects();
      assertThat(rejects).extracting(r -> Rejects.KEY.of(r) + ": " + Rejects.REASON.of(r)).containsExactly(
          "long: prompt and solution have 25 tokens; the context holds 24", "mute: the prompt has no tokens",
          "nothing: the solution has no tokens");
      assertThat(rejects).allMatch(r -> Rejects.STAGE.of(r).equals("supervise") && Rejects.SOURCE.of(r).equals("sums"));
      digests.add(Digest.of(rejects, Rejects.TABLE).text());
    }
    assertThat(digests).hasSize(1);
  }
}
