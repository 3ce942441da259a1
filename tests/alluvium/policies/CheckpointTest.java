package alluvium.policies;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.tables.DataException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {
  private static final Path GOLDEN = Path.of("tests/resources/golden");
  private static final PolicyConfig TINY = PolicyConfig.qwen2(1, 8, 2, 1, 12, 10, 32, true, 2, 1);
  private static final String NORM = "model.norm.weight";

  @TempDir
  Path folder;

  private static void refused(ThrowingCallable call, String message) {
    assertThatThrownBy(call).isInstanceOf(DataException.class).hasMessage(message);
  }

  /** A written policy with its tensors changed. */
  private Path policy(PolicyConfig config, Tensors tensors) throws IOException {
    Files.writeString(folder.resolve("config.json"), config.json());
    SafeTensors.write(folder.resolve("model.safetensors"), tensors, Map.of());
    return folder;
  }

  private static Tensors plus(Tensors tensors, String name, long[] shape, float[] values) {
    List<String> names = new ArrayList<>(tensors.names());
    List<long[]> shapes = new ArrayList<>(tensors.shapes());
    List<float[]> all = new ArrayList<>(tensors.values());
    names.add(name);
    shapes.add(shape);
    all.add(values);
    return new Tensors(names, shapes, all);
  }

  private static Tensors without(Tensors tensors, int i) {
    List<String> names = new ArrayList<>(tensors.names());
    List<long[]> shapes = new ArrayList<>(tensors.shapes());
    List<float[]> all = new ArrayList<>(tensors.values());
    names.remove(i);
    shapes.remove(i);
    all.remove(i);
    return new Tensors(names, shapes, all);
  }

  private static void same(Checkpoint read, Checkpoint written) {
    assertThat(read.weights().names()).isEqualTo(written.weights().names());
    for (int i = 0; i < read.weights().size(); i++) {
      assertThat(read.weights().shapes().get(i)).isEqualTo(written.weights().shapes().get(i));
      assertThat(read.weights().values().get(i)).isEqualTo(written.weights().values().get(i));
    }
    assertThat(read.files().keySet()).isEqualTo(written.files().keySet());
    read.files().forEach((name, bytes) -> assertThat(bytes).isEqualTo(written.files().get(name)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"qwen2-tiny", "llama-tiny", "qwen3-tiny"})
  void goldenFoldersAreReadWrittenAndReadAlike(String name) throws IOException {
    Checkpoint read = Checkpoint.read(GOLDEN.resolve(name));
    assertThat(read.files()).containsKey("generation_config.json").doesNotContainKey("expected.json");
    Path first = folder.resolve("first");
    Map<String, String> digests = read.write(first);
    Checkpoint again = Checkpoint.read(first);
    same(again, read);
    assertThat(again.config().names()).isEqualTo(read.config().names());
    assertThat(again.config().inverseFrequencies()).isEqualTo(read.config().inverseFrequencies());
    assertThat(again.write(folder.resolve("second"))).isEqualTo(digests);
    assertThat(read.write(first)).as("written over itself").isEqualTo(digests);
    try (SafeTensors tensors = SafeTensors.open(first.resolve("model.safetensors"));
        SafeTensors golden = SafeTensors.open(GOLDEN.resolve(name).resolve("model.safetensors"))) {
      assertThat(tensors.metadata()).containsExactly(Map.entry("format", "pt"));
      assertThat(tensors.names()).isEqualTo(read.config().names()).containsExactlyInAnyOrderElementsOf(golden.names());
      for (String tensor : tensors.names()) {
        assertThat(tensors.floats(tensor)).isEqualTo(golden.floats(tensor));
        assertThat(tensors.shape(tensor)).isEqualTo(golden.shape(tensor));
      }
    }
  }

  @Test
  void severalFilesAndTheirIndex() throws IOException {
    Checkpoint one = Checkpoint.read(GOLDEN.resolve("qwen2-tiny"));
    Map<String, String> digests = one.write(folder, 30_000);
    // embedding 8192, attention with norms 12800 and three matrices of 8192 per layer, norm 128:
    // 8192 + 12800 + 8192 = 29184 | 2 x 8192 + 12800 = 29184 | 3 x 8192 + 128 = 24704
    assertThat(digests).containsOnlyKeys("config.json", "generation_config.json", "tokenizer.json",
        "tokenizer_config.json", "model.safetensors.index.json", "model-00001-of-00003.safetensors",
        "model-00002-of-00003.safetensors", "model-00003-of-00003.safetensors");
    try (SafeTensors last = SafeTensors.open(folder.resolve("model-00003-of-00003.safetensors"))) {
      assertThat(last.names()).containsExactly("model.layers.1.mlp.gate_proj.weight",
          "model.layers.1.mlp.up_proj.weight", "model.layers.1.mlp.down_proj.weight", NORM);
    }
    assertThat(Files.readString(folder.resolve("model.safetensors.index.json"))).contains("\"total_size\" : 83072",
        "\"model.embed_tokens.weight\" : \"model-00001-of-00003.safetensors\"",
        "\"model.norm.weight\" : \"model-00003-of-00003.safetensors\"");
    same(Checkpoint.read(folder), one);
    refused(() -> one.write(folder, 0), "Checkpoint.write: maxFileBytes must be > 0, got 0.");
    refused(() -> one.write(folder), folder + ": holds model-00001-of-00003.safetensors, which is no part of this "
        + "policy; give an empty folder.");
  }

  @Test
  void aTensorLargerThanTheBoundHasAFileToItself() {
    Checkpoint tiny = Checkpoint.random(TINY, Map.of(), 1);
    assertThat(tiny.write(folder, 1)).hasSize(TINY.names().size() + 2);
    same(Checkpoint.read(folder), tiny);
  }

  @ParameterizedTest
  @ValueSource(strings = {"../model.safetensors", "/etc/passwd", "a/b.safetensors", "..", "", "model.bin",
    "..safetensors", "a\\\\b.safetensors"})
  void indexEntriesThatLeaveTheFolder(String entry) throws IOException {
    Checkpoint.random(TINY, Map.of(), 1).write(folder, 500);
    Path index = folder.resolve("model.safetensors.index.json");
    Files.writeString(index, "{\"weight_map\":{\"model.norm.weight\":\"" + entry + "\"}}");
    refused(() -> Checkpoint.read(folder), index + ": weight_map: model.norm.weight must be the plain name of a "
        + ".safetensors file in the same folder, got \"" + entry + "\".");
  }

  @Test
  void anIndexThatDoesNotMatchItsFiles() throws IOException {
    Checkpoint.random(TINY, Map.of(), 1).write(folder, 500);
    Path index = folder.resolve("model.safetensors.index.json");
    String text = Files.readString(index);
    String last = text.replaceAll("(?s).*\"model.norm.weight\" : \"([^\"]*)\".*", "$1");
    Files.writeString(index, text.replace("\"model.norm.weight\" : \"" + last,
        "\"model.norm.weight\" : \"model-00001-of" + last.substring(14)));
    refused(() -> Checkpoint.read(folder), folder.resolve(last) + ": tensor model.norm.weight: "
        + "model.safetensors.index.json does not place it in this file.");
    Files.writeString(index, text);
    Files.delete(folder.resolve(last));
    refused(() -> Checkpoint.read(folder), folder + ": " + last + " is missing or cannot be read.");
    Files.writeString(index, "{}");
    refused(() -> Checkpoint.read(folder), index + ": weight_map must be an object, got nothing.");
  }

  @Test
  void linksLeadNowhereElse() throws IOException {
    Path real = folder.resolve("real");
    Path policy = folder.resolve("policy");
    Checkpoint.random(TINY, Map.of(), 1).write(real);
    Files.createDirectories(policy);
    Files.copy(real.resolve("config.json"), policy.resolve("config.json"));
    Files.createSymbolicLink(policy.resolve("model.safetensors"), real.resolve("model.safetensors"));
    refused(() -> Checkpoint.read(policy), policy + ": model.safetensors is a link out of the folder; copy the file "
        + "itself.");
    refused(() -> Checkpoint.digests(policy), policy + ": model.safetensors is a link out of the folder; copy the file "
        + "itself.");
    Files.createSymbolicLink(folder.resolve("alias"), real);
    same(Checkpoint.read(folder.resolve("alias")), Checkpoint.read(real));
  }

  @Test
  void theHubsCacheConsistsOfLinks() throws IOException {
    Checkpoint tiny = Checkpoint.random(TINY, Map.of(), 1);
    Path blobs = folder.resolve("hub/blobs");
    Path snapshot = Files.createDirectories(folder.resolve("hub/snapshots/0123"));
    tiny.write(blobs);
    for (String name : List.of("config.json", "model.safetensors")) {
      Files.createSymbolicLink(snapshot.resolve(name), Path.of("../../blobs").resolve(name));
    }
    same(Checkpoint.read(snapshot), tiny);
    assertThat(Checkpoint.digests(snapshot)).isEqualTo(Checkpoint.digests(blobs));
  }

  @Test
  void tensorsThatAreNotTheConfigs() throws IOException {
    Tensors weights = Checkpoint.random(TINY, Map.of(), 1).weights();
    Path file = folder.resolve("model.safetensors");
    policy(TINY, without(weights, weights.names().indexOf(NORM)));
    refused(() -> Checkpoint.read(folder),
        folder + ": tensor model.norm.weight is missing (1 in all); config.json asks for shape [8].");
    policy(TINY, plus(weights, "score.weight", new long[] {1}, new float[1]));
    refused(() -> Checkpoint.read(folder), file + ": tensor score.weight: unexpected; config.json of model_type qwen2 "
        + "with 1 layers has no such parameter.");
    policy(TINY, plus(without(weights, 13), NORM, new long[] {2, 4}, new float[8]));
    refused(() -> Checkpoint.read(folder), file + ": tensor model.norm.weight: has shape [2, 4], config.json asks for "
        + "[8].");
  }

  @Test
  void rotaryBuffersAndATiedProjectionAreIgnored() throws IOException {
    Checkpoint tiny = Checkpoint.random(TINY, Map.of(), 1);
    Tensors more = plus(tiny.weights(), "model.layers.0.self_attn.rotary_emb.inv_freq", new long[] {2}, new float[2]);
    float[] embedding = tiny.weights().values().get(0);
    policy(TINY, plus(more, "lm_head.weight", new long[] {10, 8}, embedding));
    same(Checkpoint.read(folder), tiny);
    policy(TINY, plus(more, "lm_head.weight", new long[] {10, 8}, new float[80]));
    refused(() -> Checkpoint.read(folder), folder + ": tensor lm_head.weight differs from the embedding, but "
        + "config.json ties them; set tie_word_embeddings to false or remove the tensor.");
  }

  @Test
  void picklesAreRefused() throws IOException {
    Files.writeString(folder.resolve("config.json"), TINY.json());
    refused(() -> Checkpoint.read(folder), folder
        + ": neither model.safetensors nor model.safetensors.index.json is there.");
    for (String name : List.of("pytorch_model.bin", "x.pt", "x.pth", "x.ckpt", "x.pkl")) {
      Path pickle = Files.createFile(folder.resolve(name));
      refused(() -> Checkpoint.read(folder), folder + ": " + name
          + " is a pickle, which runs code when it is opened; convert it to model.safetensors.");
      Files.delete(pickle);
    }
  }

  @Test
  void foldersThatAreNoPolicies() throws IOException {
    Path absent = folder.resolve("absent");
    refused(() -> Checkpoint.read(absent), absent + ": not a folder; a policy is a folder with config.json and "
        + "model.safetensors.");
    refused(() -> Checkpoint.read(folder), folder + ": config.json is missing or cannot be read.");
    Files.createFile(folder.resolve("adapter_config.json"));
    refused(() -> Checkpoint.read(folder), folder + ": this is an adapter, not a policy; merge it into its base model "
        + "first.");
    Files.write(folder.resolve("config.json"), new byte[] {'{', (byte) 0xff, '}'});
    refused(() -> Checkpoint.read(folder), folder + ": config.json is not UTF-8.");
  }

  @Test
  void partsThatDoNotFit() {
    Tensors weights = Checkpoint.random(TINY, Map.of(), 1).weights();
    refused(() -> new Checkpoint(TINY, without(weights, 0), Map.of()),
        "Checkpoint: the weights must be those of the qwen2 config, in its order.");
    List<long[]> shapes = new ArrayList<>(weights.shapes());
    shapes.set(13, new long[] {4, 2});
    refused(() -> new Checkpoint(TINY, new Tensors(weights.names(), shapes, weights.values()), Map.of()),
        "Checkpoint: model.norm.weight must have shape [8], got [4, 2].");
    assertThatThrownBy(() -> new Checkpoint(TINY, weights, Map.of("../x", new byte[0])))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith("Checkpoint: ../x is not a file of a policy; known: ");
  }

  @Test
  void freshWeights() {
    Checkpoint a = Checkpoint.random(TINY, Map.of(), 1);
    same(Checkpoint.random(TINY, Map.of(), 1), a);
    assertThat(a.weights().of(NORM)).containsOnly(1);
    assertThat(a.weights().of("model.layers.0.self_attn.q_proj.bias")).containsOnly(0).hasSize(8);
    float[] embedding = a.weights().of("model.embed_tokens.weight");
    assertThat(embedding).isEqualTo(new Normals(1).draw("model.embed_tokens.weight", 80, 0.02));
    assertThat(Checkpoint.random(TINY, Map.of(), 2).weights().values().get(0)).isNotEqualTo(embedding);
    PolicyConfig deeper = PolicyConfig.qwen2(2, 8, 2, 1, 12, 10, 32, false, 2, 1);
    assertThat(Checkpoint.random(deeper, Map.of(), 1).weights().of("model.embed_tokens.weight")).isEqualTo(embedding);
    PolicyConfig huge = PolicyConfig.qwen2(1, 1 << 20, 2, 1, 12, 1 << 12, 32, true, 2, 1);
    refused(() -> Checkpoint.random(huge, Map.of(), 1),
        "model.embed_tokens.weight: shape [4096, 1048576] is too large for one array.");
  }

  @Test
  void digestsNameTheFileThatDiffers() throws IOException {
    Files.writeString(folder.resolve("a"), "abc");
    Files.writeString(folder.resolve(".a.crc"), "x");
    Files.createDirectory(folder.resolve("original"));
    // SHA-256 of "abc", from FIPS 180-2
    String abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    Map<String, String> digests = Checkpoint.digests(folder);
    assertThat(digests).containsExactly(Map.entry("a", abc));
    Checkpoint.verify(folder, digests);
    Files.writeString(folder.resolve("b"), "");
    String empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    refused(() -> Checkpoint.verify(folder, digests), folder + ": b is " + empty + ", should be no such file; fetch "
        + "the policy again or go back to another version.");
    Files.delete(folder.resolve("b"));
    Files.writeString(folder.resolve("a"), "");
    refused(() -> Checkpoint.verify(folder, digests), folder + ": a is " + empty + ", should be " + abc + "; fetch "
        + "the policy again or go back to another version.");
    Files.delete(folder.resolve("a"));
    refused(() -> Checkpoint.verify(folder, digests), folder + ": a is missing, should be " + abc + "; fetch the "
        + "policy again or go back to another version.");
  }

  @Test
  void versionsAreDigestsOfDigests() {
    // SHA-256 of "a", 0, "11", line feed, "b", 0, "22", line feed begins 8d6be472c8298e24
    assertThat(Checkpoint.version(Map.of("b", "22", "a", "11"))).isEqualTo("8d6be472c8298e24");
    assertThat(Checkpoint.version(Map.of("b", "11", "a", "22"))).isNotEqualTo("8d6be472c8298e24");
  }

  @Test
  void savedAsFloat32() throws IOException {
    PolicyConfig half = PolicyConfig.parse(TINY.json().replace("float32", "bfloat16"), "c.json");
    byte[] template = "{{ x }}\r\n".getBytes(StandardCharsets.UTF_8);
    Checkpoint.random(half, Map.of("chat_template.jinja", template), 1).write(folder);
    assertThat(Files.readString(folder.resolve("config.json"))).isEqualTo(TINY.json());
    assertThat(Files.readAllBytes(folder.resolve("chat_template.jinja"))).isEqualTo(template);
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).hasSize(3);
    }
  }
}
