package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.prompts.Split;
import alluvium.spark.Digest;
import alluvium.spark.PolicyHandle;
import alluvium.spark.Rows;
import alluvium.spark.TinyPolicies;
import alluvium.tables.DataException;
import alluvium.tables.RecipeException;
import alluvium.tables.Rollouts;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;

class GenerateTest {
  private static final Recipe GRPO = TinyRuns.recipe(TinyRuns.GRPO);
  private static final PolicyHandle POLICY = TinyPolicies.handle(TinyPolicies.checkpoint(3));

  private static Generate.Generated generated(Run run, Recipe recipe, Dataset<Row> prompts) {
    List<Row> chosen = Generate.rows(prompts, recipe.prompts().choose(Generate.ids(prompts), run.seed(), 0, 0));
    return Generate.generate(run, recipe, POLICY, chosen, 0, 0);
  }

  @Test
  void theOrderAndPartitionsOfTheTableOfPromptsDoNotMatter() {
    try (Run run = TinyRuns.open("generated", "")) {
      Set<String> digests = new HashSet<>();
      for (int slices : Rows.SLICES) {
        Generate.Generated made = generated(run, GRPO, run.prompts(TinyRuns.SOURCE, Split.TRAIN).repartition(slices));
        digests.add(Digest.of(made.rollouts().collect(), Rollouts.TABLE).text());
        assertThat(made.completions()).isEqualTo(32);
        made.free();
      }
      assertThat(digests).hasSize(1);
    }
  }

  @Test
  void aContextWithoutRoomForAPromptIsSaidAtOnce() {
    Recipe wide = TinyRuns.recipe(TinyRuns.GRPO.replace("maxTokens: 2", "maxTokens: 24"));
    try (Run run = TinyRuns.open("wide", "")) {
      assertThatThrownBy(() -> generated(run, wide, run.prompts(TinyRuns.SOURCE, Split.TRAIN)))
          .isInstanceOf(RecipeException.class)
          .hasMessage("rollouts.Sampling.maxTokens is 24, but the policy's context of 24 "
              + "tokens must hold the prompt as well. Lower maxTokens.");
    }
  }

  @Test
  void taskIdsThatAreNotThereAreNamed() {
    try (Run run = TinyRuns.open("unknown", "")) {
      Dataset<Row> prompts = run.prompts(TinyRuns.SOURCE, Split.TRAIN);
      assertThatThrownBy(() -> Generate.rows(prompts, List.of(Generate.ids(prompts).get(0), "p-0193")))
          .isInstanceOf(DataException.class)
          .hasMessage("prompts: task p-0193 is not there. Ingest its source again, or name its source.");
    }
  }
}
