package alluvium.jobs;

import alluvium.objectives.Loss;
import alluvium.optimizers.Batches;
import alluvium.policies.Checkpoint;
import alluvium.policies.Example;
import alluvium.policies.Tensors;
import alluvium.prompts.Split;
import alluvium.rollouts.KeyedSeed;
import alluvium.spark.Demonstrations;
import alluvium.spark.GradientShards;
import alluvium.spark.PolicyHandle;
import alluvium.spark.Stepping;
import alluvium.tables.DataException;
import alluvium.tables.Metrics;
import alluvium.tables.Policies;
import alluvium.tables.Prompts;
import alluvium.tables.Rejects;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import picocli.CommandLine.Option;

/**
 * Supervised fine-tuning: demonstrations in, the policy that iteration 0 starts from out. The policy is a Hugging
 * Face folder or
 * made from scratch by a small description, with a vocabulary learned from the task's own text.
 */
public final class Supervise {
  static final String STAGE = "supervise";

  private Supervise() {}

  static final class Arguments extends Options {
    @Option(names = "--recipe", required = true, description = "supervised recipe, such as conf/sft.yaml")
    String recipe;

    @Option(names = "--source", required = true, description = "source of the prompts, as given to Ingest")
    String source;

    @Option(names = "--policy", description = "Hugging Face folder to start from")
    Optional<Path> policy;

    @Option(names = "--scratch", description = "description of a policy to make, such as conf/policies/small.yaml")
    Optional<String> scratch;
  }

  public static void main(String... args) {
    Arguments arguments = new Arguments();
    if (!arguments.parse("Supervise", args)) {
      return;
    }
    SupervisedRecipe recipe = SupervisedRecipe.read(Path.of(arguments.recipe));
    Start start = Start.of(arguments.policy, arguments.scratch);
    try (Run run = Run.open("supervise", arguments, recipe.digest())) {
      supervise(run, recipe, start, arguments.source);
    }
  }

  /** Trains and commits the run's first policy, unless the manifest says that it is done. */
  static Row supervise(Run run, SupervisedRecipe recipe, Start start, String source) {
    run.begin(STAGE, Settings.of(recipe, run.seed()).with("source", source)
        .with("input.prompts", run.promptsDigest(source, Split.TRAIN)).with("start", start.identity()));
    if (run.ledger().done(STAGE, 0, 0)) {
      Console.line("supervise  already done for run %s", run.id());
      return run.requirePolicy(0);
    }
    long began = System.nanoTime();
    Dataset<Row> prompts = run.prompts(source, Split.TRAIN);
    Checkpoint first = start.checkpoint(prompts, run.seed());
    Row base = run.publish(first, 0, Run.BASE, Optional.empty(), List.of(), List.of(), 0);
    Demonstrations.Tokenized data = Demonstrations.of(prompts, run.handle(base), first.config());
    if (data.examples().isEmpty()) {
      throw new DataException("prompts: source %s has no training task with a solution. Ingest one, or name another"
          + " source.", source);
    }
    Fitted fitted = fit(run.spark().sparkContext(), recipe, first, run.handle(base), data.examples(), run.seed(),
        run.slots());
    Row trained = run.publish(fitted.checkpoint(), 0, Run.MAIN, Optional.of(Policies.POLICY_VERSION.of(base)),
        List.of(),
        List.of(), 0);
    List<Row> metrics = new ArrayList<>();
    for (int i = 0; i < fitted.steps().size(); i++) {
      Stepping.Step step = fitted.steps().get(i);
      Map<String, Double> values = Map.of("loss", step.loss(), "gradient_norm", step.gradientNorm(), "learning_rate",
          step.learningRate());
      metrics.addAll(Measured.rows(run.id(), i, STAGE, values));
    }
    double compute = fitted.steps().stream().mapToDouble(Stepping.Step::seconds).sum();
    run.ledger().submit(new Ledger.Entry(STAGE, 0, 0,
        List.of(new Ledger.Rows(Policies.TABLE, List.of(base, trained)), new Ledger.Rows(Metrics.TABLE, metrics),
            new Ledger.Rows(Rejects.TABLE, data.rejects())),
        List.of(Prompts.TABLE), Map.of("update", compute, "load", (System.nanoTime() - began) / 1e9 - compute),
        () -> { }));
    run.ledger().await();
    return trained;
  }

  /** A trained policy and what each step did. */
  record Fitted(Checkpoint checkpoint, List<Stepping.Step> steps) {}

  /**
   * The optimizer steps over examples, in an order that the seed fixes; every pass over the data has an order of its
   * own.
   */
  static Fitted fit(org.apache.spark.SparkContext context, SupervisedRecipe recipe, Checkpoint first,
      PolicyHandle handle,
      List<Example> examples, long seed, int slots) {
    Batches batches = recipe.steps();
    GradientShards shards = new GradientShards(handle, List.of(),
        new Loss(recipe.objective(), List.of(), recipe.normalizer()), 1, batches.microBatch());
    List<Tensors> moments = new ArrayList<>();
    recipe.optimizer().slots().forEach(s -> moments.add(first.weights().zeros()));
    JavaSparkContext java = JavaSparkContext.fromSparkContext(context);
    Stepping stepping = new Stepping(java, shards, recipe.optimizer(), first.weights().copy(), moments, 0);
    List<Stepping.Step> steps = new ArrayList<>();
    Console.Bar bar = new Console.Bar(STAGE, batches.count());
    List<Example> order = List.of();
    long epoch = -1;
    for (long step = 0; step < batches.count(); step++) {
      List<Example> batch = new ArrayList<>();
      for (long at = step * batches.size(); at < (step + 1) * batches.size(); at++) {
        if (at / examples.size() != epoch) {
          epoch = at / examples.size();
          order = shuffled(examples, seed, epoch);
        }
        batch.add(order.get((int) (at % examples.size())));
      }
      List<Stepping.Shard> cut = Stepping.cut(batch, batches.shards());
      steps.add(stepping.step(java.parallelize(cut, Math.min(slots, cut.size()))));
      bar.at(step + 1, String.format("loss %.3f", steps.get(steps.size() - 1).loss()));
    }
    return new Fitted(new Checkpoint(first.config(), stepping.weights(), first.files()), steps);
  }

  private static List<Example> shuffled(List<Example> examples, long seed, long epoch) {
    Map<String, Long> rank = new HashMap<>();
    examples.forEach(e -> rank.put(e.key(), KeyedSeed.of(seed, STAGE, epoch, e.key())));
    List<Example> order = new ArrayList<>(examples);
    order.sort(Comparator.comparingLong((Example e) -> rank.get(e.key())).thenComparing(Example::key));
    return order;
  }
}
