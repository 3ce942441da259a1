package alluvium.policies;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import alluvium.rollouts.Sampling;
import alluvium.tables.DataException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.LongStream;

/**
 * A policy loaded into native memory: draws completions and gives log-probabilities. Safe for several threads at
 * once, each of
 * which has called {@link #enter}. Closing frees the weights.
 */
public final class Policy implements AutoCloseable {
  /** Tokens generated between two looks for stop strings. */
  private static final int CHUNK = 16;

  private static final String[] LAYER = {"input_layernorm.weight", "self_attn.q_proj.weight", "self_attn.q_proj.bias",
    "self_attn.k_proj.weight", "self_attn.k_proj.bias", "self_attn.v_proj.weight", "self_attn.v_proj.bias",
    "self_attn.o_proj.weight", "self_attn.o_proj.bias", "self_attn.q_norm.weight", "self_attn.k_norm.weight",
    "post_attention_layernorm.weight", "mlp.gate_proj.weight", "mlp.gate_proj.bias", "mlp.up_proj.weight",
    "mlp.up_proj.bias", "mlp.down_proj.weight", "mlp.down_proj.bias"};

  private final PolicyConfig config;
  private final NDManager manager;
  private final List<String> names;
  private final Map<String, NDArray> weights = new HashMap<>();
  private final NDArray inverseFrequencies;
  private final NDArray absent;
  private NDList fused;

  /** Copies the weights into the machine's own memory; they must be complete, as {@link Checkpoint#read} makes sure. */
  public Policy(PolicyConfig config, Tensors tensors) {
    this(config, tensors, Processor.CPU);
  }

  /** As above, into the memory of a processor, which computes whatever this policy is asked. */
  public Policy(PolicyConfig config, Tensors tensors, Processor processor) {
    this.config = config;
    this.names = tensors.names();
    enter(1);
    manager = NDManager.newBaseManager(processor.device(), "PyTorch");
    for (int i = 0; i < tensors.size(); i++) {
      weights.put(names.get(i), manager.create(tensors.values().get(i), new Shape(tensors.shapes().get(i))));
    }
    inverseFrequencies = manager.create(config.inverseFrequencies());
    absent = manager.create(new Shape(0));
  }

  /** Prepares the calling thread; every thread that uses a policy calls this first. */
  public static void enter(int threads) {
    Decoder.enter(threads);
  }

  public PolicyConfig config() {
    return config;
  }

  /** Native arrays that this policy and everything below it holds. */
  public int managedArrays() {
    return manager.getManagedArrays().size();
  }

  /**
   * Draws completions of several prompts in one batch. Each has its own random stream: token t of a completion with
   * seed s is
   * drawn with the t-th number of s.
   *
   * @param prompts ids per prompt, none empty, each with room for the completion in the context
   * @param seeds one per completion, as many for each prompt
   * @param sampling how to draw
   * @param text decodes ids to text, to find stop strings
   * @return completions by prompt, then by seed
   */
  public List<Completion> generate(List<int[]> prompts, long[][] seeds, Sampling sampling,
      Function<int[], String> text) {
    prompts.forEach(prompt -> known("a prompt", prompt));
    int samples = seeds[0].length;
    int count = prompts.size() * samples;
    int longest = prompts.stream().mapToInt(p -> p.length).max().orElseThrow();
    int total = longest + sampling.maxTokens();
    long[] streams = LongStream.range(0, count).map(i -> seeds[(int) i / samples][(int) i % samples]).toArray();
    long[] stops = stops(sampling);
    List<Growing> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      rows.add(new Growing(sampling.maxTokens()));
    }
    try (NDManager batch = manager.newSubManager()) {
      boolean padded = prompts.stream().anyMatch(p -> p.length != longest);
      NDList state = prefill(batch, prompts, longest, samples, total);
      int step = sampling.stop().isEmpty() ? sampling.maxTokens() : Math.min(CHUNK, sampling.maxTokens());
      int done = 0;
      while (done < sampling.maxTokens() && state.size() > 0) {
        int n = Math.min(step, sampling.maxTokens() - done);
        NDList next = decode(batch, state, longest + done, total, n, done, padded, sampling, streams, stops);
        done += n;
        long[] ids = next.get(0).toLongArray();
        float[] logp = next.get(1).toFloatArray();
        float[] entropies = next.get(2).toFloatArray();
        for (int i = 0; i < count; i++) {
          rows.get(i).append(ids, logp, entropies, i * n, n, stops);
          rows.get(i).cut(sampling.stop(), text);
        }
        state.forEach(NDArray::close);
        NDList carried = new NDList(next.subList(3, next.size()));
        next.subList(0, 3).forEach(NDArray::close);
        state = rows.stream().allMatch(r -> r.stopped) ? new NDList() : alive(batch, carried, rows);
      }
    }
    return rows.stream().map(Growing::completion).toList();
  }

  /**
   * Log-probabilities of completions under this policy, without gradient.
   *
   * @param examples of which only prompts and completions are looked at
   * @param temperature divides the logits
   * @param microBatch rows computed together
   * @return natural logs, one array per example, one number per completion token
   */
  public List<float[]> logProbs(List<Example> examples, double temperature, int microBatch) {
    List<float[]> result = new ArrayList<>();
    for (int from = 0; from < examples.size(); from += microBatch) {
      List<Example> rows = examples.subList(from, Math.min(examples.size(), from + microBatch));
      known(rows);
      try (NDManager micro = manager.newSubManager()) {
        Padded padded = Padded.of(rows, micro);
        NDList out = Decoder.shared().run("forward", arguments(padded, temperature, plain(), micro));
        float[] logp = out.get(0).toFloatArray();
        for (int i = 0; i < rows.size(); i++) {
          float[] row = new float[rows.get(i).completion().length];
          System.arraycopy(logp, i * padded.width(), row, 0, row.length);
          result.add(row);
        }
      }
    }
    return result;
  }

  /** Logits (L, V) after each of the ids, as one row-major array. */
  public float[] logits(int[] ids) {
    known("the ids", ids);
    try (NDManager micro = manager.newSubManager()) {
      long[] wide = new long[ids.length];
      for (int i = 0; i < ids.length; i++) {
        wide[i] = ids[i];
      }
      NDList in = new NDList(micro.create(wide, new Shape(1, ids.length)));
      in.addAll(plain());
      in.addAll(constants(micro, 1));
      return Decoder.shared().run("logits", in).get(0).toFloatArray();
    }
  }

  /** Weights as they are, copied to the heap. */
  public Tensors tensors() {
    List<long[]> shapes = new ArrayList<>();
    List<float[]> values = new ArrayList<>();
    for (String name : names) {
      shapes.add(weights.get(name).getShape().getShape());
      values.add(weights.get(name).toFloatArray());
    }
    return new Tensors(names, shapes, values);
  }

  @Override
  public void close() {
    manager.close();
  }

  /** Throws unless the embedding has a row for each id of the examples. */
  void known(List<Example> rows) {
    rows.forEach(row -> {
      known(row.key() + ": the prompt", row.prompt());
      known(row.key() + ": the completion", row.completion());
    });
  }

  private void known(String place, int[] ids) {
    for (int id : ids) {
      if (id < 0 || id >= config.vocab()) {
        throw new DataException("%s has the token %d, the policy knows 0 to %d. Take the tokenizer of the policy's own "
            + "folder.", place, id, config.vocab() - 1);
      }
    }
  }

  NDManager manager() {
    return manager;
  }

  List<String> names() {
    return names;
  }

  NDArray weight(String name) {
    return weights.get(name);
  }

  /** The weights in the order of the program, blanks where this architecture has none. */
  NDList ordered(Map<String, NDArray> from) {
    NDList list = new NDList();
    NDArray embedding = from.get("model.embed_tokens.weight");
    list.add(embedding);
    list.add(from.get("model.norm.weight"));
    list.add(config.tied() ? embedding : from.get("lm_head.weight"));
    for (int layer = 0; layer < config.layers(); layer++) {
      for (String name : LAYER) {
        list.add(from.getOrDefault("model.layers." + layer + "." + name, absent));
      }
    }
    list.forEach(w -> w.setName("p[]"));
    return list;
  }

  NDList arguments(Padded padded, double temperature, NDList program, NDManager micro) {
    NDList in = new NDList(padded.ids(), padded.start(), padded.targets());
    in.addAll(program);
    in.addAll(constants(micro, temperature));
    return in;
  }

  /** (B, T, V) log-probabilities of the whole vocabulary, without gradient, owned by the manager. */
  NDArray full(Padded padded, double temperature, NDManager micro) {
    NDArray all = Decoder.shared().run("full", arguments(padded, temperature, plain(), micro)).get(0);
    all.detach();
    all.attach(micro);
    return all;
  }

  private NDList plain() {
    return ordered(weights);
  }

  private NDList constants(NDManager micro, double temperature) {
    NDArray scalars = micro.create(new double[] {config.rmsEps(), temperature});
    return new NDList(dimensions(micro), scalars, inverseFrequencies);
  }

  /** The sizes of the architecture that every method of the program takes first, and those that a method adds. */
  private NDArray dimensions(NDManager micro, long... more) {
    long[] own = {config.layers(), config.heads(), config.kvHeads(), config.headDim(), config.slidingWindow()
        .orElse(0)};
    return micro.create(LongStream.concat(LongStream.of(own), LongStream.of(more)).toArray());
  }

  private long[] stops(Sampling sampling) {
    TreeSet<Integer> ids = new TreeSet<>(config.eosIds());
    ids.addAll(sampling.stopIds());
    ids.add(-1);
    return ids.stream().mapToLong(i -> i).toArray();
  }

  private synchronized NDList fused() {
    if (fused == null) {
      try (NDManager scratch = manager.newSubManager()) {
        NDList in = plain();
        in.add(dimensions(scratch));
        fused = Decoder.shared().run("fuse", in);
        fused.forEach(f -> f.setName("f[]"));
      }
    }
    return fused;
  }

  private NDList prefill(NDManager batch, List<int[]> prompts, int longest, int samples, int total) {
    long[] ids = new long[prompts.size() * longest];
    boolean[] mask = new boolean[ids.length];
    for (int i = 0; i < prompts.size(); i++) {
      int[] prompt = prompts.get(i);
      for (int t = 0; t < prompt.length; t++) {
        ids[(i + 1) * longest - prompt.length + t] = prompt[t];
        mask[(i + 1) * longest - prompt.length + t] = true;
      }
    }
    Shape shape = new Shape(prompts.size(), longest);
    NDList in = new NDList(batch.create(ids, shape), batch.create(mask, shape));
    in.addAll(fused());
    in.add(dimensions(batch, samples, total));
    in.add(batch.create(new double[] {config.rmsEps()}));
    in.add(inverseFrequencies);
    return Decoder.shared().run("prefill", in);
  }

  private NDList decode(NDManager batch, NDList state, int first, int total, int n, int done, boolean padded,
      Sampling sampling, long[] streams, long[] stops) {
    double[] uniforms = new double[streams.length * n];
    for (int i = 0; i < streams.length; i++) {
      for (int t = 0; t < n; t++) {
        uniforms[i * n + t] = uniform(streams[i], done + t);
      }
    }
    state.forEach(s -> s.setName("s[]"));
    NDList in = new NDList(state);
    in.addAll(fused());
    in.add(dimensions(batch, n, total, first, sampling.temperature() == 0 ? -1 : sampling.topK(), padded ? 1 : 0));
    double[] scalars = {config.rmsEps(), sampling.logpTemperature(), sampling.topP(), sampling.minP()};
    in.add(batch.create(scalars));
    in.add(inverseFrequencies);
    in.add(batch.create(uniforms, new Shape(streams.length, n)));
    in.add(batch.create(stops));
    return Decoder.shared().run("decode", in);
  }

  /** The t-th number in [0, 1) of a stream: SplitMix64's t-th output, its upper 53 bits. */
  private static double uniform(long stream, int t) {
    long z = stream + (t + 1) * 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return ((z ^ (z >>> 31)) >>> 11) * 0x1.0p-53;
  }

  /** The carried state with the rows that stop strings ended marked as such. */
  private static NDList alive(NDManager batch, NDList carried, List<Growing> rows) {
    long[] order = carried.get(1).toLongArray();
    boolean[] alive = new boolean[order.length];
    for (int i = 0; i < order.length; i++) {
      alive[i] = !rows.get((int) order[i]).stopped;
    }
    carried.get(2).close();
    carried.set(2, batch.create(alive));
    return carried;
  }

  /** A completion while it grows. */
  private static final class Growing {
    private final int[] tokens;
    private final float[] logp;
    private final float[] entropies;
    private int length;
    private boolean stopped;

    Growing(int most) {
      tokens = new int[most];
      logp = new float[most];
      entropies = new float[most];
    }

    void append(long[] ids, float[] logs, float[] nats, int from, int n, long[] stops) {
      for (int t = 0; t < n && !stopped; t++) {
        tokens[length] = (int) ids[from + t];
        logp[length] = logs[from + t];
        entropies[length] = nats[from + t];
        length++;
        stopped = Arrays.binarySearch(stops, ids[from + t]) >= 0;
      }
    }

    /** Ends it with the first token whose text completes a stop string. */
    void cut(List<String> stop, Function<int[], String> text) {
      if (stop.isEmpty() || !contains(stop, text, length)) {
        return;
      }
      int low = 1;
      int high = length;
      while (low < high) {
        int middle = (low + high) / 2;
        if (contains(stop, text, middle)) {
          high = middle;
        } else {
          low = middle + 1;
        }
      }
      length = low;
      stopped = true;
    }

    private boolean contains(List<String> stop, Function<int[], String> text, int prefix) {
      String decoded = text.apply(Arrays.copyOf(tokens, prefix));
      return stop.stream().anyMatch(decoded::contains);
    }

    Completion completion() {
      return new Completion(Arrays.copyOf(tokens, length), Arrays.copyOf(logp, length),
          Arrays.copyOf(entropies, length), stopped);
    }
  }
}
