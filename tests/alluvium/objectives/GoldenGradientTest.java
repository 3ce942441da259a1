package alluvium.objectives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import alluvium.policies.Checkpoint;
import alluvium.policies.Differentiation;
import alluvium.policies.Example;
import alluvium.policies.Policy;
import alluvium.policies.Tensors;
import alluvium.regularizers.NoRegularizer;
import alluvium.regularizers.Regularizer;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * The recorded losses and gradients of the reference implementation, through the decoder, as an executor computes
 * them.
 */
class GoldenGradientTest {
  private static final Path FOLDER = Path.of("tests/resources/golden/qwen2-tiny");

  @TestFactory
  Stream<DynamicTest> lossAndGradient() {
    return GoldenCases.all().stream().map(c -> DynamicTest.dynamicTest(c.name(), () -> check(c, 8)));
  }

  @TestFactory
  Stream<DynamicTest> microBatchesChangeNothing() {
    return GoldenCases.all().stream().map(c -> DynamicTest.dynamicTest(c.name(), () -> check(c, 3)));
  }

  @Test
  void theRecordedLogProbs() {
    Checkpoint checkpoint = Checkpoint.read(FOLDER);
    try (Policy policy = new Policy(checkpoint.config(), checkpoint.weights())) {
      List<Example> rows = examples(new double[8]);
      List<float[]> logp = policy.logProbs(rows, 1, 8);
      for (int i = 0; i < 8; i++) {
        for (int t = 0; t < logp.get(i).length; t++) {
          assertThat((double) logp.get(i)[t])
              .isCloseTo(GoldenCases.GOLDEN.get("policy_logprobs").get(i).get(t).asDouble(), within(1e-4));
        }
      }
    }
  }

  private static void check(GoldenCases.Case golden, int microBatch) {
    Checkpoint checkpoint = Checkpoint.read(FOLDER);
    double loss = 0;
    double clipped = 0;
    double[][] gradient = new double[checkpoint.weights().size()][];
    try (Policy policy = new Policy(checkpoint.config(), checkpoint.weights())) {
      List<Example> rows = examples(golden.advantages());
      for (GoldenCases.Part part : golden.parts()) {
        List<Regularizer> penalties = part.regularizer() instanceof NoRegularizer ? List.of()
            : List.of(part.regularizer());
        Objective objective = part.objective().orElse(b -> b.logp().mul(0));
        Loss sums = new Loss(objective, penalties, part.normalizer());
        try (Differentiation differentiation = new Differentiation(policy, Optional.empty(), 1)) {
          LossSums total = LossSums.NONE;
          for (int from = 0; from < rows.size(); from += microBatch) {
            total = total.plus(sums.add(differentiation, rows.subList(from, Math.min(rows.size(), from + microBatch))));
          }
          loss += total.numerator() / total.denominator();
          clipped += part.objective().isPresent() ? total.clipped() / total.tokens() : 0;
          add(gradient, differentiation.gradients(), total.denominator());
        }
      }
    }
    JsonNode expected = golden.expected();
    double known = expected.get("loss").asDouble();
    assertThat(loss).as("loss").isCloseTo(known, within(1e-5 * Math.abs(known) + 1e-6));
    JsonNode metrics = expected.get("metrics");
    if (metrics.has("cispo_clip_ratio")) {
      assertThat(clipped).as("clip fraction").isCloseTo(metrics.get("cispo_clip_ratio").asDouble(), within(1e-6));
    } else if (!golden.name().contains("sequence")) {    // recorded per completion there, ours is per token
      assertThat(clipped).as("clip fraction").isCloseTo(metrics.get("clip_ratio/region_mean").asDouble(), within(1e-6));
    }
    double norm = Math.sqrt(Arrays.stream(gradient).flatMapToDouble(Arrays::stream).map(g -> g * g).sum());
    double recorded = expected.get("grad_norm").asDouble();
    assertThat(norm).as("gradient norm").isCloseTo(recorded, within(1e-4 * recorded));
    double[] wanted = GoldenCases.numbers(expected.get("grad_final_norm_weight"));
    double[] found = gradient[checkpoint.weights().names().indexOf("model.norm.weight")];
    double scale = Math.sqrt(Arrays.stream(wanted).map(g -> g * g).sum());
    for (int i = 0; i < wanted.length; i++) {
      assertThat(found[i]).as("gradient of the final norm, " + i).isCloseTo(wanted[i], within(1e-4 * scale));
    }
  }

  private static void add(double[][] sum, Tensors gradients, double denominator) {
    for (int i = 0; i < sum.length; i++) {
      float[] values = gradients.values().get(i);
      sum[i] = sum[i] == null ? new double[values.length] : sum[i];
      for (int j = 0; j < values.length; j++) {
        sum[i][j] += values[j] / denominator;
      }
    }
  }

  private static List<Example> examples(double[] advantages) {
    JsonNode golden = GoldenCases.GOLDEN;
    List<Example> rows = new ArrayList<>();
    for (int i = 0; i < advantages.length; i++) {
      int[] prompt = ids(golden.get("prompt_ids").get(i), golden.get("prompt_mask").get(i));
      int[] completion = ids(golden.get("completion_ids").get(i), golden.get("completion_mask").get(i));
      float[] credit = new float[completion.length];
      Arrays.fill(credit, (float) advantages[i]);
      float[] ones = new float[completion.length];
      Arrays.fill(ones, 1);
      rows.add(new Example("row " + i, prompt, completion, floats(golden.get("old_logprobs").get(i), completion.length),
          floats(golden.get("ref_logprobs").get(i), completion.length), credit, ones));
    }
    return rows;
  }

  private static int[] ids(JsonNode ids, JsonNode mask) {
    List<Integer> kept = new ArrayList<>();
    for (int i = 0; i < ids.size(); i++) {
      if (mask.get(i).asInt() == 1) {
        kept.add(ids.get(i).asInt());
      }
    }
    return kept.stream().mapToInt(i -> i).toArray();
  }

  private static float[] floats(JsonNode array, int length) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (float) array.get(i).asDouble();
    }
    return values;
  }
}
