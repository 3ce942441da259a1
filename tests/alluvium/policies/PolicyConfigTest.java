package alluvium.policies;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.tables.DataException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PolicyConfigTest {
  private static final String SIZES = "'num_hidden_layers':2,'hidden_size':16,'num_attention_heads':4,"
      + "'num_key_value_heads':2,'intermediate_size':24,'vocab_size':10,'max_position_embeddings':64";

  /** A config of the family and these other entries, in which ' stands for ". */
  private static PolicyConfig config(String family, String entries) {
    String more = entries.isEmpty() ? "" : "," + entries;
    return PolicyConfig.parse(("{'model_type':'" + family + "'," + SIZES + more + "}").replace('\'', '"'), "c.json");
  }

  private static PolicyConfig golden(String name) throws IOException {
    return PolicyConfig.parse(Files.readString(Path.of("tests/resources/golden", name, "config.json")), name);
  }

  private static void refused(String family, String entries, String message) {
    assertThatThrownBy(() -> config(family, entries)).isInstanceOf(DataException.class)
        .hasMessage("c.json: " + message);
  }

  @Test
  void defaultsOfTransformers() {
    PolicyConfig c = config("llama", "");
    assertThat(c.family()).isEqualTo(PolicyConfig.Family.LLAMA);
    assertThat(List.of(c.layers(), c.hidden(), c.heads(), c.kvHeads(), c.headDim(), c.intermediate(), c.vocab(),
        c.maxPositions())).containsExactly(2, 16, 4, 2, 4, 24, 10, 64);
    assertThat(List.of(c.tied(), c.qkvBias(), c.outputBias(), c.mlpBias(), c.qkNorm())).containsOnly(false);
    assertThat(List.of(c.rmsEps(), c.ropeTheta(), c.initializerRange())).containsExactly(1e-6, 10_000.0, 0.02);
    assertThat(c.scaling()).isEqualTo(new RopeScaling.None());
    assertThat(c.slidingWindow()).isEmpty();
    assertThat(c.eosIds()).isEmpty();
    assertThat(c.bosId()).isEmpty();
    assertThat(c.padId()).isEmpty();
  }

  @Test
  void theThreeGoldenConfigs() throws IOException {
    PolicyConfig qwen2 = golden("qwen2-tiny");
    assertThat(qwen2.ropeTheta()).isEqualTo(1_000_000);
    assertThat(List.of(qwen2.tied(), qwen2.qkvBias())).containsOnly(true);
    assertThat(List.of(qwen2.outputBias(), qwen2.mlpBias(), qwen2.qkNorm())).containsOnly(false);
    PolicyConfig llama = golden("llama-tiny");
    assertThat(llama.scaling()).isEqualTo(new RopeScaling.Llama3(8, 1, 4, 64));
    assertThat(llama.eosIds()).containsExactly(2);
    assertThat(llama.bosId()).hasValue(1);
    assertThat(llama.rmsEps()).isEqualTo(1e-5);
    PolicyConfig qwen3 = golden("qwen3-tiny");
    assertThat(qwen3.headDim()).isEqualTo(16);
    assertThat(qwen3.qkNorm()).isTrue();
    assertThat(qwen3.ropeTheta()).isEqualTo(1_000_000);
  }

  @Test
  void biasesOfEachFamily() {
    PolicyConfig llama = config("llama", "'attention_bias':true,'mlp_bias':true");
    assertThat(List.of(llama.qkvBias(), llama.outputBias(), llama.mlpBias())).containsOnly(true);
    PolicyConfig qwen3 = config("qwen3", "'attention_bias':true");
    assertThat(List.of(qwen3.qkvBias(), qwen3.outputBias())).containsOnly(true);
    assertThat(config("qwen3", "").headDim()).isEqualTo(128);
    assertThat(config("mistral", "").qkvBias()).isFalse();
    refused("mistral", "'attention_bias':true",
        "attention_bias must be false: transformers' Mistral has no biases, got true.");
    refused("qwen2", "'mlp_bias':true", "mlp_bias must be false: only llama has biases there, got true.");
  }

  @Test
  void slidingWindows() {
    assertThat(config("mistral", "").slidingWindow()).hasValue(4096);
    assertThat(config("mistral", "'sliding_window':null").slidingWindow()).isEmpty();
    assertThat(config("mistral", "'sliding_window':8").slidingWindow()).hasValue(8);
    assertThat(config("qwen2", "'sliding_window':8").slidingWindow()).isEmpty();
    assertThat(config("llama", "'sliding_window':8,'use_sliding_window':true").slidingWindow()).isEmpty();
    String on = "'sliding_window':8,'use_sliding_window':true";
    assertThat(config("qwen2", on).slidingWindow()).isEmpty();   // max_window_layers is 28: only layers from there on
    assertThat(config("qwen2", on + ",'max_window_layers':0").slidingWindow()).hasValue(8);
    assertThat(config("qwen3", on + ",'layer_types':['sliding_attention','sliding_attention']").slidingWindow())
        .hasValue(8);
    refused("qwen2", on + ",'max_window_layers':1", "use_sliding_window must be false, or every layer sliding: a "
        + "mixture is not supported, got true.");
  }

  @Test
  void specialTokens() {
    PolicyConfig c = config("qwen2", "'eos_token_id':[7,3,7],'bos_token_id':1,'pad_token_id':-1");
    assertThat(c.eosIds()).containsExactly(3, 7);
    assertThat(c.bosId()).hasValue(1);
    assertThat(c.padId()).isEmpty();
    PolicyConfig more = c.withGeneration("{\"eos_token_id\":[4],\"bos_token_id\":2,\"pad_token_id\":0}", "g.json");
    assertThat(more.eosIds()).containsExactly(3, 4, 7);
    assertThat(more.bosId()).hasValue(1);
    assertThat(more.padId()).hasValue(0);
    assertThat(more.json()).isEqualTo(c.json());
    assertThatThrownBy(() -> c.withGeneration("{\"eos_token_id\":10}", "g.json")).isInstanceOf(DataException.class)
        .hasMessage("g.json: eos_token_id must be an integer from 0 to 9, got 10.");
  }

  @Test
  void everyFormOfRotaryParameters() {
    RopeScaling linear = new RopeScaling.Linear(4);
    assertThat(config("llama", "'rope_scaling':{'type':'linear','factor':4.0}").scaling()).isEqualTo(linear);
    assertThat(config("llama", "'rope_scaling':{'rope_type':'linear','type':'linear','factor':4}").scaling())
        .isEqualTo(linear);
    PolicyConfig nested = config("llama", "'rope_parameters':{'rope_type':'linear','factor':4,'rope_theta':5e5}");
    assertThat(nested.scaling()).isEqualTo(linear);
    assertThat(nested.ropeTheta()).isEqualTo(500_000);
    assertThat(config("llama", "'rope_theta':7,'rope_parameters':{'rope_type':'default'}").ropeTheta()).isEqualTo(7);
    assertThat(config("llama", "'rope_theta':7,'rope_scaling':{'rope_type':'default','rope_theta':7},"
        + "'rope_parameters':{'rope_theta':7}").ropeTheta()).isEqualTo(7);
  }

  @Test
  void inverseFrequenciesByHand() {
    // heads of 8, theta 10^4: 10^(-4 i / 4)
    PolicyConfig plain = config("llama", "'head_dim':8");
    assertThat(plain.inverseFrequencies()).containsExactly(1, 0.1f, 0.01f, 0.001f);
    PolicyConfig linear = config("llama", "'head_dim':8,'rope_scaling':{'type':'linear','factor':4.0}");
    assertThat(linear.inverseFrequencies()).containsExactly(0.25f, 0.025f, 0.0025f, 0.00025f);
  }

  @Test
  void theThreeBandsOfLlama3ByHand() {
    // waves 2 pi / f: 6.28, 62.8, 628, 6283; bounds 64 / 4 = 16 and 64 / 1 = 64. The first stays, the last two are
    // divided by 8; between, s = (64 / 62.83185 - 1) / (4 - 1) = 0.00619726,
    // (1 - s) 0.1 / 8 + s 0.1 = 0.01242253 + 0.00061973 = 0.01304226
    PolicyConfig c = config("llama", "'head_dim':8,'rope_scaling':{'rope_type':'llama3','factor':8.0,"
        + "'low_freq_factor':1.0,'high_freq_factor':4.0,'original_max_position_embeddings':64}");
    assertThat(c.inverseFrequencies()).containsExactly(1, 0.013042256f, 0.00125f, 0.000125f);
  }

  @Test
  void frequenciesOfTransformers() throws IOException {
    near(golden("llama-tiny").inverseFrequencies(), new int[] {0, 1, 2, 3},
        1, 0.004700753837823868, 0.00017677668074611574, 6.647869668086059e-06);
    // Llama 3.1's own; 28 is the last wave that stays, 35 the first of those divided by 8
    near(config("llama", "'head_dim':128,'rope_theta':500000.0,'rope_scaling':{'rope_type':'llama3','factor':8.0,"
        + "'low_freq_factor':1.0,'high_freq_factor':4.0,'original_max_position_embeddings':8192}").inverseFrequencies(),
        new int[] {1, 28, 29, 34, 35, 63}, 0.8146172165870667, 0.0032114461064338684, 0.0021665706299245358,
        0.0001785077911335975, 9.556212171446532e-05, 3.068925877869333e-07);
  }

  /** Equal to a last bit at most, that of the power. */
  private static void near(float[] actual, int[] at, double... expected) {
    for (int i = 0; i < at.length; i++) {
      float e = (float) expected[i];
      assertThat(actual[at[i]]).isCloseTo(e, Offset.offset(2 * Math.ulp(e)));
    }
  }

  @Test
  void parametersInTheOrderOfTheForwardPass() {
    assertThat(config("qwen2", "").names()).hasSize(2 * 12 + 3);
    PolicyConfig c = PolicyConfig.qwen2(1, 16, 4, 2, 24, 10, 64, true, 2, 1);
    assertThat(c.names()).containsExactly("model.embed_tokens.weight", "model.layers.0.input_layernorm.weight",
        "model.layers.0.self_attn.q_proj.weight", "model.layers.0.self_attn.q_proj.bias",
        "model.layers.0.self_attn.k_proj.weight", "model.layers.0.self_attn.k_proj.bias",
        "model.layers.0.self_attn.v_proj.weight", "model.layers.0.self_attn.v_proj.bias",
        "model.layers.0.self_attn.o_proj.weight", "model.layers.0.post_attention_layernorm.weight",
        "model.layers.0.mlp.gate_proj.weight", "model.layers.0.mlp.up_proj.weight",
        "model.layers.0.mlp.down_proj.weight", "model.norm.weight");
    assertThat(c.shape("model.layers.0.self_attn.k_proj.weight")).containsExactly(8, 16);
    assertThat(c.shape("model.layers.0.self_attn.k_proj.bias")).containsExactly(8);
    assertThat(c.shape("model.layers.0.mlp.down_proj.weight")).containsExactly(16, 24);
    for (String name : List.of("lm_head.weight", "model.layers.1.input_layernorm.weight", "model.layers.00.x", "x",
        "model.layers.", "model.layers.99999999999.input_layernorm.weight")) {
      assertThatThrownBy(() -> c.shape(name)).isInstanceOf(DataException.class)
          .hasMessage(name + " is not a parameter of a qwen2 of 1 layers.");
    }
  }

  @Test
  void normsOfQueriesAndKeysFollowTheProjections() {
    PolicyConfig c = config("qwen3", "'head_dim':6,'attention_bias':true");
    assertThat(c.names().subList(8, 13)).containsExactly("model.layers.0.self_attn.o_proj.weight",
        "model.layers.0.self_attn.o_proj.bias", "model.layers.0.self_attn.q_norm.weight",
        "model.layers.0.self_attn.k_norm.weight", "model.layers.0.post_attention_layernorm.weight");
    assertThat(c.names()).endsWith("model.norm.weight", "lm_head.weight");
    assertThat(c.shape("model.layers.1.self_attn.o_proj.weight")).containsExactly(16, 24);
    assertThat(c.shape("model.layers.1.self_attn.q_norm.weight")).containsExactly(6);
    assertThat(c.shape("lm_head.weight")).containsExactly(10, 16);
  }

  @Test
  void savingKeepsEverythingButTheDtype() {
    String json = "{'unknown':{'a':[1e-06,12345678901234567890123]},'model_type':'llama'," + SIZES;
    PolicyConfig old = PolicyConfig.parse((json + ",'torch_dtype':'bfloat16'}").replace('\'', '"'), "c.json");
    assertThat(old.float32Json()).contains("0.000001", "12345678901234567890123", "\"torch_dtype\" : \"float32\"")
        .doesNotContain("bfloat16").endsWith("}\n");
    PolicyConfig current = PolicyConfig.parse((json + ",'dtype':'float16'}").replace('\'', '"'), "c.json");
    assertThat(current.float32Json()).contains("\"dtype\" : \"float32\"").doesNotContain("torch_dtype");
    assertThat(PolicyConfig.parse(old.float32Json(), "c.json").names()).isEqualTo(old.names());
  }

  @Test
  void aFreshConfigHasWhatTransformersWants() {
    PolicyConfig c = PolicyConfig.qwen2(4, 256, 8, 4, 768, 512, 512, true, 2, 1);
    assertThat(c.json()).contains("\"architectures\" : [\n    \"Qwen2ForCausalLM\"\n  ]", "\"model_type\" : \"qwen2\"",
        "\"rope_theta\" : 10000.0", "\"sliding_window\" : null", "\"rms_norm_eps\" : 0.000001");
    assertThat(c.eosIds()).containsExactly(2);
    assertThat(c.padId()).hasValue(1);
    assertThat(List.of(c.layers(), c.hidden(), c.heads(), c.kvHeads(), c.intermediate(), c.vocab(), c.maxPositions()))
        .containsExactly(4, 256, 8, 4, 768, 512, 512);
    assertThat(c.tied()).isTrue();
    assertThatThrownBy(() -> PolicyConfig.qwen2(1, 15, 4, 2, 24, 10, 64, true, 2, 1)).isInstanceOf(DataException.class)
        .hasMessage("PolicyConfig.qwen2: hidden_size must be a multiple of num_attention_heads 4, or head_dim given, "
            + "got 15.");
  }

  @Test
  void travelsToExecutors() throws IOException, ClassNotFoundException {
    PolicyConfig c = config("mistral", "'eos_token_id':2")
        .withGeneration("{\"eos_token_id\":[3],\"pad_token_id\":0}", "g.json");
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(c);
    }
    try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      assertThat(in.readObject()).isEqualTo(c);
    }
    assertThat(c.padId()).isEqualTo(OptionalInt.of(0));
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
    "gpt2||model_type must be one of qwen2, qwen3, llama, mistral, got \"gpt2\".",
    "llama|'architectures':['LlamaForSequenceClassification']|architectures must be [\"LlamaForCausalLM\"], got "
        + "[\"LlamaForSequenceClassification\"].",
    "llama|'architectures':'LlamaForCausalLM'|architectures must be a list of strings, got \"LlamaForCausalLM\".",
    "llama|'hidden_act':'gelu'|hidden_act must be silu, got \"gelu\".",
    "llama|'quantization_config':{'bits':4}|quantization_config must be absent: dequantize the checkpoint to float32, "
        + "bfloat16 or float16, got {\"bits\":4}.",
    "llama|'partial_rotary_factor':0.5|partial_rotary_factor must be 1, got 0.5.",
    "llama|'head_dim':5|head_dim must be such that heads have an even width, not 5, got 5.",
    "llama|'head_dim':-4|head_dim must be an integer from 1 to 65536, got -4.",
    "llama|'rms_norm_eps':0|rms_norm_eps must be a finite number > 0, got 0.",
    "llama|'rms_norm_eps':1e999999|rms_norm_eps must be a finite number > 0, got \"Infinity\".",
    "llama|'rms_norm_eps':'1e-6'|rms_norm_eps must be a finite number > 0, got \"1e-6\".",
    "llama|'tie_word_embeddings':1|tie_word_embeddings must be true or false, got 1.",
    "llama|'eos_token_id':10|eos_token_id must be an integer from 0 to 9, got 10.",
    "llama|'eos_token_id':['a']|eos_token_id must be an integer from 0 to 9, got [\"a\"].",
    "mistral|'sliding_window':0|sliding_window must be an integer from 1 to 1073741824, got 0.",
    "qwen2|'use_sliding_window':true,'layer_types':['x']|layer_types must be one per layer, 2, got [\"x\"].",
    "llama|'rope_scaling':{'rope_type':'yarn','factor':2}|rope_scaling: rope_type must be one of default, linear, "
        + "llama3, got \"yarn\".",
    "llama|'rope_scaling':{'type':'dynamic','factor':2}|rope_scaling: type must be one of default, linear, llama3, got "
        + "\"dynamic\".",
    "llama|'rope_parameters':{'rope_type':'longrope'}|rope_parameters: rope_type must be one of default, linear, "
        + "llama3, got \"longrope\".",
    "llama|'rope_scaling':{'factor':2}|rope_scaling: rope_type must be one of default, linear, llama3, got nothing.",
    "llama|'rope_parameters':{'full_attention':{}}|rope_parameters: rope_type must be one of default, linear, llama3, "
        + "got nothing.",
    "llama|'rope_scaling':{'rope_type':'linear','type':'yarn'}|rope_scaling: type must be as rope_type, linear, got "
        + "\"yarn\".",
    "llama|'rope_scaling':{'rope_type':'linear'}|rope_scaling: factor must be a finite number > 0, got nothing.",
    "llama|'rope_scaling':[]|rope_scaling must be an object, got [].",
    "llama|'rope_scaling':{'rope_type':'llama3','factor':8,'low_freq_factor':4,'high_freq_factor':4}|rope_scaling: "
        + "high_freq_factor must be greater than low_freq_factor 4.0, got 4.",
    "llama|'rope_theta':7,'rope_parameters':{'rope_theta':8}|rope_parameters: rope_theta must be as outside, 7.0, got "
        + "8.",
    "llama|'rope_scaling':{'type':'linear','factor':2},'rope_parameters':{'rope_theta':8}|rope_scaling must be absent, "
        + "or say the same as rope_parameters, got {\"type\":\"linear\",\"factor\":2}.",
  })
  void configsThatCannotBeRun(String family, String entries, String message) {
    refused(family, entries == null ? "" : entries, message);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
    "'num_hidden_layers':2|'num_hidden_layers':-1|num_hidden_layers must be an integer from 1 to 10000, got -1.",
    "'num_hidden_layers':2|'num_hidden_layers':1048577|num_hidden_layers must be an integer from 1 to 10000, got "
        + "1048577.",
    "'num_hidden_layers':2|'num_hidden_layers':2.0|num_hidden_layers must be an integer from 1 to 10000, got 2.0.",
    "'num_hidden_layers':2|'x':2|num_hidden_layers must be an integer from 1 to 10000, got nothing.",
    "'num_hidden_layers':2|'num_hidden_layers':null|num_hidden_layers must be an integer from 1 to 10000, got null.",
    "'vocab_size':10|'vocab_size':99999999999|vocab_size must be an integer from 1 to 16777216, got 99999999999.",
    "'num_key_value_heads':2|'num_key_value_heads':3|num_key_value_heads must be a divisor of num_attention_heads 4, "
        + "got 3.",
    "'hidden_size':16|'hidden_size':18|hidden_size must be a multiple of num_attention_heads 4, or head_dim given, got "
        + "18.",
    "'hidden_size':16|'hidden_size':20|hidden_size must be such that heads have an even width, not 5, got 20.",
    "'num_attention_heads':4|'num_attention_heads':512,'head_dim':65536|num_attention_heads must be at most 256 for "
        + "heads of width 65536, got 512.",
    "'hidden_size':16|'hidden_size':16,'hidden_size':16|not valid JSON: Duplicate field 'hidden_size'",
  })
  void sizesThatCannotBe(String from, String to, String message) {
    String json = ("{'model_type':'llama'," + SIZES + "}").replace(from, to).replace('\'', '"');
    assertThatThrownBy(() -> PolicyConfig.parse(json, "c.json")).isInstanceOf(DataException.class)
        .hasMessage("c.json: " + message);
  }

  @Test
  void textsThatAreNoObjects() {
    assertThatThrownBy(() -> PolicyConfig.parse("{} {}", "c.json")).isInstanceOf(DataException.class)
        .hasMessageStartingWith("c.json: not valid JSON: Trailing token");
    assertThatThrownBy(() -> PolicyConfig.parse("{\"a\":" + "[".repeat(100_000), "c.json"))
        .isInstanceOf(DataException.class).hasMessageStartingWith("c.json: not valid JSON: ");
    assertThatThrownBy(() -> PolicyConfig.parse("[]", "c.json")).isInstanceOf(DataException.class)
        .hasMessage("c.json: must be a JSON object.");
    assertThatThrownBy(() -> PolicyConfig.parse("", "c.json")).isInstanceOf(DataException.class)
        .hasMessage("c.json: must be a JSON object.");
  }

  @Test
  void mutatedConfigsAreReadOrRefused() throws IOException {
    SplittableRandom random = new SplittableRandom(11);
    String alphabet = "{}[]\",:0123456789-eE. \\u\0nt";
    int refused = 0;
    for (int i = 0; i < 3000; i++) {
      StringBuilder text = new StringBuilder(
          golden(List.of("qwen2-tiny", "llama-tiny", "qwen3-tiny").get(i % 3)).json());
      for (int m = random.nextInt(1, 4); m > 0; m--) {
        text.setCharAt(random.nextInt(text.length()), alphabet.charAt(random.nextInt(alphabet.length())));
      }
      try {
        PolicyConfig c = PolicyConfig.parse(text.toString(), "c.json");
        c.names().forEach(c::shape);
        assertThat(c.inverseFrequencies()).hasSize(c.headDim() / 2);
      } catch (DataException e) {
        assertThat(e).hasMessageStartingWith("c.json: ");
        refused++;
      }
    }
    assertThat(refused).isBetween(1000, 2900);
  }
}
