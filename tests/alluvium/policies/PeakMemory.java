package alluvium.policies;

import alluvium.rollouts.Sampling;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.LoggerFactory;

/**
 * Measures what one shard of generation, or one micro-batch of gradients, takes of resident memory at its peak, beside
 * {@link Footprint}'s number: a program of its own, as docs/resources.md starts it, with a heap that is touched before.
 * Arguments: a folder, or layers,hidden,heads,kvHeads,intermediate,vocab; generate or train; prompts; samples; prompt
 * tokens; new tokens; micro-batch; topP.
 */
final class PeakMemory {
  private PeakMemory() {}

  public static void main(String... args) throws IOException {
    int[] n = Arrays.stream(args).skip(2).limit(5).mapToInt(Integer::parseInt).toArray();
    Checkpoint checkpoint = args[0].contains(",") ? random(args[0]) : Checkpoint.read(Path.of(args[0]));
    Footprint footprint = new Footprint(checkpoint.config());
    Sampling sampling = new Sampling(n[3], 1, 0, Double.parseDouble(args[7]), 0, List.of(), List.of(), n[0]);
    Policy.enter(1);
    try (Policy first = new Policy(checkpoint.config(), checkpoint.weights())) {
      generate(first, new int[] {1, 1, 2, 2, 1}, new Sampling(2, 1, 0, 1, 0, List.of(), List.of(), 1));
    }
    Files.writeString(Path.of("/proc/self/clear_refs"), "5");    // the peak starts anew
    long before = status("VmRSS");
    long estimate;
    try (Policy policy = new Policy(checkpoint.config(), checkpoint.weights())) {
      int rows = n[0] * n[1];
      int positions = n[2] + n[3];
      if (args[1].startsWith("g")) {
        generate(policy, n, sampling);
        estimate = footprint.weights() + footprint.fused() + footprint.cache(rows, positions)
            + Math.max(footprint.logits(rows, sampling), footprint.prompts(n[0], n[2], n[1])) * 3 / 2;
      } else {
        train(policy, n);
        estimate = 2 * footprint.weights() + 2 * footprint.largest()
            + (footprint.activations(n[4], positions) + footprint.vocabulary(n[4], n[3], 3)) * 3 / 2;
      }
    }
    long measured = status("VmHWM") - before;
    LoggerFactory.getLogger("alluvium.console").info(String.format(Locale.ROOT,
        "%s: estimate %.0f MB, measured %.0f MB, ratio %.2f%n", String.join(" ", args), estimate / 1e6,
        measured / 1e6, estimate / (double) measured));
  }

  private static void generate(Policy policy, int[] n, Sampling sampling) {
    List<int[]> prompts = new ArrayList<>();
    long[][] seeds = new long[n[0]][n[1]];
    for (int i = 0; i < n[0]; i++) {
      prompts.add(ids(n[2], policy, i));
      for (int s = 0; s < n[1]; s++) {
        seeds[i][s] = 1000L * i + s + 1;
      }
    }
    policy.generate(prompts, seeds, sampling, ids -> "");
  }

  /** Two, since the second adds its gradient to that of the first. */
  private static void train(Policy policy, int[] n) {
    float[] ones = new float[n[3]];
    Arrays.fill(ones, 1);
    List<Example> rows = new ArrayList<>();
    for (int i = 0; i < n[4]; i++) {
      rows.add(new Example("row" + i, ids(n[2], policy, i), ids(n[3], policy, i + 5), ones, new float[0], ones, ones));
    }
    float[] weights = new float[n[4] * n[3]];
    Arrays.fill(weights, 0.5f);
    try (Differentiation differentiation = new Differentiation(policy, Optional.empty(), 1)) {
      for (int i = 0; i < 2; i++) {
        try (Differentiation.Batch batch = differentiation.sampled(rows)) {
          batch.add(batch.tokens().logp(), weights);
        }
      }
    }
  }

  private static int[] ids(int length, Policy policy, int i) {
    int[] ids = new int[length];
    for (int t = 0; t < length; t++) {
      ids[t] = (7 * i + 3 * t + 4) % policy.config().vocab();
    }
    return ids;
  }

  private static Checkpoint random(String sizes) {
    int[] n = Arrays.stream(sizes.split(",")).mapToInt(Integer::parseInt).toArray();
    return Checkpoint.random(PolicyConfig.qwen2(n[0], n[1], n[2], n[3], n[4], n[5], 4096, true, 1, 0),
        Map.of(), 1);
  }

  private static long status(String field) throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
      return 1024 * Long.parseLong(lines.filter(l -> l.startsWith(field)).findFirst().orElseThrow()
          .replaceAll("[^0-9]", ""));
    }
  }
}
