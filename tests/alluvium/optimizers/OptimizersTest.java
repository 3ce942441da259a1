package alluvium.optimizers;

import static alluvium.optimizers.Golden.floats;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import alluvium.tables.RecipeException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.Test;

class OptimizersTest {
  private static final Schedule FLAT = new Constant(0);

  @Test
  void adamWFollowsTheRecordedTrajectory() {
    follow(Golden.of("adamw"), new AdamW(.01, .9, .95, 1e-8, .1, 1, FLAT));
  }

  @Test
  void nesterovFollowsTheRecordedTrajectory() {
    follow(Golden.of("sgd_nesterov"), new Nesterov(.01, .9, 1, FLAT));
  }

  @Test
  void theFirstAdamStepIsTheLearningRateAgainstTheGradientsSign() {
    // m / (1 - beta1) = g, sqrt(v / (1 - beta2)) = |g|; the vector does not decay, the matrix loses .1 * .5 of itself
    AdamW adam = new AdamW(.1, .9, .99, 1e-12, .5, 1, FLAT);
    float[] vector = {1, 1};
    adam.step(vector, new float[] {3, -7}, List.of(new float[2], new float[2]), false, 0);
    assertArrayEquals(new float[] {.9f, 1.1f}, vector, 1e-6f);
    float[] matrix = {1, 1};
    adam.step(matrix, new float[] {3, -7}, List.of(new float[2], new float[2]), true, 0);
    assertArrayEquals(new float[] {.85f, 1.05f}, matrix, 1e-6f);
  }

  @Test
  void withoutMomentumNesterovIsGradientDescent() {
    float[] weights = {1, 2};
    new Nesterov(.5, 0, 1, FLAT).step(weights, new float[] {2, -4}, List.of(new float[2]), true, 3);
    assertArrayEquals(new float[] {0, 4}, weights);
  }

  @Test
  void theScheduleScalesThePeak() {
    Schedule warm = new Constant(4);
    assertEquals(.02 / 4, new AdamW(.02, .9, .95, 1e-8, 0, 1, warm).learningRate(1), 1e-15);
    assertEquals(.02, new Nesterov(.02, .9, 1, warm).learningRate(4), 1e-15);
    float[] weights = {1};
    new Nesterov(.02, 0, 1, warm).step(weights, new float[] {1}, List.of(new float[1]), true, 2);
    assertEquals(1 - .02f / 2, weights[0], 1e-7f);
    new AdamW(.02, .9, .95, 1e-8, 1, 1, warm).step(weights, new float[] {1},
        List.of(new float[1], new float[1]), true, 0);
    assertEquals(1 - .02f / 2, weights[0], 1e-7f);   // the first step of a warm-up moves nothing, decay included
  }

  @Test
  void gradientsAreScaledToTheLargestNorm() {
    JsonNode golden = Golden.of("clip_grad_norm");
    List<float[]> gradients = List.of(floats(golden.get("before").get(0)), floats(golden.get("before").get(1)));
    assertEquals(golden.get("norm").asDouble(), GradientClip.clip(gradients, golden.get("max_norm").asDouble()), 1e-6);
    assertArrayEquals(floats(golden.get("after").get(0)), gradients.get(0), 1e-7f);
    assertArrayEquals(floats(golden.get("after").get(1)), gradients.get(1), 1e-7f);
  }

  @Test
  void smallInfiniteAndUndefinedGradientsAreLeftAlone() {
    float[] small = {3, 4};
    assertEquals(5, GradientClip.clip(List.of(small), 6), 1e-12);
    assertEquals(5, GradientClip.clip(List.of(small), Double.POSITIVE_INFINITY), 1e-12);
    assertArrayEquals(new float[] {3, 4}, small);
    float[] broken = {1, Float.POSITIVE_INFINITY};
    assertEquals(Double.POSITIVE_INFINITY, GradientClip.clip(List.of(broken), 1));
    assertArrayEquals(new float[] {1, Float.POSITIVE_INFINITY}, broken);
    assertEquals(Double.NaN, GradientClip.clip(List.of(new float[] {Float.NaN}), 1));
  }

  @Test
  void theGuardHalvesAGradientOfItsOwnSize() {
    float[] tiny = {1e-6f};
    GradientClip.clip(List.of(tiny), 1e-6);   // 1e-6 / (1e-6 + 1e-6)
    assertEquals(5e-7, tiny[0], 1e-12);
  }

  @Test
  void bigGradientsDoNotOverflow() {
    float[] big = {3e38f};
    assertEquals(3e38, GradientClip.clip(List.of(big), 1), 1e32);
    assertEquals(1, big[0], 1e-6f);
  }

  @Test
  void schedulesFollowTheRecordedRates() {
    rates(Golden.of("schedule_cosine"), new Cosine(5, 20));
    rates(Golden.of("schedule_linear"), new Linear(5, 20));
  }

  @Test
  void schedulesEndAtZeroAndStayThere() {
    assertEquals(0, new Cosine(5, 20).factor(20), 1e-15);
    assertEquals(0, new Cosine(5, 20).factor(31), 1e-15);
    assertEquals(0, new Linear(5, 20).factor(20));
    assertEquals(0, new Linear(5, 20).factor(31));
    assertEquals(1, new Linear(0, 20).factor(0));
    assertEquals(1, new Cosine(0, 20).factor(0));
  }

  @Test
  void constantWarmsUpThenStays() {
    assertEquals(0, new Constant(4).factor(0));
    assertEquals(.75, new Constant(4).factor(3));
    assertEquals(1, new Constant(4).factor(4));
    assertEquals(1, new Constant(0).factor(0));
  }

  @Test
  void miniBatchesPerIteration() {
    MiniBatches steps = new MiniBatches(2, 4, 3, 8);
    assertEquals(2, steps.epochs());
    assertEquals(4, steps.miniBatches());
    assertEquals(8, steps.microBatch());
  }

  @Test
  void badComponentsAreNamed() {
    assertThatThrownBy(() -> new AdamW(1e-6, .9, 1, 1e-8, 0, 1, FLAT)).isInstanceOf(RecipeException.class)
        .hasMessage("AdamW.beta2 must be in [0, 1), got 1.0. 0.95 to 0.999 is usual.");
    assertThatThrownBy(() -> new AdamW(0, .9, .9, 1e-8, 0, 1, FLAT)).isInstanceOf(RecipeException.class);
    assertThatThrownBy(() -> new AdamW(1, -1, .9, 1e-8, 0, 1, FLAT)).isInstanceOf(RecipeException.class);
    assertThatThrownBy(() -> new AdamW(1, .9, .9, 0, 0, 1, FLAT)).isInstanceOf(RecipeException.class);
    assertThatThrownBy(() -> new AdamW(1, .9, .9, 1, -1, 1, FLAT)).isInstanceOf(RecipeException.class);
    assertThatThrownBy(() -> new AdamW(1, .9, .9, 1, 0, 0, FLAT)).isInstanceOf(RecipeException.class);
    assertThatThrownBy(() -> new Nesterov(.1, 1, 1, FLAT)).isInstanceOf(RecipeException.class)
        .hasMessage("Nesterov.momentum must be in [0, 1), got 1.0. 0.9 is usual.");
    assertThatThrownBy(() -> new Linear(5, 5)).isInstanceOf(RecipeException.class)
        .hasMessage("Linear.total must be more than the 5 steps of warmup, got 5.");
    assertThatThrownBy(() -> new Cosine(-1, 5)).isInstanceOf(RecipeException.class)
        .hasMessage("Cosine.warmup must be >= 0 steps, got -1.");
    assertThatThrownBy(() -> new Constant(-1)).isInstanceOf(RecipeException.class);
    assertThatThrownBy(() -> new MiniBatches(1, 0, 1, 1)).isInstanceOf(RecipeException.class)
        .hasMessage("MiniBatches.perIteration must be at least 1, got 0.");
  }

  private static void follow(JsonNode golden, Optimizer optimizer) {
    float[] weights = floats(golden.get("trajectory").get(0));
    List<float[]> slots = optimizer.slots().stream().map(name -> new float[weights.length]).toList();
    for (int step = 0; step < golden.get("gradients").size(); step++) {
      optimizer.step(weights, floats(golden.get("gradients").get(step)), slots, true, step);
      assertArrayEquals(floats(golden.get("trajectory").get(step + 1)), weights, 1e-6f, "after step " + step);
    }
  }

  private static void rates(JsonNode golden, Schedule schedule) {
    for (int step = 0; step < golden.get("lr").size(); step++) {
      assertEquals(golden.get("lr").get(step).asDouble(), schedule.factor(step), 1e-12, "at step " + step);
    }
  }
}
