package alluvium.policies;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import alluvium.rollouts.Sampling;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PolicyTest {
  private static final Path GOLDEN = Path.of("tests/resources/golden");
  private static final Sampling GREEDY = new Sampling(16, 0, 0, 1, 0, List.of(), List.of(), 8);

  @ParameterizedTest
  @ValueSource(strings = {"qwen2-tiny", "llama-tiny", "qwen3-tiny"})
  void logitsAndLogProbsAsTransformers(String name) throws IOException {
    JsonNode expected = expected(name);
    try (Policy policy = policy(name)) {
      int vocab = policy.config().vocab();
      List<int[]> prompts = prompts(expected);
      for (int i = 0; i < prompts.size(); i++) {
        int[] ids = prompts.get(i);
        float[] logits = policy.logits(ids);
        float[] last = Arrays.copyOfRange(logits, (ids.length - 1) * vocab, ids.length * vocab);
        assertArrayEquals(floats(expected.get("last_logits").get(i)), last, 1e-4f, name + " last logits of row " + i);
        JsonNode row = logProbs(expected).get(i);
        int masked = row.size() + 1 - ids.length;
        Example example = example(Arrays.copyOf(ids, 1), Arrays.copyOfRange(ids, 1, ids.length));
        float[] logp = policy.logProbs(List.of(example), 1, 1).get(0);
        float[] known = Arrays.copyOfRange(floats(row), masked, row.size());
        assertArrayEquals(known, logp, 1e-4f, name + " log-probs of row " + i);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"qwen2-tiny", "llama-tiny", "qwen3-tiny"})
  void entropiesAsTransformers(String name) throws IOException {
    JsonNode expected = expected(name);
    try (Policy policy = policy(name)) {
      List<int[]> prompts = prompts(expected);
      for (int i = 0; i < prompts.size(); i++) {
        int[] ids = prompts.get(i);
        int[] completion = {ids[ids.length - 2], ids[ids.length - 1], 0};
        Example example = example(Arrays.copyOf(ids, ids.length - 2), completion);
        try (Differentiation differentiation = new Differentiation(policy, java.util.Optional.empty(), 1);
            Differentiation.Batch batch = differentiation.sampled(List.of(example))) {
          assertArrayEquals(floats(expected.get("entropy_last3").get(i)), batch.entropy().toFloatArray(), 1e-4f);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"qwen2-tiny", "llama-tiny", "qwen3-tiny"})
  void greedyTokensAsTransformersPaddingIncluded(String name) throws IOException {
    JsonNode expected = expected(name);
    try (Policy policy = policy(name)) {
      List<int[]> prompts = prompts(expected);
      long[][] seeds = new long[prompts.size()][1];
      List<Completion> completions = policy.generate(prompts, seeds, GREEDY, ids -> "");
      for (int i = 0; i < prompts.size(); i++) {
        int[] tokens = ints(expected.get("greedy_new_tokens").get(i));
        assertThat(completions.get(i).tokens()).as(name + " row " + i)
            .isEqualTo(Arrays.copyOf(tokens, completions.get(i).tokens().length));
        assertThat(completions.get(i).stopped() || completions.get(i).tokens().length == tokens.length).isTrue();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"qwen2-tiny", "llama-tiny", "qwen3-tiny"})
  void samplersLogProbsAreTheTrainers(String name) throws IOException {
    Sampling sampling = new Sampling(24, 0.7, 0, 1, 0, List.of(), List.of(3, 4, 5, 6, 7, 8, 9), 8);
    try (Policy policy = policy(name)) {
      List<int[]> prompts = List.of(new int[] {5, 6, 7}, new int[] {9, 10, 11, 12, 13, 14}, new int[] {20});
      long[][] seeds = new long[3][5];
      for (int i = 0; i < 15; i++) {
        seeds[i / 5][i % 5] = 1000 + i;
      }
      List<Completion> completions = policy.generate(prompts, seeds, sampling, ids -> "");
      List<Example> examples = new ArrayList<>();
      for (int i = 0; i < 15; i++) {
        examples.add(example(prompts.get(i / 5), completions.get(i).tokens()));
      }
      assertThat(completions.stream().map(c -> c.tokens().length).distinct().count()).isGreaterThan(2);
      List<float[]> logp = policy.logProbs(examples, 0.7, 4);
      for (int i = 0; i < 15; i++) {
        assertArrayEquals(logp.get(i), completions.get(i).logp(), 1e-4f, "row " + i);
      }
    }
  }

  @Test
  void frequenciesAreTheProbabilities() {
    try (Policy policy = policy("qwen2-tiny")) {
      int draws = 4000;
      long[][] seeds = new long[1][draws];
      for (int i = 0; i < draws; i++) {
        seeds[0][i] = 77L * i;
      }
      int[] prompt = {3, 1, 4};
      double[] p = softmax(policy.logits(prompt), 2 * 64, 64, 1);
      int[] whole = counts(policy, prompt, seeds, new Sampling(1, 1, 0, 1, 0, List.of(), List.of(), 8));
      double chi = 0;
      for (int v = 0; v < 64; v++) {
        chi += Math.pow(whole[v] - draws * p[v], 2) / (draws * p[v]);
      }
      assertThat(chi).as("chi-square with 63 degrees of freedom; 1 in 1000 is above 103").isLessThan(103);
      int[] top = counts(policy, prompt, seeds, new Sampling(1, 1, 3, 1, 0, List.of(), List.of(), 8));
      assertEquals(3, Arrays.stream(top).filter(c -> c > 0).count());
      double[] sorted = Arrays.stream(p).sorted().toArray();
      double mass = sorted[63] + sorted[62] + sorted[61];
      int best = Arrays.stream(top).max().orElseThrow();
      assertEquals(sorted[63] / mass, best / (double) draws, 0.03);
      double nucleus = sorted[63] + sorted[62] / 2;
      int[] kept = counts(policy, prompt, seeds, new Sampling(1, 1, 0, nucleus, 0, List.of(), List.of(), 8));
      assertEquals(2, Arrays.stream(kept).filter(c -> c > 0).count());
      double floor = (sorted[61] + sorted[60]) / 2 / sorted[63];
      int[] above = counts(policy, prompt, seeds, new Sampling(1, 1, 0, 1, floor, List.of(), List.of(), 8));
      assertEquals(3, Arrays.stream(above).filter(c -> c > 0).count());
    }
  }

  @Test
  void stopStringsEndACompletionWithTheTokenThatCompletesThem() {
    try (Policy policy = policy("qwen2-tiny")) {
      Sampling free = new Sampling(40, 1, 0, 1, 0, List.of(), List.of(), 8);
      long[][] seeds = {{1, 2, 3, 4}};
      List<int[]> prompts = List.of(new int[] {3, 1, 4});
      java.util.function.Function<int[], String> text = ids -> Arrays.toString(ids);
      List<Completion> whole = policy.generate(prompts, seeds, free, text);
      int[] tokens = whole.get(0).tokens();
      String stop = tokens[20] + ", " + tokens[21];
      List<Completion> cut = policy.generate(prompts, seeds,
          new Sampling(40, 1, 0, 1, 0, List.of(stop), List.of(), 8), text);
      int length = cut.get(0).tokens().length;
      assertThat(length).isLessThanOrEqualTo(22);
      assertThat(cut.get(0).stopped()).isTrue();
      assertThat(text.apply(cut.get(0).tokens())).contains(stop);
      assertThat(text.apply(Arrays.copyOf(tokens, length - 1))).doesNotContain(stop);
      assertThat(cut.get(0).tokens()).isEqualTo(Arrays.copyOf(tokens, length));
      for (int i = 1; i < 4; i++) {
        int shared = cut.get(i).tokens().length;
        assertThat(cut.get(i).tokens()).isEqualTo(Arrays.copyOf(whole.get(i).tokens(), shared));
      }
    }
  }

  @Test
  void aCompletionDependsOnItsSeedNotOnItsNeighbours() {
    try (Policy policy = policy("llama-tiny")) {
      Sampling sampling = new Sampling(12, 1, 0, 1, 0, List.of(), List.of(), 8);
      List<Completion> both = policy.generate(List.of(new int[] {5, 6}, new int[] {7, 8, 9}), new long[][] {{11}, {12}},
          sampling, ids -> "");
      List<Completion> alone = policy.generate(List.of(new int[] {7, 8, 9}), new long[][] {{12}}, sampling, ids -> "");
      assertThat(both.get(1).tokens()).isEqualTo(alone.get(0).tokens());
    }
  }

  @Test
  void microBatchesLeaveNothingBehind() {
    try (Policy policy = policy("qwen2-tiny")) {
      Example example = example(new int[] {1, 2, 3}, new int[] {4, 5, 6});
      policy.generate(List.of(new int[] {1, 2}), new long[][] {{1, 2}}, GREEDY, ids -> "");
      int before = policy.managedArrays();
      for (int i = 0; i < 100; i++) {
        policy.logProbs(List.of(example, example), 1, 2);
        policy.generate(List.of(new int[] {1, 2}), new long[][] {{1, 2}}, GREEDY, ids -> "");
        try (Differentiation differentiation = new Differentiation(policy, java.util.Optional.empty(), 1);
            Differentiation.Batch batch = differentiation.sampled(List.of(example))) {
          batch.add(batch.tokens().logp().neg(), new float[] {1, 1, 1});
        }
      }
      assertEquals(before, policy.managedArrays());
    }
  }

  @Test
  void twoEqualMicroBatchesGiveTwiceTheGradientOfOne() {
    try (Policy policy = policy("qwen2-tiny")) {
      Example example = example(new int[] {1, 2, 3}, new int[] {4, 5, 6});
      List<float[]> once = gradient(policy, example, 1);
      List<float[]> twice = gradient(policy, example, 2);
      for (int i = 0; i < once.size(); i++) {
        for (int j = 0; j < once.get(i).length; j++) {
          assertEquals(2 * once.get(i)[j], twice.get(i)[j], 1e-6);
        }
      }
    }
  }

  @Test
  void theGradientIsTheSlope() {
    Checkpoint checkpoint = Checkpoint.read(GOLDEN.resolve("qwen3-tiny"));
    Example example = example(new int[] {1, 2, 3}, new int[] {4, 5, 6});
    List<float[]> gradient;
    try (Policy policy = new Policy(checkpoint.config(), checkpoint.weights())) {
      gradient = gradient(policy, example, 1);
    }
    for (int tensor = 0; tensor < checkpoint.weights().size(); tensor += 3) {
      int at = checkpoint.weights().values().get(tensor).length / 2;
      double step = 1e-2;
      double up = nll(checkpoint, example, tensor, at, step);
      double down = nll(checkpoint, example, tensor, at, -step);
      assertEquals((up - down) / (2 * step), gradient.get(tensor)[at], 2e-3, checkpoint.weights().names().get(tensor));
    }
  }

  private static double nll(Checkpoint checkpoint, Example example, int tensor, int at, double by) {
    Tensors moved = checkpoint.weights().copy();
    moved.values().get(tensor)[at] += (float) by;
    try (Policy policy = new Policy(checkpoint.config(), moved)) {
      double sum = 0;
      for (float logp : policy.logProbs(List.of(example), 1, 1).get(0)) {
        sum -= logp;
      }
      return sum;
    }
  }

  private static List<float[]> gradient(Policy policy, Example example, int times) {
    try (Differentiation differentiation = new Differentiation(policy, java.util.Optional.empty(), 1)) {
      for (int i = 0; i < times; i++) {
        try (Differentiation.Batch batch = differentiation.sampled(List.of(example))) {
          batch.add(batch.tokens().logp().neg(), new float[] {1, 1, 1});
        }
      }
      return differentiation.gradients().values();
    }
  }

  private static int[] counts(Policy policy, int[] prompt, long[][] seeds, Sampling sampling) {
    int[] counts = new int[policy.config().vocab()];
    for (Completion completion : policy.generate(List.of(prompt), seeds, sampling, ids -> "")) {
      counts[completion.tokens()[0]]++;
    }
    return counts;
  }

  private static double[] softmax(float[] logits, int from, int size, double temperature) {
    double sum = 0;
    double[] p = new double[size];
    for (int i = 0; i < size; i++) {
      p[i] = Math.exp(logits[from + i] / temperature);
      sum += p[i];
    }
    for (int i = 0; i < size; i++) {
      p[i] /= sum;
    }
    return p;
  }

  private static Example example(int[] prompt, int[] completion) {
    float[] ones = new float[completion.length];
    Arrays.fill(ones, 1);
    return new Example("row", prompt, completion, new float[completion.length], new float[0], ones, ones);
  }

  private static Policy policy(String name) {
    Checkpoint checkpoint = Checkpoint.read(GOLDEN.resolve(name));
    return new Policy(checkpoint.config(), checkpoint.weights());
  }

  private static JsonNode expected(String name) throws IOException {
    return new ObjectMapper().readTree(GOLDEN.resolve(name).resolve("expected.json").toFile());
  }

  private static JsonNode logProbs(JsonNode expected) {
    var names = expected.fieldNames();
    while (names.hasNext()) {
      String name = names.next();
      if (name.startsWith("token_logprobs")) {
        return expected.get(name);
      }
    }
    throw new IllegalStateException("no token_logprobs");
  }

  private static List<int[]> prompts(JsonNode expected) {
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < expected.get("input_ids").size(); i++) {
      int[] ids = ints(expected.get("input_ids").get(i));
      int[] mask = ints(expected.get("attention_mask").get(i));
      prompts.add(Arrays.copyOfRange(ids, ids.length - Arrays.stream(mask).sum(), ids.length));
    }
    return prompts;
  }

  private static int[] ints(JsonNode array) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).intValue();
    }
    return values;
  }

  private static float[] floats(JsonNode array) {
    float[] values = new float[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) array.get(i).doubleValue();
    }
    return values;
  }
}
