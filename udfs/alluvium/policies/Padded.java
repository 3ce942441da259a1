package alluvium.policies;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.List;

/**
 * Examples side by side, prompt and completion joined and padded on the right.
 *
 * @param ids (B, L) int64
 * @param start (B) int64, where each completion begins
 * @param targets (B, T) int64, the completions; 0 in the padding
 * @param width T, at least 1
 */
record Padded(NDArray ids, NDArray start, NDArray targets, int width) {
  static Padded of(List<Example> rows, NDManager micro) {
    int b = rows.size();
    int length = rows.stream().mapToInt(r -> r.prompt().length + r.completion().length).max().orElseThrow();
    int width = Math.max(1, rows.stream().mapToInt(r -> r.completion().length).max().orElseThrow());
    long[] ids = new long[b * length];
    long[] start = new long[b];
    long[] targets = new long[b * width];
    for (int i = 0; i < b; i++) {
      int[] prompt = rows.get(i).prompt();
      int[] completion = rows.get(i).completion();
      start[i] = prompt.length;
      for (int t = 0; t < prompt.length; t++) {
        ids[i * length + t] = prompt[t];
      }
      for (int t = 0; t < completion.length; t++) {
        ids[i * length + prompt.length + t] = completion[t];
        targets[i * width + t] = completion[t];
      }
    }
    return new Padded(micro.create(ids, new Shape(b, length)), micro.create(start),
        micro.create(targets, new Shape(b, width)), width);
  }
}
