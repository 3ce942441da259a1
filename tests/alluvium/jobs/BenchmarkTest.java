package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertEquals;

import alluvium.policies.Checkpoint;
import alluvium.policies.MatrixProducts;
import alluvium.policies.Tokenizer;
import alluvium.prompts.Task;
import alluvium.spark.TestSession;
import alluvium.tables.RecipeException;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BenchmarkTest {
  private static Benchmark.Iteration iteration(double length, double generate, double update, double period) {
    return new Benchmark.Iteration(Map.of("length_mean", length, "seconds_generate", generate, "seconds_score", 0.25,
        "seconds_estimate", 0.125, "seconds_update", update, "seconds_commit", 0.5, "seconds_total", 4.0), period);
  }

  @Test
  void figuresByHand() {
    // 100 completions of 10, 20, 30 tokens in 1, 1, 2 s: 1000, 2000, 1500 tokens a second
    Benchmark.Result result = new Benchmark.Result(1000, 100, 2, 3, 1e8, List.of(iteration(10, 1, 4, 5),
        iteration(20, 1, 4, 7), iteration(30, 2, 4, 6)), 0);
    assertEquals(1500, result.generatedPerSecond());
    assertEquals(2 * 1000 * 1500 / 1e8, result.generatedShare(), 1e-15);
    assertEquals(1000, result.trainedPerSecond());    // 2 epochs of 1000, 2000, 3000 in 4 s: 500, 1000, 1500
    assertEquals(6 * 1000 * 1000 / 1e8, result.trainedShare(), 1e-15);
    assertEquals(6, result.json().get("iteration_s").asDouble());
    assertEquals(0.25, result.json().get("score_s").asDouble());
    assertThat(result.table()).contains("| generate | 1.00 | 1500 | 3% |", "| update | 4.00 | 1000 | 6% |",
        "| waiting for commits | 2.00 | | |");
    assertEquals(6.5, new Benchmark.Result(1, 1, 1, 1, 1, result.iterations().subList(1, 3), 0)
        .median(Benchmark.Iteration::period));
  }

  @Test
  void aSmallOne() {
    Benchmark.Arguments arguments = new Benchmark.Arguments();
    arguments.lake = TestSession.newFolder().resolve("lake").toString();
    arguments.run = "benchmark";
    arguments.cluster = "conf/clusters/local.yaml";
    arguments.policy = TinyRuns.POLICY;
    arguments.prompts = 3;
    arguments.samples = 4;
    arguments.maxTokens = 2;
    arguments.promptTokens = 3;
    arguments.warm = 1;
    arguments.iterations = 2;
    Recipe recipe = Benchmark.workload(Recipe.read(Path.of("conf/benchmark.yaml")), arguments);
    assertEquals(3, recipe.prompts().choose(List.of("a", "b", "c", "d"), 0, 0, 0).size());
    try (Run run = Run.open("test", arguments, recipe.digest())) {
      JsonNode json = Benchmark.measure(run, recipe, arguments).json();
      assertEquals(12, json.get("completions").asInt());
      assertEquals(2, json.get("iterations").asInt());
      assertThat(json.get("length_mean").asDouble()).isBetween(1.0, 2.0);
      for (String figure : List.of("iteration_s", "generate_s", "update_s", "rollout_tokens_per_s",
          "update_tokens_per_s", "matrix_products_flops", "rollout_share", "update_share")) {
        assertThat(json.get(figure).asDouble()).as(figure).isPositive();
      }
    }
  }

  @Test
  void promptsHaveTheirLengthAndDiffer() {
    Checkpoint checkpoint = Checkpoint.read(TinyRuns.POLICY);
    List<Task> tasks = Benchmark.tasks(checkpoint, 50, 5, 1);
    assertThat(new HashSet<>(tasks)).hasSize(50);
    try (Tokenizer tokenizer = Tokenizer.of(checkpoint.files())) {
      assertThat(tasks).allMatch(task -> tokenizer.encode(task.text().orElseThrow()).length == 5);
    }
    assertEquals(tasks, Benchmark.tasks(checkpoint, 50, 5, 1));
    assertThatThrownBy(() -> Benchmark.tasks(checkpoint, 1000, 1, 1)).isInstanceOf(RecipeException.class)
        .hasMessage("--prompt-tokens 1 leave fewer than 1000 prompts apart");
  }

  @Test
  void productsTakeTime() {
    assertThat(MatrixProducts.rate(1, 0.05)).isBetween(1e7, 1e13);
  }
}
