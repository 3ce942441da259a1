package alluvium.policies;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.contracts.Mutations;
import alluvium.tables.DataException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Folders made to do harm: read or refused, in bounded time and memory. */
class HostileCheckpointTest {
  private static final Path GOLDEN = Path.of("tests/resources/golden");
  private static final PolicyConfig TINY = PolicyConfig.qwen2(1, 8, 2, 1, 12, 10, 32, true, 2, 1);
  private static final String INDEX = "model.safetensors.index.json";
  private static final long MEBI = 1 << 20;

  @TempDir
  Path folder;

  private static void refused(ThrowingCallable call, String message) {
    assertThatThrownBy(call).isInstanceOf(DataException.class).hasMessage(message);
  }

  private static byte[] latin(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** A file of the header, in which ' stands for ", and the data. */
  private static byte[] tensors(String header, byte... data) {
    byte[] json = header.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + json.length + data.length).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length)
        .put(json).put(data).array();
  }

  private void foreign(byte[] bytes, String message) throws IOException {
    Path file = Files.write(folder.resolve("model.safetensors"), bytes);
    refused(() -> SafeTensors.open(file).close(), file + ": " + message);
  }

  @Test
  void otherFilesUnderTheNameOfSafetensors() throws IOException {
    String zip = "is a zip archive, as torch.save writes them: a pickle, which runs code when it is opened; convert "
        + "it to "
        + "model.safetensors.";
    String pickle = "is a pickle, which runs code when it is opened; convert it to model.safetensors.";
    // torch.save since 1.6; pickle protocols 4 and 2 (what torch.save wrote before)
    foreign(latin("PK\3\4\0\0\b\b\0\0\0\0\0\0archive/data.pkl"), zip);
    foreign(latin("PK\3\4\0\0\0\0\0\0"), zip);
    foreign(latin("\u0080\4\u0095\20\0\0\0\0\0\0\0}."), pickle);
    foreign(latin("\u0080\2\u008a\nl\u00fc\u009cF\u00f9 j\u00a8P\u0019."), pickle);
    foreign(latin("GGUF\3\0\0\0\1\0\0\0\0\0\0\0"), "is a GGUF file; take the safetensors files that it was made of.");
    foreign(latin("version https://git-lfs.github.com/spec/v1\n"),
        "is a Git LFS pointer, not the file itself; fetch it with git lfs pull.");
    // a header of 0x280 = 640 bytes begins as a pickle does, and is none
    foreign(latin("\u0080\2\0\0\0\0\0\0{}"),
        "header of 640 bytes in a file of 10; the file is truncated, copy it again.");
  }

  @Test
  void headersWithoutEnd() throws IOException {
    foreign(tensors("{'a':" + "[".repeat(100_000)), "tensor a: must be an object of dtype, shape, data_offsets.");
    foreign(tensors("{'a':{'shape':" + "[".repeat(100_000)), "tensor a: shape: must be a list of integers >= 0.");
    foreign(tensors("{'a':{'shape':[" + "0,".repeat(100_000)), "tensor a: shape: must have at most 64 entries.");
    foreign(tensors("{'" + "n".repeat(1_000_000) + "':1}"), "tensor " + "n".repeat(120)
        + "...: must be an object of dtype, shape, data_offsets.");
    foreign(tensors("{'a\\u0000\\u202e\\u2028\\n':1}"),
        "tensor a????: must be an object of dtype, shape, data_offsets.");
    foreign(tensors("{'a':{'dtype':'F32','shape':[" + "9".repeat(2000) + "]"), "the header is not valid JSON: Number "
        + "length (2000) exceeds the maximum length (1000)");
  }

  @Test
  void countsWithoutBound() throws IOException {
    StringBuilder header = new StringBuilder("{'n':{'dtype':'F32','shape':[0],'data_offsets':[0,0]}");
    for (int i = 0; i < 1 << 19; i++) {
      header.append(",'").append(i).append("':{'dtype':'U8','shape':[0],'data_offsets':[0,0]}");
    }
    foreign(tensors(header + "}"), "more than 524288 tensors.");
    StringBuilder metadata = new StringBuilder("{'__metadata__':{'n':''");
    for (int i = 0; i < 1 << 14; i++) {
      metadata.append(",'").append(i).append("':''");
    }
    foreign(tensors(metadata + "}}"), "__metadata__: must have at most 16384 entries.");
  }

  @ParameterizedTest
  @ValueSource(strings = {"__metadata__", "'a\\u0000b.safetensors'", "5", "null", "['model.safetensors']", "{}",
      "'.hidden.safetensors'", "'C:\\\\x.safetensors'", "'a b.safetensors'", "'x.safetensors/'"})
  void indexEntriesThatAreNoFileNames(String entry) throws IOException {
    Checkpoint.random(TINY, Map.of(), 1).write(folder, 500);
    Files.writeString(folder.resolve(INDEX), ("{'weight_map':{'model.norm.weight':" + entry + "}}").replace('\'', '"'));
    assertThatThrownBy(() -> Checkpoint.read(folder)).isInstanceOf(DataException.class)
        .hasMessageStartingWith(folder.resolve(INDEX) + ": ");
  }

  @Test
  void anIndexThatPromisesMore() throws IOException {
    Checkpoint.random(TINY, Map.of(), 1).write(folder, 500);
    Path index = folder.resolve(INDEX);
    String text = Files.readString(index);
    Files.writeString(index, text.replace("\"model.norm.weight\" :", "\"x\" : \"model-00001-of-00005.safetensors\",\n"
        + "\"model.norm.weight\" :"));
    String first;
    try (Stream<Path> files = Files.list(folder)) {
      first = files.map(f -> f.getFileName().toString()).filter(f -> f.startsWith("model-00001")).findFirst()
          .orElseThrow();
    }
    Files.writeString(index, Files.readString(index).replace("model-00001-of-00005.safetensors", first));
    refused(() -> Checkpoint.read(folder), folder.resolve(first) + ": there is no tensor x, which "
        + "model.safetensors.index.json places in this file.");
    Files.writeString(index, text);
    // one tensor in two files: the index can place it in one only
    Path last = folder.resolve(text.replaceAll("(?s).*\"model.norm.weight\" : \"([^\"]*)\".*", "$1"));
    Tensors norm = new Tensors(List.of("model.norm.weight", "model.embed_tokens.weight"),
        List.of(new long[] {8}, new long[] {10, 8}), List.of(new float[8], new float[80]));
    SafeTensors.write(last, norm, Map.of());
    refused(() -> Checkpoint.read(folder), last + ": tensor model.embed_tokens.weight: model.safetensors.index.json "
        + "does "
        + "not place it in this file.");
  }

  @Test
  void configsThatAskForMoreThanTheFileHolds() throws IOException {
    Checkpoint.random(TINY, Map.of(), 1).write(folder);
    String json = Files.readString(folder.resolve("config.json"));
    Path file = folder.resolve("model.safetensors");
    Map<String, String> changes = Map.of(
        "\"num_hidden_layers\" : 1|\"num_hidden_layers\" : 1000000000", folder.resolve("config.json")
            + ": num_hidden_layers must be an integer from 1 to 10000, got 1000000000.",
        "\"num_hidden_layers\" : 1|\"num_hidden_layers\" : 9999", folder + ": tensor "
            + "model.layers.1.input_layernorm.weight is missing (119976 in all); config.json asks for shape [8].",
        "\"hidden_size\" : 8|\"hidden_size\" : 1048576", file + ": tensor model.embed_tokens.weight: has shape [10, "
            + "8], "
            + "config.json asks for [10, 1048576].",
        "\"vocab_size\" : 10|\"vocab_size\" : 16777216", file + ": tensor model.embed_tokens.weight: has shape [10, "
            + "8], "
            + "config.json asks for [16777216, 8].");
    changes.forEach((change, message) -> {
      String[] parts = change.split("\\|");
      assertThat(json).contains(parts[0]);
      Mutations.Record record = new Mutations.Record(64 * MEBI);
      write(folder.resolve("config.json"), json.replace(parts[0], parts[1]).getBytes(StandardCharsets.UTF_8));
      record.attempt(0, DataException.class, () -> Checkpoint.read(folder));
      refused(() -> Checkpoint.read(folder), message);
    });
    Files.writeString(folder.resolve("config.json"), json + " ".repeat(1 << 20));
    refused(() -> Checkpoint.read(folder), folder + ": config.json is larger than 1048576 bytes.");
  }

  @Test
  void weightsLargerThanTheHeap() throws IOException {
    long most = Runtime.getRuntime().maxMemory();
    long rows = most / 4 / (1 << 16) + 1;     // of 2^16 weights of 4 bytes
    PolicyConfig config = PolicyConfig.qwen2(1, 1 << 16, 1 << 15, 1 << 15, 1, 10, 32, true, 2, 1);
    String wide = config.json().replace("\"vocab_size\" : 10", "\"vocab_size\" : " + rows)
        .replace("\"num_attention_heads\" : 32768", "\"num_attention_heads\" : 1, \"head_dim\" : 2")
        .replace("\"num_key_value_heads\" : 32768", "\"num_key_value_heads\" : 1");
    PolicyConfig parsed = PolicyConfig.parse(wide, "wide");
    Files.writeString(folder.resolve("config.json"), wide);
    StringBuilder header = new StringBuilder("{");
    long end = 0;
    for (String name : parsed.names()) {
      long[] shape = parsed.shape(name);
      long bytes = 2 * Arrays.stream(shape).reduce(1, (a, b) -> a * b);
      header.append(header.length() > 1 ? "," : "").append("'" + name + "':{'dtype':'BF16','shape':"
          + Arrays.toString(shape) + ",'data_offsets':[" + end + "," + (end + bytes) + "]}");
      end += bytes;
    }
    byte[] start = tensors(header + "}");
    Path file = Files.write(folder.resolve("model.safetensors"), start);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.allocate(1), start.length + end - 1);   // a sparse file: the hole takes no room
    }
    refused(() -> Checkpoint.read(folder), folder + ": the weights take " + 2 * end + " bytes as float32, this JVM has "
        + most + "; give it more memory, or take a smaller policy.");
    assertThatThrownBy(() -> Checkpoint.random(parsed, Map.of(), 1)).isInstanceOf(DataException.class)
        .hasMessageStartingWith("Checkpoint.random: the weights take ");
  }

  @Test
  void idsThatThePolicyDoesNotKnow() {
    Checkpoint tiny = Checkpoint.random(TINY, Map.of(), 1);
    try (Policy policy = new Policy(TINY, tiny.weights())) {
      assertThat(policy.logits(new int[] {0, 9})).hasSize(20);
      refused(() -> policy.logits(new int[] {3, 10}), "the ids has the token 10, the policy knows 0 to 9. Take the "
          + "tokenizer of the policy's own folder.");
      Example example = new Example("p-1", new int[] {1}, new int[] {2, -1}, new float[2], new float[0], new float[2],
          new float[2]);
      refused(() -> policy.logProbs(List.of(example), 1, 1), "p-1: the completion has the token -1, the policy knows 0 "
          + "to 9. Take the tokenizer of the policy's own folder.");
    }
  }

  /** What each mutation is made of and what is done with it, over and over. */
  private Mutations.Record fuzz(int times, int seed, List<byte[]> valid, Path file, Consumer<Path> load) {
    Mutations.Record record = new Mutations.Record(64 * MEBI);
    Random random = new Random(seed);
    for (int i = 0; i < times; i++) {
      byte[] from = valid.get(i % valid.size());
      byte[] bytes = i % 3 == 2 ? structured(from, random) : Mutations.bytes(from, random);
      write(file, bytes);
      record.attempt(i, DataException.class, () -> load.accept(file));
    }
    return record;
  }

  /** JSON with another structure: of a safetensors file the header, before the same data. */
  private static byte[] structured(byte[] from, Random random) {
    if (from[0] == '{') {
      return Mutations.json(new String(from, StandardCharsets.UTF_8), random).getBytes(StandardCharsets.UTF_8);
    }
    int length = (int) ByteBuffer.wrap(from).order(ByteOrder.LITTLE_ENDIAN).getLong();
    String header = new String(from, 8, length, StandardCharsets.UTF_8);
    return tensors(Mutations.json(header, random), Arrays.copyOfRange(from, 8 + length, from.length));
  }

  private static void write(Path file, byte[] bytes) {
    try {
      Files.write(file, bytes);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void damagedHeaders(TestReporter reporter) throws IOException {
    ByteArrayOutputStream golden = new ByteArrayOutputStream();
    golden.write(Files.readAllBytes(GOLDEN.resolve("qwen2-tiny/model.safetensors")));
    List<byte[]> valid = List.of(golden.toByteArray(),
        tensors("{'__metadata__':{'format':'pt','a':'b'},'a':{'dtype':'F32','shape':[2,1],'data_offsets':[0,8]},"
            + "'b':{'dtype':'BF16','shape':[],'data_offsets':[8,10]},'c':{'dtype':'F16','shape':[0,7],"
            + "'data_offsets':[10,10]}}   ", new byte[10]),
        tensors("{'\\u00e9\\\\':{'dtype':'F64','shape':[1,1,1],'data_offsets':[2,10]},"
            + "'x':{'dtype':'I8','shape':[2],'data_offsets':[0,2]}}", new byte[10]));
    Mutations.Record record = Assertions.assertTimeoutPreemptively(Duration.ofMinutes(20), () ->
        fuzz(6000, 1, valid, folder.resolve("x.safetensors"), file -> {
          try (SafeTensors tensors = SafeTensors.open(file)) {
            for (String name : tensors.names()) {
              tensors.shape(name);
              tensors.floats(name);
            }
          }
        }));
    reporter.publishEntry("headers", record.toString());
    assertThat(record.loaded()).isGreaterThan(200);
    assertThat(record.refusals()).hasSizeGreaterThan(25);
  }

  @Test
  void damagedIndexesAndConfigs(TestReporter reporter) throws IOException {
    Checkpoint.random(TINY, Map.of(), 1).write(folder, 500);
    for (String name : List.of(INDEX, "config.json")) {
      Path file = folder.resolve(name);
      byte[] valid = Files.readAllBytes(file);
      Mutations.Record record = Assertions.assertTimeoutPreemptively(Duration.ofMinutes(20), () ->
          fuzz(1500, 2, List.of(valid), file, f -> Checkpoint.read(folder)));
      write(file, valid);
      reporter.publishEntry(name, record.toString());
      assertThat(record.loaded()).isGreaterThan(20);
      assertThat(record.refusals()).hasSizeGreaterThan(15);
    }
    List<byte[]> configs = Stream.of("qwen2-tiny", "llama-tiny", "qwen3-tiny").map(name -> {
      try {
        return Files.readAllBytes(GOLDEN.resolve(name).resolve("config.json"));
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }).toList();
    Mutations.Record record = Assertions.assertTimeoutPreemptively(Duration.ofMinutes(20), () ->
        fuzz(3000, 3, configs, folder.resolve("config.json"), f -> {
          PolicyConfig config = Checkpoint.config(folder);
          config.names().stream().limit(100).forEach(config::shape);
          config.inverseFrequencies();
        }));
    reporter.publishEntry("architectures", record.toString());
    assertThat(record.loaded()).isGreaterThan(100);
    assertThat(record.refusals()).hasSizeGreaterThan(25);
  }
}
