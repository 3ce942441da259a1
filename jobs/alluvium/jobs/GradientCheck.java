package alluvium.jobs;

import alluvium.objectives.Loss;
import alluvium.objectives.LossSums;
import alluvium.policies.Differentiation;
import alluvium.policies.Example;
import alluvium.policies.Policy;
import alluvium.regularizers.Regularizer.Needs;
import alluvium.spark.PolicyHandle;
import alluvium.tables.Advantages;
import alluvium.tables.DataException;
import alluvium.tables.Metrics;
import alluvium.tables.Policies;
import alluvium.tables.RecipeException;
import alluvium.tables.Rollouts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.Row;

/**
 * The gradient of an update from the rows that a trace gives, the policy's files and the recipe alone: on the driver,
 * micro-batch by micro-batch in the order of the rows, without shards.
 *
 * <pre>  norm = || sum_batches gradient || / denominator </pre>
 *
 * With a single optimizer step this is the gradient that was taken, and the norm must be the recorded one to 1e-5 of
 * it. With several it is the gradient of the whole batch at the policy that the first step began with, and the
 * recorded norm is a mean over steps from other weights: then the log-probabilities are compared, which the sampler
 * recorded for the same weights.
 *
 * @param completions that trained
 * @param tokens of them that count
 * @param steps that the update took
 * @param norm of the gradient, before clipping
 * @param recordedNorm metric gradient_norm: mean over the steps
 * @param mismatch largest difference between a log-probability computed here and the sampler's
 */
record GradientCheck(long completions, long tokens, long steps, double norm, double recordedNorm, double mismatch) {
  private static final double TOLERANCE = 1e-5;
  private static final double NATS = 1e-2;
  private static final int REFERENCE_BATCH = 32;
  private static final int POLICY = 1;    // of Rollouts.ROLES

  /**
   * Computes the gradient of an update.
   *
   * @param rows of {@link TraceQuery#behind} for this update
   */
  static GradientCheck of(Run run, Recipe recipe, Lineage.Origin update, List<Row> rows) {
    Row made = policy(run, update.run(), update.iteration() + 1);
    RecipeException.require(Policies.RECIPE_DIGEST.of(made).equals(recipe.digest()),
        "--recipe: policy %s was made with the recipe of digest %s, this one has %s. Give the recipe of run %s.",
        Policies.POLICY_VERSION.of(made), Policies.RECIPE_DIGEST.of(made), recipe.digest(), update.run());
    Map<String, Double> metrics = metrics(run, update);
    long steps = metrics.getOrDefault("steps", 0.0).longValue();
    if (steps == 0 || !metrics.containsKey("gradient_norm")) {
      throw new DataException("metrics: update %d of run %s took no optimizer step, so there is no gradient to compare."
          + " Name another policy.", update.iteration(), update.run());
    }
    double temperature = recipe.rollouts().logpTemperature();
    int at = recipe.reference().iteration(update.iteration());
    Optional<PolicyHandle> reference = at < 0 ? Optional.empty()
        : Optional.of(run.handle(policy(run, update.run(), at)));
    List<Example> examples = new ArrayList<>();
    rows.stream().filter(Advantages.DROPPED::absentIn).forEach(row -> examples.add(example(row)));
    List<float[]> compared = reference.map(r -> r.with(p -> p.logProbs(examples, temperature, REFERENCE_BATCH)))
        .orElse(List.of());
    for (int i = 0; i < compared.size(); i++) {
      Example e = examples.get(i);
      examples.set(i, new Example(e.key(), e.prompt(), e.completion(), e.oldLogp(), compared.get(i), e.advantages(),
          e.weights()));
    }
    boolean vocabulary = recipe.regularizers().stream().anyMatch(r -> r.needs() == Needs.FULL_REFERENCE);
    PolicyHandle start = run.handle(policy(run, update.run(), update.iteration()));
    Gradient gradient = start.with(live -> vocabulary
        ? reference.orElseThrow().with(fixed -> Gradient.of(live, Optional.of(fixed), recipe, examples))
        : Gradient.of(live, Optional.empty(), recipe, examples));
    return new GradientCheck(gradient.sums.completions(), gradient.sums.tokens(), steps, gradient.norm(),
        metrics.get("gradient_norm"), gradient.sums.mismatch());
  }

  /** |norm - recorded| as a share of the recorded norm. */
  double relative() {
    return Math.abs(norm - recordedNorm) / recordedNorm;
  }

  /** Throws where what can be compared is not equal. */
  void require(Lineage.Origin update) {
    boolean differs = steps == 1 ? !(relative() <= TOLERANCE) : !(mismatch <= NATS);
    if (differs) {
      throw new DataException("update %d of run %s does not follow from its rows: %s. The rows, the policy's files or"
          + " the metrics were changed: Rerun names the stage.", update.iteration(), update.run(), text());
    }
  }

  /** What was compared, in a sentence. */
  String text() {
    return String.format(Locale.ROOT, steps == 1
        ? "gradient norm from %d completions, %d tokens: %.9g; recorded %.9g; relative difference %.1e;"
            + " log-probabilities within %.1e of the sampler's"
        : "gradient norm of the whole batch of %d completions, %d tokens, at the first policy: %.9g; recorded %.9g is a"
            + " mean over " + steps + " steps from other weights, so the norms are not compared (difference %.1e);"
            + " log-probabilities within %.1e of the sampler's", completions, tokens, norm, recordedNorm, relative(),
        mismatch);
  }

  /** Sums over micro-batches, in double. */
  private record Gradient(List<double[]> numerator, LossSums sums) {
    static Gradient of(Policy live, Optional<Policy> fixed, Recipe recipe, List<Example> examples) {
      Loss loss = new Loss(recipe.objective(), recipe.regularizers(), recipe.normalizer());
      List<double[]> total = new ArrayList<>();
      LossSums sums = LossSums.NONE;
      int size = recipe.steps().microBatch();
      for (int from = 0; from < examples.size(); from += size) {
        try (Differentiation part = new Differentiation(live, fixed, recipe.rollouts().logpTemperature())) {
          sums = sums.plus(loss.add(part, examples.subList(from, Math.min(examples.size(), from + size))));
          List<float[]> values = part.gradients().values();
          for (int i = 0; i < values.size(); i++) {
            if (total.size() == i) {
              total.add(new double[values.get(i).length]);
            }
            for (int j = 0; j < values.get(i).length; j++) {
              total.get(i)[j] += values.get(i)[j];
            }
          }
        }
      }
      return new Gradient(total, sums);
    }

    double norm() {
      double squares = 0;
      for (double[] values : numerator) {
        squares += Arrays.stream(values).map(g -> g * g).sum();
      }
      return Math.sqrt(squares) / sums.denominator();
    }
  }

  private static Row policy(Run run, String of, int iteration) {
    return run.lake().rows(Policies.TABLE, of).stream()
        .filter(r -> Policies.ITERATION.<Integer>of(r) == iteration && Policies.ROLE.of(r).equals(Run.MAIN))
        .findFirst().orElseThrow(() -> new DataException(
            "policies: run %s has no policy for iteration %d. Name the policy of another update.", of, iteration));
  }

  private static Map<String, Double> metrics(Run run, Lineage.Origin update) {
    Map<String, Double> metrics = new HashMap<>();
    run.lake().rows(Metrics.TABLE, update.run()).stream()
        .filter(r -> Metrics.ITERATION.<Integer>of(r) == update.iteration() && Metrics.STAGE.of(r).equals(Update.STAGE))
        .forEach(row -> metrics.put(Metrics.NAME.of(row), Metrics.VALUE.of(row)));
    return metrics;
  }

  private static Example example(Row row) {
    int[] tokens = Rollouts.TOKENS.ints(row);
    float[] advantages = new float[tokens.length];
    float[] weights = new float[tokens.length];
    float[] each = Advantages.TOKEN_ADVANTAGES.floats(row);
    float[] weight = Advantages.TOKEN_WEIGHTS.floats(row);
    int[] roles = Rollouts.ROLES.ints(row);
    for (int t = 0; t < tokens.length; t++) {
      advantages[t] = each.length > 0 ? each[t] : (float) (double) Advantages.ADVANTAGE.<Double>of(row);
      boolean written = roles.length == 0 || roles[t] == POLICY;
      weights[t] = !written ? 0 : weight.length > 0 ? weight[t] : 1;
    }
    String key = Rollouts.WAVE.of(row) + "/" + Rollouts.GROUP_ID.of(row) + "/" + Rollouts.SAMPLE.of(row);
    return new Example(key, Rollouts.PROMPT_TOKENS.ints(row), tokens, Rollouts.LOGP.floats(row), new float[0],
        advantages, weights);
  }
}
