package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.spark.Lake;
import alluvium.spark.TestSession;
import alluvium.tables.Advantages;
import alluvium.tables.DataException;
import alluvium.tables.Prompts;
import alluvium.tables.RecipeException;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;

class VolumeTest {
  private static Volume.Arguments arguments() {
    Volume.Arguments arguments = new Volume.Arguments();
    arguments.lake = TestSession.newFolder().resolve("lake").toString();
    arguments.run = "volume";
    arguments.cluster = "conf/clusters/local.yaml";
    arguments.rollouts = 120;
    arguments.prompts = 30;
    arguments.stages = 12;
    arguments.stageFiles = 4;
    return arguments;
  }

  @Test
  void everyPhaseMakesItsRows() {
    Volume.Arguments arguments = arguments();
    Recipe recipe = TinyRuns.recipe(TinyRuns.GRPO);
    try (Run run = Run.open("test", arguments, recipe.digest()); PeakMemory memory = new PeakMemory()) {
      ObjectNode phases = (ObjectNode) Volume.measure(run, recipe, arguments, memory).get("phases");
      Map<String, Integer> rows = Map.of("prompts", 30, "rollouts", 120, "score", 120, "estimate", 120, "manifest", 12,
          "manifest compacted", 12);
      rows.forEach((phase, count) -> assertThat(phases.get(phase).get("rows").asInt()).as(phase).isEqualTo(count));
      assertThat(phases.get("score").get("files").asInt()).isBetween(1, 4);
      assertThat(phases.get("score").get("heap_peak_bytes").asLong()).isPositive();
      assertThatThrownBy(() -> Volume.measure(run, recipe, arguments, memory)).isInstanceOf(DataException.class)
          .hasMessageStartingWith("volume: run volume has rollouts in ");
    }
    Lake lake = Lake.open(TestSession.spark(), arguments.lake);
    assertThat(lake.read(Prompts.TABLE).count()).isEqualTo(30);
    assertThat(lake.read(Rollouts.TABLE).count()).isEqualTo(120);
    assertThat(lake.read(Rewards.TABLE).filter(Rewards.STATUS.col().equalTo("ok")).count()).isEqualTo(120);
    assertThat(lake.read(Advantages.TABLE).count()).isEqualTo(120);
  }

  @Test
  void aCompletionIsRightWhereItsSeedIsEven() {
    Row prompt = Volume.prompt(20_003);    // 2 and 3, of ten thousand second addends
    assertThat(Prompts.TEXT.<String>of(prompt)).isEqualTo("2+3=");
    assertThat(Prompts.ANSWER.<String>of(prompt)).isEqualTo("5");
    for (int sample = 0; sample < 8; sample++) {
      Row rollout = Volume.rollout("run", 0, 20_003, sample);
      assertThat(Rollouts.PROMPT_ID.<String>of(rollout)).isEqualTo(Prompts.PROMPT_ID.of(prompt));
      assertThat(Rollouts.TEXT.<String>of(rollout)).isEqualTo(Rollouts.SEED.<Long>of(rollout) % 2 == 0
          ? "The sum is 5." : "The sum is 6.");
    }
  }

  @Test
  void rolloutsAreAMultipleOfPrompts() {
    assertThatThrownBy(() -> Volume.main("--lake", "nosuchscheme://nowhere/lake", "--rollouts", "100", "--prompts",
        "30")).isInstanceOf(RecipeException.class)
        .hasMessage("--rollouts must be a multiple of --prompts, got 100 and 30");
  }
}
