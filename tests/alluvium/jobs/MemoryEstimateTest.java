package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.jobs.MemoryEstimate.Place;
import alluvium.policies.Footprint;
import alluvium.policies.PolicyConfig;
import alluvium.spark.TestSession;
import alluvium.spark.TinyPolicies;
import alluvium.tables.Prompts;
import alluvium.tables.RecipeException;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkConf;
import org.junit.jupiter.api.Test;

class MemoryEstimateTest {
  private static final long MEBIBYTE = 1L << 20;
  private static final PolicyConfig CONFIG = PolicyConfig.qwen2(2, 64, 4, 2, 128, 500, 512, true, 1, 0);
  private static final Footprint FOOTPRINT = new Footprint(CONFIG);
  private static final Recipe RECIPE = TinyRuns.recipe(TinyRuns.GRPO);    // 2 prompts x 8, 2 tokens, 2 shards, micro 8

  private static long part(MemoryEstimate estimate, String start) {
    return estimate.parts().stream().filter(p -> p.what().startsWith(start)).findFirst().orElseThrow(
        () -> new AssertionError(estimate.table())).bytes();
  }

  @Test
  void theDriverHoldsWeightsMomentsAndGradients() {
    MemoryEstimate estimate = MemoryEstimate.of(CONFIG, RECIPE, 1, 10);
    long w = FOOTPRINT.weights();
    // weights 2, moments of AdamW 2 x 2, sent out 2, gradients of 2 shards and one more 3, their mean 1 and in double
    assertThat(estimate.bytes(Place.DRIVER_HEAP))
        .isEqualTo(256 * MEBIBYTE + (2 + 4 + 2 + 3 + 1) * w + 2 * FOOTPRINT.largest());
    assertThat(estimate.bytes(Place.EXECUTOR_HEAP)).isEqualTo(128 * MEBIBYTE + (2 + 3) * w);
  }

  @Test
  void trainingTakesMoreThanGenerationHere() {
    MemoryEstimate estimate = MemoryEstimate.of(CONFIG, RECIPE, 3, 10);
    // 8 completions of 10 + 2 tokens in each of 3 tasks, half as much again for the allocator
    assertThat(part(estimate, "activations")).isEqualTo(3 * FOOTPRINT.activations(8, 12) * 3 / 2);
    assertThat(part(estimate, "their logits")).isEqualTo(3 * FOOTPRINT.vocabulary(8, 2, 3) * 3 / 2);
    assertThat(part(estimate, "3 policies")).isEqualTo(3 * FOOTPRINT.weights() + 2 * FOOTPRINT.fused());
    assertThat(estimate.parts()).noneMatch(p -> p.what().startsWith("keys and values"));
  }

  @Test
  void generationTakesMoreWhereShardsAreLarge() {
    Recipe large = TinyRuns.recipe(TinyRuns.GRPO.replace("shardPrompts: 2", "shardPrompts: 64"));
    MemoryEstimate estimate = MemoryEstimate.of(CONFIG, large, 1, 100);
    assertThat(part(estimate, "keys and values of a shard of 512")).isEqualTo(FOOTPRINT.cache(64 * 8, 102));
    assertThat(estimate.parts()).noneMatch(p -> p.what().startsWith("activations"));
  }

  @Test
  void promptsThatTheContextRefusesAreNotCounted() {
    MemoryEstimate estimate = MemoryEstimate.of(CONFIG, RECIPE, 1, 100_000);
    assertThat(estimate.promptTokens()).isEqualTo(512 - 2);
    assertThat(MemoryEstimate.of(CONFIG, RECIPE, 1, 0).promptTokens()).isEqualTo(1);
  }

  @Test
  void aReferenceIsAnotherPolicy() {
    Recipe compared = TinyRuns.recipe(TinyRuns.GRPO.replace("reference:    {NoReference: {}}",
        "reference:    {Initial: {}}"));
    assertThat(part(MemoryEstimate.of(CONFIG, compared, 1, 10), "3 policies and the reference"))
        .isEqualTo(4 * FOOTPRINT.weights() + 2 * FOOTPRINT.fused());
  }

  @Test
  void theTableHasALineForEveryPart() {
    MemoryEstimate estimate = MemoryEstimate.of(CONFIG, RECIPE, 2, 10);
    assertThat(estimate.table().lines()).hasSize(1 + Place.values().length + estimate.parts().size())
        .startsWith("memory     estimated for 2 tasks at once in an executor, prompts of up to 10 tokens");
    assertThat(estimate.table()).containsPattern("driver, heap +\\d+\\.\\d MiB\\R {4}Spark and Delta +256\\.0 MiB\\R");
  }

  @Test
  void theLongestPromptIsTokenised() {
    try (Run run = TinyRuns.open("memory", "")) {
      // a character is a token: the longest sums have four numbers, 0+0+0+0=
      assertThat(MemoryEstimate.longestPrompt(run.prompts(TinyRuns.SOURCE, "train"),
          TinyPolicies.handle(TinyPolicies.checkpoint(1)))).isEqualTo(8);
      assertThat(MemoryEstimate.longestPrompt(run.lake().read(Prompts.TABLE).limit(0),
          TinyPolicies.handle(TinyPolicies.checkpoint(1)))).isEqualTo(1);
    }
  }

  @Test
  void whatDoesNotFitIsRefused() {
    MemoryEstimate estimate = new MemoryEstimate(1, 1,
        List.of(new MemoryEstimate.Part(Place.EXECUTOR_NATIVE, "all", 300 * MEBIBYTE)));
    SparkConf conf = new SparkConf(false).set("spark.master", "local[2]");
    long heap = 1024 * MEBIBYTE;
    assertThatCode(() -> estimate.check(Memory.of(conf, heap, heap + 200 * MEBIBYTE))).doesNotThrowAnyException();
    assertThatThrownBy(() -> estimate.check(Memory.of(conf, heap, heap + 199 * MEBIBYTE)))
        .isInstanceOf(RecipeException.class)
        .hasMessage("memory: about 300.0 MiB of the machine beside the heap are needed, of 199.0 MiB. Lower"
            + " shardPrompts, microBatch or maxTokens in the recipe, or slots in the cluster file.");
  }

  @Test
  void oneProcessSharesItsHeap() {
    Memory there = Memory.of(new SparkConf(false).set("spark.master", "local[2]"), 10, 30);
    assertThat(there.rooms()).extracting(Memory.Room::bytes).containsExactly(10L, 20L);
    assertThat(there.rooms().get(0).places()).containsExactly(Place.DRIVER_HEAP, Place.EXECUTOR_HEAP);
  }

  @Test
  void executorsHaveWhatTheClusterGivesThem() {
    Map<String, Long> yarn = Map.of("1g", 384L, "8g", 819L);    // a tenth, and no less than 384 MiB
    yarn.forEach((memory, overhead) -> {
      SparkConf conf = new SparkConf(false).set("spark.master", "yarn").set("spark.executor.memory", memory);
      assertThat(Memory.of(conf, 10, 30).rooms().get(2).bytes() / MEBIBYTE).isEqualTo(overhead);
      assertThat(Memory.of(conf.set("spark.executor.memoryOverhead", "3g"), 10, 30).rooms().get(2).bytes())
          .isEqualTo(3072 * MEBIBYTE);
      conf.set("spark.executor.resource.gpu.amount", "1");
      assertThat(Memory.of(conf, 10, 30).rooms()).hasSize(2);
    });
    SparkConf standalone = new SparkConf(false).set("spark.master", "spark://host:7077");
    assertThat(Memory.of(standalone, 10, 30).rooms()).extracting(Memory.Room::bytes)
        .containsExactly(10L, 1024 * MEBIBYTE);
  }

  @Test
  void thisSessionHasRoomForATinyPolicy() {
    MemoryEstimate estimate = MemoryEstimate.of(TinyPolicies.checkpoint(1).config(), RECIPE, 2, 8);
    Memory there = Memory.of(TestSession.spark().sparkContext().getConf());
    assertThat(there.rooms()).allMatch(room -> room.bytes() > 100 * MEBIBYTE);
    assertThatCode(() -> estimate.check(there)).doesNotThrowAnyException();
  }
}
