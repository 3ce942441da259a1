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
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.spark.HashPartitioner;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.rdd.PartitionPruningRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.storage.StorageLevel;
import scala.Tuple2;
import scala.runtime.AbstractFunction1;

/**
 * The examples of an update batch, cut into mini-batches and shards by the keys of their groups and kept on executors: one Spark
 * partition per shard. Groups are put in an order that the seed fixes; mini-batches and shards are consecutive parts of it.
 */
public final class UpdateShards implements AutoCloseable {
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
   * @param advantages rows of the table of advantages, materialised
   * @param rollouts rows of the table of rollouts
   * @param reference none, or the policy whose log-probabilities the examples carry
   * @param temperature of the log-probabilities
   */
  public static UpdateShards of(Dataset<Row> advantages, Dataset<Row> rollouts, Steps steps, List<PolicyHandle> reference,
      double temperature, long seed, int iteration) {
    Dataset<Row> training = advantages.filter(Advantages.DROPPED.col().isNull());
    List<String> groups = new ArrayList<>();
    training.select(Advantages.WAVE.col(), Advantages.GROUP_ID.col()).distinct().collectAsList()
        .forEach(row -> groups.add(Credit.key(row)));
    groups.sort(Comparator.comparingLong((String g) -> KeyedSeed.of(seed, iteration, g, 0))
        .thenComparing(Comparator.naturalOrder()));
    int parts = steps.miniBatches() * steps.shards();
    Map<String, Integer> partOf = new HashMap<>();
    for (int i = 0; i < groups.size(); i++) {
      partOf.put(groups.get(i), (int) ((long) i * parts / groups.size()));
    }
    String[] keys = {Advantages.WAVE.name(), Advantages.GROUP_ID.name(), Advantages.SAMPLE.name()};
    Dataset<Row> joined = training.select(Advantages.WAVE.col(), Advantages.GROUP_ID.col(), Advantages.SAMPLE.col(),
        Advantages.ADVANTAGE.col(), Advantages.TOKEN_ADVANTAGES.col(), Advantages.TOKEN_WEIGHTS.col())
        .join(rollouts.select(Rollouts.WAVE.col(), Rollouts.GROUP_ID.col(), Rollouts.SAMPLE.col(),
            Rollouts.PROMPT_TOKENS.col(), Rollouts.TOKENS.col(), Rollouts.LOGP.col(), Rollouts.ROLES.col()), keys);
    JavaPairRDD<Integer, Example> byPart = joined.javaRDD()
        .mapToPair(row -> new Tuple2<>(partOf.get(Credit.key(row)), example(row)));
    JavaRDD<Stepping.Shard> shards = byPart.partitionBy(new HashPartitioner(parts))
        .mapPartitionsWithIndex((part, rows) -> shard(part, rows, reference, temperature), true)
        .persist(StorageLevel.MEMORY_AND_DISK());
    return new UpdateShards(shards, steps.miniBatches(), steps.shards());
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
    return shards.map(s -> (long) s.examples().size()).reduce(Long::sum);
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

  private static Iterator<Stepping.Shard> shard(int part, Iterator<Tuple2<Integer, Example>> rows,
      List<PolicyHandle> reference, double temperature) {
    List<Example> examples = new ArrayList<>();
    rows.forEachRemaining(pair -> examples.add(pair._2()));
    examples.sort(Comparator.comparing(Example::key));
    if (reference.isEmpty() || examples.isEmpty()) {
      return List.of(new Stepping.Shard(part, examples)).iterator();
    }
    List<Example> ordered = GradientShards.ordered(examples);
    List<float[]> logp = reference.get(0).with(p -> p.logProbs(ordered, temperature, 32));
    List<Example> compared = new ArrayList<>();
    for (int i = 0; i < ordered.size(); i++) {
      Example e = ordered.get(i);
      compared.add(new Example(e.key(), e.prompt(), e.completion(), e.oldLogp(), logp.get(i), e.advantages(), e.weights()));
    }
    return List.of(new Stepping.Shard(part, compared)).iterator();
  }

  private static Example example(Row row) {
    int[] tokens = Rollouts.TOKENS.ints(row);
    float[] old = Rollouts.LOGP.floats(row);
    String key = Credit.key(row) + "/" + Advantages.SAMPLE.<Integer>of(row);
    float[] credit;
    if (Advantages.TOKEN_ADVANTAGES.absentIn(row)) {
      credit = new float[tokens.length];
      Arrays.fill(credit, (float) (double) Advantages.ADVANTAGE.<Double>of(row));
    } else {
      credit = Advantages.TOKEN_ADVANTAGES.floats(row);
    }
    float[] weights = Advantages.TOKEN_WEIGHTS.floats(row);
    if (Advantages.TOKEN_WEIGHTS.absentIn(row)) {
      weights = new float[tokens.length];
      Arrays.fill(weights, 1);
    }
    int[] roles = Rollouts.ROLES.ints(row);
    for (int t = 0; t < roles.length; t++) {
      weights[t] = roles[t] == 1 ? weights[t] : 0;
    }
    if (old.length != tokens.length || credit.length != tokens.length || weights.length != tokens.length) {
      throw new DataException("advantages: %s has %d tokens but %d log-probabilities, %d advantages, %d weights. Run"
          + " Estimate again.", key, tokens.length, old.length, credit.length, weights.length);
    }
    return new Example(key, Rollouts.PROMPT_TOKENS.ints(row), tokens, old, new float[0], credit, weights);
  }
}
