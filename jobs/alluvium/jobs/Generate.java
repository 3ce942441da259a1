package alluvium.jobs;

import alluvium.policies.Checkpoint;
import alluvium.prompts.Split;
import alluvium.spark.KeptShards;
import alluvium.spark.PolicyHandle;
import alluvium.spark.Rollout;
import alluvium.spark.Span;
import alluvium.spark.TaskFailure;
import alluvium.tables.DataException;
import alluvium.tables.Prompts;
import alluvium.tables.RecipeException;
import alluvium.tables.Rejects;
import alluvium.tables.Rollouts;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.storage.StorageLevel;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Rollout generation: a policy and chosen prompts in, completions with their log-probabilities out. */
public final class Generate {
  static final String STAGE = "generate";
  private static final Logger LOG = LoggerFactory.getLogger(Generate.class);

  private Generate() {}

  public static void main(String... args) {
    WaveOptions arguments = new WaveOptions();
    if (!arguments.parse("Generate", args)) {
      return;
    }
    Options.atLeast(0, "--iteration", arguments.iteration);
    Options.atLeast(0, "--wave", arguments.wave);
    Recipe recipe = Recipe.read(Path.of(arguments.recipe));
    try (Run run = Run.open("generate", arguments, recipe.digest())) {
      int iteration = arguments.iteration;
      run.begin(Iterate.WORK, Iterate.settings(run, recipe, arguments.source));
      if (run.ledger().done(STAGE, iteration, arguments.wave)) {
        Console.line("generate   already done for iteration %d of run %s", iteration, run.id());
        return;
      }
      PolicyHandle policy = run.handle(run.requirePolicy(iteration));
      Dataset<Row> prompts = run.prompts(arguments.source, Split.TRAIN);
      List<Row> chosen = rows(prompts, recipe.prompts().choose(ids(prompts), run.seed(), iteration, arguments.wave));
      Generated generated = generate(run, recipe, policy, chosen, iteration, arguments.wave);
      run.ledger().submit(generated.entry(run, iteration, arguments.wave));
      run.ledger().await();
      Console.line("generate   iteration %d: %d completions, %d tokens, %.1f s", iteration, generated.completions(),
          generated.tokens(), generated.seconds());
    }
  }

  /**
   * What generation made, materialised.
   *
   * @param rollouts rows of the table of rollouts
   * @param rejects rows of the table of rejects
   * @param kept the finished shards' files, deleted once they are committed
   * @param seconds in which executors computed
   */
  record Generated(JavaRDD<Rollout.Shard> shards, JavaRDD<Row> rollouts, List<Row> rejects, List<Rollout.Tally> tallies,
      KeptShards kept, double seconds) {
    long completions() {
      return tallies.stream().mapToLong(Rollout.Tally::completions).sum();
    }

    long tokens() {
      return tallies.stream().mapToLong(Rollout.Tally::tokens).sum();
    }

    void free() {
      shards.unpersist(false);
    }

    Ledger.Entry entry(Run run, int iteration, int wave) {
      List<Ledger.Output> outputs = new ArrayList<>(List.of(Ledger.Data.of(run.spark(), Rollouts.TABLE, rollouts)));
      if (!rejects.isEmpty()) {
        outputs.add(new Ledger.Rows(Rejects.TABLE, rejects));
      }
      return new Ledger.Entry(STAGE, iteration, wave, outputs, List.of(Prompts.TABLE), Map.of("generate", seconds),
          kept::delete);
    }
  }

  /** What the shards of one or more waves say of an iteration, computed in so many seconds. */
  static Map<String, Double> metrics(List<Rollout.Tally> tallies, double seconds) {
    double entropy = 0;
    long tokens = 0;
    long completions = 0;
    long truncated = 0;
    int longest = 0;
    for (Rollout.Tally tally : tallies) {
      entropy += tally.entropy();
      tokens += tally.tokens();
      completions += tally.completions();
      truncated += tally.truncated();
      longest = Math.max(longest, tally.longest());
    }
    Map<String, Double> values = new TreeMap<>();
    values.put("entropy", entropy / tokens);
    values.put("length_mean", (double) tokens / completions);
    values.put("length_max", (double) longest);
    values.put("truncated_share", (double) truncated / completions);
    values.put("tokens_per_second",
        tallies.stream().filter(t -> !t.kept()).mapToLong(Rollout.Tally::tokens).sum() / seconds);
    return values;
  }

  /** Completions of the prompts, in shards of the recipe's size. */
  static Generated generate(Run run, Recipe recipe, PolicyHandle policy, List<Row> prompts, int iteration, int wave) {
    Rollout rollout = new Rollout(policy, recipe.rollouts(), recipe.prompts().samples(), run.id(), run.seed(),
        iteration,
        wave);
    return materialise(run, rollout, prompts);
  }

  static Generated materialise(Run run, Rollout rollout, List<Row> prompts) {
    if (prompts.isEmpty()) {
      throw new DataException("prompts: nothing to generate for iteration %d, wave %d. Ingest prompts first, or name"
          + " their source.", rollout.iteration(), rollout.wave());
    }
    int context = Checkpoint.config(rollout.policy().folder()).maxPositions();
    RecipeException.require(rollout.sampling().maxTokens() < context,
        "rollouts.Sampling.maxTokens is %s, but the policy's"
        + " context of %s tokens must hold the prompt as well. Lower maxTokens.", rollout.sampling().maxTokens(),
        context);
    KeptShards kept = KeptShards.of(run.lake(), rollout.runId(), rollout.iteration(), rollout.wave(), Code.VERSION);
    JavaRDD<Rollout.Shard> shards = rollout.over(run.spark(), prompts, Integer.MAX_VALUE, kept)
        .persist(StorageLevel.MEMORY_AND_DISK());
    List<Rollout.Tally> tallies = new ArrayList<>(TaskFailure.surfaced(shards.map(Rollout.Shard::tally)::collect));
    tallies.sort(Comparator.comparingInt(Rollout.Tally::shard));
    List<Row> rejects = new ArrayList<>();
    if (tallies.stream().anyMatch(t -> t.rejects() > 0)) {
      rejects.addAll(shards.flatMap(s -> s.rejects().iterator()).collect());
    }
    report(rollout, tallies);
    return new Generated(shards, shards.flatMap(s -> s.rollouts().iterator()), rejects, tallies, kept,
        Span.seconds(tallies.stream().map(Rollout.Tally::span).toList()));
  }

  private static void report(Rollout rollout, List<Rollout.Tally> tallies) {
    long kept = tallies.stream().filter(Rollout.Tally::kept).count();
    LOG.info("{} iteration {} wave {}: {} completions generated, {} of {} shards had been kept", rollout.runId(),
        rollout.iteration(), rollout.wave(),
        tallies.stream().filter(t -> !t.kept()).mapToLong(Rollout.Tally::completions).sum(), kept, tallies.size());
    if (kept > 0) {
      Console.line("generate   %d of %d shards had been kept by an earlier process", kept, tallies.size());
    }
  }

  /** All prompt ids, sorted. */
  static List<String> ids(Dataset<Row> prompts) {
    List<String> ids = new ArrayList<>(prompts.select(Prompts.PROMPT_ID.col()).as(Encoders.STRING()).collectAsList());
    ids.sort(Comparator.naturalOrder());
    return ids;
  }

  /** The rows of the ids, in their order; every one must be there. */
  static List<Row> rows(Dataset<Row> prompts, List<String> ids) {
    Map<String, Row> byId = new HashMap<>();
    prompts.filter(Prompts.PROMPT_ID.col().isin(ids.toArray())).collectAsList()
        .forEach(row -> byId.put(Prompts.PROMPT_ID.of(row), row));
    for (String id : ids) {
      if (!byId.containsKey(id)) {
        throw new DataException("prompts: task %s is not there. Ingest its source again, or name its source.", id);
      }
    }
    return ids.stream().map(byId::get).toList();
  }
}
