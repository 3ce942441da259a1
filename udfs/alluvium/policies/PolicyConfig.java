package alluvium.policies;

import alluvium.tables.DataException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.Serializable;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The architecture of a decoder, as config.json of a Hugging Face folder describes it. A key that is absent has
 * transformers' default for the family.
 *
 * @param family which decoder
 * @param layers decoder layers
 * @param hidden width of the residual stream
 * @param heads query heads, a multiple of kvHeads
 * @param kvHeads key and value heads
 * @param headDim width of a head, even
 * @param intermediate width of the gated unit
 * @param vocab rows of the embedding
 * @param rmsEps added to the mean square in every norm
 * @param ropeTheta base of the rotary frequencies
 * @param scaling what happens to the rotary frequencies
 * @param tied the output projection is the embedding
 * @param qkvBias q, k and v projections have a bias
 * @param outputBias the attention's output projection has a bias
 * @param mlpBias gate, up and down projections have a bias
 * @param qkNorm queries and keys are normed per head
 * @param maxPositions longest sequence, prompt and completion together
 * @param slidingWindow how many positions a token sees in every layer, itself included; empty: all before it
 * @param eosIds tokens that end a completion, ascending; may be empty
 * @param bosId first token of a sequence
 * @param padId filler
 * @param initializerRange standard deviation of fresh matrices
 * @param json config.json as read, unknown keys included
 */
public record PolicyConfig(Family family, int layers, int hidden, int heads, int kvHeads, int headDim, int intermediate,
    int vocab, double rmsEps, double ropeTheta, RopeScaling scaling, boolean tied, boolean qkvBias, boolean outputBias,
    boolean mlpBias, boolean qkNorm, int maxPositions, OptionalInt slidingWindow, List<Integer> eosIds,
    OptionalInt bosId, OptionalInt padId, double initializerRange, String json) implements Serializable {
  private static final int WIDEST = 1 << 24;
  private static final String EMBEDDING = "model.embed_tokens.weight";
  private static final String LAYER = "model.layers.";
  private static final String NORM = "model.norm.weight";
  private static final String HEAD = "lm_head.weight";

  /** The decoders that can be run; lower case is config.json's model_type. */
  public enum Family {
    QWEN2("Qwen2ForCausalLM", 32),
    QWEN3("Qwen3ForCausalLM", 32),
    LLAMA("LlamaForCausalLM", 0),
    MISTRAL("MistralForCausalLM", 8);

    private final String architecture;
    /** num_key_value_heads where the key is absent; 0: as many as query heads. */
    private final int kvHeads;

    Family(String architecture, int kvHeads) {
      this.architecture = architecture;
      this.kvHeads = kvHeads;
    }

    public String modelType() {
      return name().toLowerCase(Locale.ROOT);
    }

    public String architecture() {
      return architecture;
    }

    private static Family of(StrictJson config) {
      String type = config.text("model_type").orElse("");
      return Arrays.stream(values())
          .filter(f -> f.modelType().equals(type))
          .findFirst()
          .orElseThrow(() -> config.wrong("model_type", "one of "
              + Arrays.stream(values()).map(Family::modelType).collect(Collectors.joining(", "))));
    }
  }

  public PolicyConfig {
    eosIds = List.copyOf(eosIds);
  }

  /**
   * The architecture that the text of a config.json describes.
   *
   * @param json untrusted
   * @param place the file's name for errors
   */
  public static PolicyConfig parse(String json, String place) {
    StrictJson config = StrictJson.parse(json, place);
    Family family = Family.of(config);
    refuse(config, family);
    int layers = config.integer("num_hidden_layers", 1, 10_000);
    int hidden = config.integer("hidden_size", 1, 1 << 20);
    int heads = config.integer("num_attention_heads", 1, 1 << 16);
    int kvHeads = kvHeads(config, family, heads);
    int headDim = headDim(config, family, hidden, heads);
    int vocab = config.integer("vocab_size", 1, WIDEST);
    boolean bias = config.flag("attention_bias");
    Rope rope = Rope.of(config);
    return new PolicyConfig(family, layers, hidden, heads, kvHeads, headDim,
        config.integer("intermediate_size", 1, WIDEST), vocab, config.positive("rms_norm_eps", 1e-6), rope.theta(),
        rope.scaling(), config.flag("tie_word_embeddings"), family == Family.QWEN2 || bias,
        family != Family.QWEN2 && bias, config.flag("mlp_bias"), family == Family.QWEN3,
        config.integer("max_position_embeddings", 1, 1 << 30), window(config, family, layers),
        ids(config, vocab), id(config, "bos_token_id", vocab), id(config, "pad_token_id", vocab),
        config.positive("initializer_range", 0.02), json);
  }

  /** Throws if the file asks for something that would be computed otherwise than its author meant. */
  private static void refuse(StrictJson config, Family family) {
    List<String> architectures = config.texts("architectures");
    if (!architectures.isEmpty() && !architectures.equals(List.of(family.architecture()))) {
      throw config.wrong("architectures", "[\"" + family.architecture() + "\"]");
    }
    if (!config.text("hidden_act").orElse("silu").equals("silu")) {
      throw config.wrong("hidden_act", "silu");
    }
    if (config.has("quantization_config")) {
      throw config.wrong("quantization_config", "absent: dequantize the checkpoint to float32, bfloat16 or float16");
    }
    if (config.positive("partial_rotary_factor", 1) != 1) {
      throw config.wrong("partial_rotary_factor", "1");
    }
    if (family == Family.MISTRAL && config.flag("attention_bias")) {
      throw config.wrong("attention_bias", "false: transformers' Mistral has no biases");
    }
    if (family != Family.LLAMA && config.flag("mlp_bias")) {
      throw config.wrong("mlp_bias", "false: only llama has biases there");
    }
  }

  private static int kvHeads(StrictJson config, Family family, int heads) {
    boolean absent = !config.node().has("num_key_value_heads");
    int kvHeads = absent && family.kvHeads > 0 ? family.kvHeads
        : config.integer("num_key_value_heads", 1, 1 << 16, heads);
    if (heads % kvHeads != 0) {
      throw config.wrong("num_key_value_heads", "a divisor of num_attention_heads " + heads);
    }
    return kvHeads;
  }

  private static int headDim(StrictJson config, Family family, int hidden, int heads) {
    if (!config.has("head_dim") && family != Family.QWEN3 && hidden % heads != 0) {
      throw config.wrong("hidden_size", "a multiple of num_attention_heads " + heads + ", or head_dim given");
    }
    int headDim = config.integer("head_dim", 1, 1 << 16, family == Family.QWEN3 ? 128 : hidden / heads);
    if (headDim % 2 != 0) {
      throw config.wrong(config.has("head_dim") ? "head_dim" : "hidden_size", "such that heads have an even width, not "
          + headDim);
    }
    if ((long) headDim * heads > WIDEST) {
      throw config.wrong("num_attention_heads", "at most " + WIDEST / headDim + " for heads of width " + headDim);
    }
    return headDim;
  }

  private static OptionalInt window(StrictJson config, Family family, int layers) {
    if (family == Family.LLAMA) {
      return OptionalInt.empty();
    }
    if (family == Family.MISTRAL) {
      boolean absent = !config.node().has("sliding_window");
      return absent ? OptionalInt.of(4096) : optional(config, "sliding_window", 1, 1 << 30);
    }
    if (!config.flag("use_sliding_window")) {
      return OptionalInt.empty();
    }
    OptionalInt window = config.node().has("sliding_window") ? optional(config, "sliding_window", 1, 1 << 30)
        : OptionalInt.of(4096);
    int first = config.integer("max_window_layers", 0, 1 << 30, 28);
    List<String> types = config.texts("layer_types");
    long sliding = types.isEmpty() ? Math.max(0, layers - first)
        : types.stream().filter("sliding_attention"::equals).count();
    if (!types.isEmpty() && types.size() != layers) {
      throw config.wrong("layer_types", "one per layer, " + layers);
    }
    if (sliding != 0 && sliding != layers) {
      throw config.wrong("use_sliding_window", "false, or every layer sliding: a mixture is not supported");
    }
    return sliding == 0 ? OptionalInt.empty() : window;
  }

  private static OptionalInt optional(StrictJson config, String key, int min, int max) {
    return config.has(key) ? OptionalInt.of(config.integer(key, min, max)) : OptionalInt.empty();
  }

  /** A token id; older files say -1 for none. */
  private static OptionalInt id(StrictJson config, String key, int vocab) {
    OptionalInt id = optional(config, key, -1, vocab - 1);
    return id.isPresent() && id.getAsInt() < 0 ? OptionalInt.empty() : id;
  }

  private static List<Integer> ids(StrictJson config, int vocab) {
    return List.copyOf(new TreeSet<>(config.integers("eos_token_id", 0, vocab - 1)));
  }

  /** Rotary base and scaling, from rope_theta with rope_scaling or from rope_parameters. */
  private record Rope(double theta, RopeScaling scaling) {
    private static final String SUPPORTED = "one of default, linear, llama3";

    static Rope of(StrictJson config) {
      double base = config.positive("rope_theta", 10_000);
      Optional<Rope> old = config.object("rope_scaling").map(rope -> of(rope, config, base));
      Optional<Rope> current = config.object("rope_parameters").map(rope -> of(rope, config, base));
      if (old.isPresent() && current.isPresent() && !old.equals(current)) {
        throw config.wrong("rope_scaling", "absent, or say the same as rope_parameters");
      }
      return current.or(() -> old).orElse(new Rope(base, new RopeScaling.None()));
    }

    private static Rope of(StrictJson rope, StrictJson config, double base) {
      double theta = rope.positive("rope_theta", base);
      if (config.has("rope_theta") && theta != base) {
        throw rope.wrong("rope_theta", "as outside, " + base);
      }
      if (rope.positive("partial_rotary_factor", 1) != 1) {
        throw rope.wrong("partial_rotary_factor", "1");
      }
      return new Rope(theta, scaling(rope));
    }

    private static RopeScaling scaling(StrictJson rope) {
      Optional<String> type = rope.text("rope_type").or(() -> rope.text("type"));
      if (!rope.text("type").or(() -> type).equals(type)) {
        throw rope.wrong("type", "as rope_type, " + StrictJson.brief(type.orElse("")));
      }
      String key = rope.has("rope_type") ? "rope_type" : "type";
      if (type.isEmpty() && (rope.has("factor") || rope.node().elements().hasNext() && !rope.has("rope_theta"))) {
        throw rope.wrong("rope_type", SUPPORTED);
      }
      return switch (type.orElse("default")) {
        case "default" -> new RopeScaling.None();
        case "linear" -> new RopeScaling.Linear(rope.positive("factor"));
        case "llama3" -> {
          double low = rope.positive("low_freq_factor");
          double high = rope.positive("high_freq_factor");
          if (high <= low) {
            throw rope.wrong("high_freq_factor", "greater than low_freq_factor " + low);
          }
          yield new RopeScaling.Llama3(rope.positive("factor"), low, high,
              rope.integer("original_max_position_embeddings", 1, 1 << 30));
        }
        default -> throw rope.wrong(key, SUPPORTED);
      };
    }
  }

  /**
   * A small Qwen2 to be trained from scratch, with a config.json that transformers loads.
   *
   * @param tied the output projection is the embedding
   */
  public static PolicyConfig qwen2(int layers, int hidden, int heads, int kvHeads, int intermediate, int vocab,
      int maxPositions, boolean tied, int eosId, int padId) {
    ObjectNode config = StrictJson.MAPPER.createObjectNode();
    config.putArray("architectures").add(Family.QWEN2.architecture());
    config.put("attention_dropout", 0.0);
    config.putNull("bos_token_id");
    config.put("eos_token_id", eosId);
    config.put("hidden_act", "silu");
    config.put("hidden_size", hidden);
    config.put("initializer_range", 0.02);
    config.put("intermediate_size", intermediate);
    config.put("max_position_embeddings", maxPositions);
    config.put("max_window_layers", layers);
    config.put("model_type", Family.QWEN2.modelType());
    config.put("num_attention_heads", heads);
    config.put("num_hidden_layers", layers);
    config.put("num_key_value_heads", kvHeads);
    config.put("pad_token_id", padId);
    config.put("rms_norm_eps", new BigDecimal("0.000001"));
    config.put("rope_theta", 10_000.0);
    config.putNull("sliding_window");
    config.put("tie_word_embeddings", tied);
    config.put("torch_dtype", "float32");
    config.put("use_cache", true);
    config.put("use_sliding_window", false);
    config.put("vocab_size", vocab);
    return parse(StrictJson.pretty(config), "PolicyConfig.qwen2");
  }

  /**
   * The same with what generation_config.json adds: more tokens that end a completion, and the other special tokens if
   * they are absent here.
   *
   * @param generation the file's text, untrusted
   * @param place the file's name for errors
   */
  public PolicyConfig withGeneration(String generation, String place) {
    StrictJson added = StrictJson.parse(generation, place);
    TreeSet<Integer> eos = new TreeSet<>(eosIds);
    eos.addAll(ids(added, vocab));
    return withIds(List.copyOf(eos), bosId.isPresent() ? bosId : id(added, "bos_token_id", vocab),
        padId.isPresent() ? padId : id(added, "pad_token_id", vocab));
  }

  private PolicyConfig withIds(List<Integer> eos, OptionalInt bos, OptionalInt pad) {
    return new PolicyConfig(family, layers, hidden, heads, kvHeads, headDim, intermediate, vocab, rmsEps, ropeTheta,
        scaling, tied, qkvBias, outputBias, mlpBias, qkNorm, maxPositions, slidingWindow, eos, bos, pad,
        initializerRange, json);
  }

  /**
   * Radians per position of each pair of a head's components.
   *
   * <pre>  f_i = scale(1 / theta^(2 i / headDim)),  i = 0 .. headDim / 2 - 1 </pre>
   *
   * Computed in float32 in the order of transformers; the power is rounded correctly, so that the last bit may differ
   * from an engine whose power is not.
   */
  public float[] inverseFrequencies() {
    float[] frequencies = new float[headDim / 2];
    for (int i = 0; i < frequencies.length; i++) {
      float exponent = (float) (2 * i) / headDim;
      frequencies[i] = scaling.scale(1 / (float) StrictMath.pow((float) ropeTheta, exponent));
    }
    return frequencies;
  }

  /** Every parameter in the order of the forward pass: the order of a checkpoint's weights, gradients and moments. */
  public List<String> names() {
    List<String> names = new ArrayList<>();
    names.add(EMBEDDING);
    List<String> within = List.copyOf(layerShapes().keySet());
    IntStream.range(0, layers).forEach(layer -> within.forEach(name -> names.add(LAYER + layer + "." + name)));
    names.add(NORM);
    if (!tied) {
      names.add(HEAD);
    }
    return names;
  }

  /** Rows and columns of a matrix (outputs, inputs), or the length of a vector. */
  public long[] shape(String name) {
    if (name.equals(EMBEDDING) || name.equals(HEAD) && !tied) {
      return new long[] {vocab, hidden};
    }
    if (name.equals(NORM)) {
      return new long[] {hidden};
    }
    String[] parts = name.startsWith(LAYER) ? name.substring(LAYER.length()).split("\\.", 2) : new String[0];
    if (parts.length == 2 && parts[0].matches("0|[1-9][0-9]{0,5}") && Integer.parseInt(parts[0]) < layers) {
      Optional<long[]> shape = Optional.ofNullable(layerShapes().get(parts[1]));
      if (shape.isPresent()) {
        return shape.get();
      }
    }
    throw new DataException("%s is not a parameter of a %s of %d layers.", StrictJson.brief(name), family.modelType(),
        layers);
  }

  private Map<String, long[]> layerShapes() {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    int queries = heads * headDim;
    int keys = kvHeads * headDim;
    shapes.put("input_layernorm.weight", new long[] {hidden});
    put(shapes, "self_attn.q_proj", queries, hidden, qkvBias);
    put(shapes, "self_attn.k_proj", keys, hidden, qkvBias);
    put(shapes, "self_attn.v_proj", keys, hidden, qkvBias);
    put(shapes, "self_attn.o_proj", hidden, queries, outputBias);
    if (qkNorm) {
      shapes.put("self_attn.q_norm.weight", new long[] {headDim});
      shapes.put("self_attn.k_norm.weight", new long[] {headDim});
    }
    shapes.put("post_attention_layernorm.weight", new long[] {hidden});
    put(shapes, "mlp.gate_proj", intermediate, hidden, mlpBias);
    put(shapes, "mlp.up_proj", intermediate, hidden, mlpBias);
    put(shapes, "mlp.down_proj", hidden, intermediate, mlpBias);
    return shapes;
  }

  private static void put(Map<String, long[]> shapes, String projection, int out, int in, boolean bias) {
    shapes.put(projection + ".weight", new long[] {out, in});
    if (bias) {
      shapes.put(projection + ".bias", new long[] {out});
    }
  }

  /** config.json for weights saved as float32: only the dtype differs from what was read. */
  String float32Json() {
    ObjectNode config = StrictJson.parse(json, "config.json").node();
    if (config.has("dtype")) {
      config.put("dtype", "float32");
    }
    if (config.has("torch_dtype") || !config.has("dtype")) {
      config.put("torch_dtype", "float32");
    }
    return StrictJson.pretty(config);
  }

  /** Optional numbers cannot be serialized: the text travels and is parsed again. */
  private Object writeReplace() {
    return new Form(json, eosIds, bosId.orElse(-1), padId.orElse(-1));
  }

  private record Form(String json, List<Integer> eosIds, int bosId, int padId) implements Serializable {
    private Object readResolve() {
      return parse(json, "config.json").withIds(eosIds, some(bosId), some(padId));
    }

    private static OptionalInt some(int id) {
      return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
    }
  }
}
