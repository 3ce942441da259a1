package alluvium.jobs;

import alluvium.policies.Footprint;
import alluvium.policies.PolicyConfig;
import alluvium.regularizers.Regularizer.Needs;
import alluvium.rollouts.Sampling;
import alluvium.spark.PolicyHandle;
import alluvium.tables.Prompts;
import alluvium.tables.RecipeException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an iteration takes of memory, before it is run: bytes of the driver's heap, of an executor's heap, and of an
 * executor's native memory, where tensors live. The formulas are {@link Footprint}'s. What is made and freed within a
 * task counts one and a half times: that much the allocator of the C library keeps beside it (measured: 1.6).
 *
 * @param tasks that run at once in an executor
 * @param promptTokens of the longest prompt
 * @param parts what is there at the same time
 */
record MemoryEstimate(int tasks, int promptTokens, List<Part> parts) {
  private static final Logger LOG = LoggerFactory.getLogger(MemoryEstimate.class);

  /** Above this share of what there is a warning is logged: the rest is needed by what is not counted here. */
  static final double TIGHT = 0.9;
  /** Above this share nothing starts: the estimate would have to be half as large again as what is needed. */
  static final double HOPELESS = 1.5;

  private static final long MEBIBYTE = 1L << 20;
  /** Heap of Spark and Delta, of the driver and of an executor; ours, rounded up. */
  private static final long DRIVER_ITSELF = 256 * MEBIBYTE;
  private static final long EXECUTOR_ITSELF = 128 * MEBIBYTE;
  /** The tensor library's code and the JVM's own memory, measured as 215 MB, with Spark's classes beside it. */
  private static final long LIBRARY = 384 * MEBIBYTE;
  /** Policies in a JVM: those that nobody uses and that stay for the next, and the one that comes in. */
  private static final int POLICIES = 3;
  private static final int REFERENCE_ROWS = 32;

  /** Which memory. */
  enum Place {
    DRIVER_HEAP("driver, heap"), EXECUTOR_HEAP("executor, heap"), EXECUTOR_NATIVE("executor, outside the heap");

    private final String words;

    Place(String words) {
      this.words = words;
    }

    @Override
    public String toString() {
      return words;
    }
  }

  /** Something that takes memory. */
  record Part(Place place, String what, long bytes) {}

  MemoryEstimate {
    parts = List.copyOf(parts);
  }

  /**
   * The estimate of a run.
   *
   * @param tasksPerExecutor that run at once in one process
   * @param promptTokens of the longest prompt; more than the context leaves are as many as it does, since longer
   *     prompts are refused
   */
  static MemoryEstimate of(PolicyConfig config, Recipe recipe, int tasksPerExecutor, int promptTokens) {
    Footprint footprint = new Footprint(config);
    Sampling sampling = recipe.rollouts();
    int prompt = Math.max(1, Math.min(promptTokens, config.maxPositions() - sampling.maxTokens()));
    int positions = prompt + sampling.maxTokens();
    long weights = footprint.weights();
    long moments = recipe.optimizer().slots().size() * weights;
    int micro = recipe.steps().microBatch();
    boolean vocabulary = needs(recipe, Needs.FULL) || needs(recipe, Needs.FULL_REFERENCE);
    boolean compared = recipe.reference().iteration(0) >= 0;
    int completions = recipe.prompts().samples() * sampling.shardPrompts();

    long cache = footprint.cache(completions, positions);
    long drawn = live(footprint.prompts(sampling.shardPrompts(), prompt, recipe.prompts().samples()),
        footprint.logits(completions, sampling));
    long activations = spread(footprint.activations(micro, positions));
    long logits = spread(footprint.vocabulary(micro, sampling.maxTokens(), vocabulary ? 8 : 3));
    long sums = weights + 2 * footprint.largest();
    long reference = compared ? spread(footprint.forward(REFERENCE_ROWS, positions)
        + footprint.vocabulary(REFERENCE_ROWS, sampling.maxTokens(), 3)) : 0;
    boolean generating = cache + drawn >= activations + logits + sums;

    List<Part> parts = new ArrayList<>();
    parts.add(new Part(Place.DRIVER_HEAP, "Spark and Delta", DRIVER_ITSELF));
    parts.add(new Part(Place.DRIVER_HEAP, "weights, and those that step", 2 * weights));
    parts.add(new Part(Place.DRIVER_HEAP, "moments of the optimizer, likewise", 2 * moments));
    parts.add(new Part(Place.DRIVER_HEAP, "weights sent out, as they are and as blocks", 2 * weights));
    parts.add(new Part(Place.DRIVER_HEAP, "gradients of " + recipe.steps().shards() + " shards, one being read",
        (recipe.steps().shards() + 1L) * weights));
    parts.add(new Part(Place.DRIVER_HEAP, "their mean", sums));
    parts.add(new Part(Place.EXECUTOR_HEAP, "Spark", EXECUTOR_ITSELF));
    parts.add(new Part(Place.EXECUTOR_HEAP, "weights received, as blocks and as they are", 2 * weights));
    parts.add(new Part(Place.EXECUTOR_HEAP, "gradients sent back, twice written, of each task",
        3L * tasksPerExecutor * weights));
    parts.add(new Part(Place.EXECUTOR_NATIVE, "tensor library and JVM", LIBRARY));
    parts.add(new Part(Place.EXECUTOR_NATIVE, POLICIES + (compared ? " policies and the reference" : " policies"),
        (POLICIES + (compared ? 1 : 0)) * weights + 2 * footprint.fused()));
    if (generating) {
      parts.add(new Part(Place.EXECUTOR_NATIVE, "keys and values of a shard of " + completions + ", of each task",
          tasksPerExecutor * cache));
      parts.add(new Part(Place.EXECUTOR_NATIVE, "its prompts, or logits of a step", tasksPerExecutor * drawn));
    } else {
      parts.add(new Part(Place.EXECUTOR_NATIVE, "activations of " + micro + " completions, of each task",
          tasksPerExecutor * activations));
      parts.add(new Part(Place.EXECUTOR_NATIVE, "their logits", tasksPerExecutor * logits));
      parts.add(new Part(Place.EXECUTOR_NATIVE, "sums of gradients", tasksPerExecutor * sums));
    }
    long used = generating ? cache + drawn : activations + logits + sums;
    if (reference > used) {
      parts.add(new Part(Place.EXECUTOR_NATIVE, "the reference's log-probabilities instead",
          tasksPerExecutor * (reference - used)));
    }
    return new MemoryEstimate(tasksPerExecutor, prompt, parts);
  }

  /** Tokens of the prompt with the longest text, which is read and tokenised; 1 where there is none. */
  static int longestPrompt(Dataset<Row> prompts, PolicyHandle policy) {
    List<Row> longest = prompts.orderBy(functions.length(functions.coalesce(Prompts.TEXT.col(),
        functions.to_json(Prompts.MESSAGES.col()))).desc(), Prompts.PROMPT_ID.col()).limit(1).collectAsList();
    return longest.isEmpty() ? 1 : Math.max(1, policy.promptTokens(longest.get(0)));
  }

  long bytes(Place place) {
    return parts.stream().filter(p -> p.place() == place).mapToLong(Part::bytes).sum();
  }

  /** One line per memory, and below it what it is for. */
  String table() {
    StringBuilder text = new StringBuilder(String.format(Locale.ROOT,
        "memory     estimated for %d tasks at once in an executor, prompts of up to %d tokens%n", tasks,
        promptTokens));
    for (Place place : Place.values()) {
      text.append(String.format(Locale.ROOT, "  %-52s %9s%n", place, words(bytes(place))));
      for (Part part : parts) {
        if (part.place() == place) {
          text.append(String.format(Locale.ROOT, "    %-50s %9s%n", part.what(), words(part.bytes())));
        }
      }
    }
    return text.toString().stripTrailing();
  }

  /**
   * Compares with what there is: logs a warning for each memory of which more than nine tenths are needed.
   *
   * @throws RecipeException where one would be needed half as large again as it is
   */
  void check(Memory there) {
    for (Memory.Room room : there.rooms()) {
      long needed = room.places().stream().mapToLong(this::bytes).sum();
      String message = String.format(Locale.ROOT, "memory: about %s of %s are needed, of %s. %s", words(needed),
          room.name(), words(room.bytes()), room.wayOut());
      if (needed > HOPELESS * room.bytes()) {
        throw new RecipeException(message);
      }
      if (needed > TIGHT * room.bytes()) {
        LOG.warn("{}", message);
      }
    }
  }

  static String words(long bytes) {
    return bytes < 10L << 30 ? String.format(Locale.ROOT, "%.1f MiB", bytes / (double) MEBIBYTE)
        : String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1L << 30));
  }

  private static boolean needs(Recipe recipe, Needs needs) {
    return recipe.regularizers().stream().anyMatch(r -> r.needs() == needs);
  }

  private static long live(long... ones) {
    long most = 0;
    for (long one : ones) {
      most = Math.max(most, one);
    }
    return spread(most);
  }

  /** With what the allocator keeps beside it. */
  private static long spread(long bytes) {
    return bytes + bytes / 2;
  }
}
