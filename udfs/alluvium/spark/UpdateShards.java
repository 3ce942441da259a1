package alluvium.spark;

import alluvium.optimizers.Steps;
import alluvium.policies.Example;
import alluvium.rollouts.KeyedSeed;
import alluvium.tables.Advantages;
import alluvium.tables.DataException;
import alluvium.tables.Rollouts;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.spark.HashPartitioner;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.rdd.PartitionPruningRDD;
import org.apache.spark.sql.Row;
import org.apache.spark.storage.StorageLevel;
import scala.Tuple2;
import scala.runtime.AbstractFunction1;

/**
 * The examples of an update batch, cut into mini-batches and shards by the keys of their groups and kept on
 * executors: one Spark
 * partition per shard. Groups are put in an order that the seed fixes; mini-batches and shards are consecutive
 * parts of it.
 */
public final class UpdateShards implements AutoCloseable {
  private static final int REFERENCE_BATCH = 32;
  private static final int POLICY = 1;    // of Rollouts.ROLES

  private final JavaRDD<Stepping.Shard> shards;
  private final int miniBatches;
  private final int perMiniBatch;

  private UpdateShards(JavaRDD<Stepping.Shard> shards, int miniBatches, int perMiniBatch) {
    this.shards = shards;
    this.miniBatches = miniBatches;
    this.perMiniBatch = perMiniBatch;
  }

  /**
   * Joins what trains.
   *
   * @param advantages rows of the table of advantages, materialised: they are read twice
   * @param rollouts rows of the table of rollouts
   * @param reference none, or the policy whose log-probabilities the examples carry
   * @param temperature of the log-probabilities
   */
  public static UpdateShards of(JavaRDD<Row> advantages, JavaRDD<Row> rollouts, Steps steps,
      List<PolicyHandle> reference, double temperature, long seed, int iteration) {
    JavaRDD<Row> training = advantages.filter(Advantages.DROPPED::absentIn);
    Set<String> distinct = new HashSet<>(training.mapPartitions(UpdateShards::groups).collect());
    List<String> groups = new ArrayList<>(distinct);
    groups.sort(Comparator.comparingLong((String g) -> KeyedSeed.of(seed, iteration, g, 0))
        .thenComparing(Comparator.naturalOrder()));
    int parts = steps.miniBatches() * steps.shards();
    Map<String, Integer> partOf = new HashMap<>();
    for (int i = 0; i < groups.size(); i++) {
      partOf.put(groups.get(i), (int) ((long) i * parts / groups.size()));
    }
    HashPartitioner partitioner = new HashPartitioner(parts);
    JavaPairRDD<Integer, Row> credits = training.mapToPair(row -> new Tuple2<>(partOf.get(Credit.key(row)), row));
    JavaPairRDD<Integer, Row> completions = rollouts.filter(row -> partOf.containsKey(Credit.key(row)))
        .mapToPair(row -> new Tuple2<>(partOf.get(Credit.key(row)), row));
    List<PolicyHandle> consulted = new ArrayList<>(reference);
    JavaRDD<Stepping.Shard> shards = credits.cogroup(completions, partitioner)
        .map(part -> shard(part._1(), examples(part._2()._1(), part._2()._2()), consulted, temperature));
    return new UpdateShards((consulted.isEmpty() ? shards : GpuStages.with(shards))
        .persist(StorageLevel.MEMORY_AND_DISK()), steps.miniBatches(), steps.shards());
  }

  public int miniBatches() {
    return miniBatches;
  }

  /** The shards of one mini-batch, one Spark partition each. */
  public JavaRDD<Stepping.Shard> miniBatch(int index) {
    return PartitionPruningRDD.create(shards.rdd(), new Within(index * perMiniBatch, (index + 1) * perMiniBatch))
        .toJavaRDD();
  }

  /** Completions that train. */
  public long examples() {
    return shards.map(s -> (long) s.examples().size()).fold(0L, Long::sum);
  }

  @Override
  public void close() {
    shards.unpersist(false);
  }

  private static final class Within extends AbstractFunction1<Object, Object> implements Serializable {
    private static final long serialVersionUID = 1L;
    private final int from;
    private final int to;

    Within(int from, int to) {
      this.from = from;
      this.to = to;
    }

    @Override
    public Object apply(Object partition) {
      int index = (Integer) partition;
      return index >= from && index < to;
    }
  }

  private static Iterator<String> groups(Iterator<Row> rows) {
    Set<String> groups = new HashSet<>();
    rows.forEachRemaining(row -> groups.add(Credit.key(row)));
    return groups.iterator();
  }

  private static String sample(Row row) {
    return Credit.key(row) + "/" + Advantages.SAMPLE.<Integer>of(row);
  }

  /** The completions that have a credit, in the order of their keys. */
  private static List<Example> examples(Iterable<Row> credits, Iterable<Row> completions) {
    Map<String, Row> byKey = new HashMap<>();
    completions.forEach(row -> byKey.put(sample(row), row));
    List<Example> examples = new ArrayList<>();
    for (Row credit : credits) {
      Row completion = byKey.get(sample(credit));
      if (completion == null) {
        throw new DataException("rollouts: %s, which has an advantage, is not there. Run Estimate again.",
            sample(credit));
      }
      examples.add(example(sample(credit), credit, completion));
    }
    examples.sort(Comparator.comparing(Example::key));
    return examples;
  }

  private static Stepping.Shard shard(int part, List<Example> examples, List<PolicyHandle> reference,
      double temperature) {
    if (reference.isEmpty() || examples.isEmpty()) {
      return new Stepping.Shard(part, examples);
    }
    List<Example> ordered = GradientShards.ordered(examples);
    List<float[]> logp = reference.get(0).with(p -> p.logProbs(ordered, temperature, REFERENCE_BATCH));
    List<Example> compared = new ArrayList<>();
    for (int i = 0; i < ordered.size(); i++) {
      Example e = ordered.get(i);
      compared.add(new Example(e.key(), e.prompt(), e.completion(), e.oldLogp(), logp.get(i), e.advantages(),
          e.weights()));
    }
    return new Stepping.Shard(part, compared);
  }

  private static Example example(String key, Row credit, Row completion) {
    int[] tokens = Rollouts.TOKENS.ints(completion);
    float[] old = Rollouts.LOGP.floats(completion);
    float[] advantages = Advantages.TOKEN_ADVANTAGES.absentIn(credit)
        ? filled(tokens.length, Advantages.ADVANTAGE.<Double>of(credit)) : Advantages.TOKEN_ADVANTAGES.floats(credit);
    float[] weights = Advantages.TOKEN_WEIGHTS.absentIn(credit) ? filled(tokens.length, 1)
        : Advantages.TOKEN_WEIGHTS.floats(credit);
    if (old.length != tokens.length || advantages.length != tokens.length || weights.length != tokens.length) {
      throw new DataException("advantages: %s has %d tokens but %d log-probabilities, %d advantages, %d weights. Run"
          + " Estimate again.", key, tokens.length, old.length, advantages.length, weights.length);
    }
    int[] roles = Rollouts.ROLES.ints(completion);
    for (int t = 0; t < roles.length; t++) {
      weights[t] = roles[t] == POLICY ? weights[t] : 0;
    }
    return new Example(key, Rollouts.PROMPT_TOKENS.ints(completion), tokens, old, new float[0], advantages, weights);
  }

  private static float[] filled(int length, double value) {
    float[] values = new float[length];
    Arrays.fill(values, (float) value);
    return values;
  }
}
