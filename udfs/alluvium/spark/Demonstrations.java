package alluvium.spark;

import alluvium.policies.Example;
import alluvium.policies.PolicyConfig;
import alluvium.policies.Tokenizer;
import alluvium.tables.Prompts;
import alluvium.tables.Rejects;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/** Lifts tokenisation over tasks with solutions: the examples of supervised training. */
public final class Demonstrations {
  private Demonstrations() {}

  /** Examples in the order of their keys, and rows of the table of rejects. */
  public record Tokenized(List<Example> examples, List<Row> rejects) {}

  private record Outcome(List<Example> examples, List<Row> rejects) implements Serializable {}

  /** Prompt and solution of every task that has one, with the policy's end-of-text id behind it. */
  public static Tokenized of(Dataset<Row> prompts, PolicyHandle policy, PolicyConfig config) {
    int room = config.maxPositions();
    int[] end = config.eosIds().stream().limit(1).mapToInt(i -> i).toArray();
    List<Outcome> outcomes = TaskFailure.surfaced(prompts.filter(Prompts.SOLUTION.col().isNotNull()).javaRDD()
        .map(row -> policy.withTokenizer(tokenizer -> outcome(row, tokenizer, room, end)))::collect);
    List<Example> examples = new ArrayList<>();
    List<Row> rejects = new ArrayList<>();
    for (Outcome outcome : outcomes) {
      examples.addAll(outcome.examples());
      rejects.addAll(outcome.rejects());
    }
    examples.sort(Comparator.comparing(Example::key));
    rejects.sort(Comparator.comparing(Rejects.KEY::<String>of));
    return new Tokenized(examples, rejects);
  }

  private static Outcome outcome(Row row, Tokenizer tokenizer, int room, int[] end) {
    String id = Prompts.PROMPT_ID.of(row);
    int[] prompt = Prompting.ids(row, tokenizer);
    int[] solution = tokenizer.encode(Prompts.SOLUTION.of(row));
    int[] completion = Arrays.copyOf(solution, solution.length + end.length);
    System.arraycopy(end, 0, completion, solution.length, end.length);
    String reason = prompt.length == 0 ? "the prompt has no tokens" : solution.length == 0
        ? "the solution has no tokens"
        : prompt.length + completion.length > room
            ? String.format("prompt and solution have %d tokens; the context holds %d", prompt.length
            + completion.length,
                room) : "";
    if (!reason.isEmpty()) {
      String raw = row.toString();
      return new Outcome(List.of(), new ArrayList<>(List.of(Rejects.TABLE.row(Map.of(Rejects.SOURCE,
          Prompts.SOURCE.of(row), Rejects.STAGE, "supervise", Rejects.KEY, id, Rejects.REASON, reason, Rejects.RAW,
          raw.substring(0, Math.min(raw.length(), 2000)))))));
    }
    float[] ones = new float[completion.length];
    Arrays.fill(ones, 1);
    Example example = new Example(id, prompt, completion, new float[completion.length], new float[0], ones, ones);
    return new Outcome(new ArrayList<>(List.of(example)), List.of());
  }
}
