package alluvium.objectives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import alluvium.contracts.Gradients;
import alluvium.contracts.Surrogates;
import alluvium.policies.TokenBatch;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Advantages, losses and their gradients on recorded log-probabilities. */
class GoldenLossTest {
  static List<GoldenCases.Case> all() {
    return GoldenCases.all();
  }

  static List<GoldenCases.Case> sampled() {
    return GoldenCases.all().stream().filter(c -> !c.needsFull()).toList();
  }

  @Test
  void whatIsCovered() {
    assertThat(GoldenCases.names()).containsAll(GoldenCases.LEFT_OUT).doesNotHaveDuplicates().hasSize(14);
    assertThat(all()).hasSize(12);
    assertThat(all().stream().filter(GoldenCases.Case::needsFull).map(GoldenCases.Case::name))
        .containsExactly("grpo entropy_coef=0.01");
  }

  @ParameterizedTest
  @MethodSource("all")
  void advantages(GoldenCases.Case one) {
    assertArrayEquals(GoldenCases.numbers(one.expected().get("advantages")), one.advantages(), 2e-7);
  }

  @ParameterizedTest
  @MethodSource("sampled")
  void loss(GoldenCases.Case one) {
    try (NDManager manager = Gradients.open()) {
      NDArray logp = GoldenCases.matrix(manager, "policy_logprobs", DataType.FLOAT32);
      double expected = one.expected().get("loss").asDouble();
      // 1e-5 of the loss, and the rounding of a float32 sum of 47 terms of either sign
      assertEquals(expected, one.loss(one.batch(logp, GoldenLossTest::none)).getFloat(),
          1e-5 * Math.abs(expected) + 1e-7);
    }
  }

  @ParameterizedTest
  @MethodSource("sampled")
  void gradient(GoldenCases.Case one) {
    try (NDManager manager = Gradients.open()) {
      NDArray logp = GoldenCases.matrix(manager, "policy_logprobs", DataType.FLOAT64);
      TokenBatch frozen = one.batch(logp, GoldenLossTest::none);
      double[] expected = Gradients.byDifferences(logp, x -> {
        TokenBatch live = one.batch(x, GoldenLossTest::none);
        return one.parts().stream()
            .map(part -> GoldenCases.normalized(Surrogates.of(part.objective().orElseThrow(), frozen, live)
                .add(Surrogates.of(part.regularizer(), live)), part.normalizer()))
            .reduce(NDArray::add).orElseThrow();
      });
      double[] made = Gradients.byEngine(logp, x -> one.loss(one.batch(x, GoldenLossTest::none)));
      assertArrayEquals(expected, made, 1e-8);
      assertThat(Arrays.stream(made).boxed()).anyMatch(slope -> Math.abs(slope) > 1e-3);
    }
  }

  private static NDArray none() {
    throw new IllegalStateException("no distributions are recorded");
  }
}
