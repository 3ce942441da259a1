package alluvium.policies;

import alluvium.tables.DataException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * A policy at rest: a Hugging Face folder, read from disk or about to be written. transformers opens what is written
 * as it is.
 *
 * @param config the architecture
 * @param weights float32, named, shaped and ordered as {@link PolicyConfig#names}
 * @param files the folder's tokenizer and generation files by name, kept byte for byte
 */
public record Checkpoint(PolicyConfig config, Tensors weights, Map<String, byte[]> files) {
  private static final String CONFIG = "config.json";
  private static final String GENERATION = "generation_config.json";
  private static final String WEIGHTS = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";
  private static final String HEAD = "lm_head.weight";
  /** The files that belong to a policy besides its architecture and weights. */
  private static final Set<String> KEPT = Collections.unmodifiableSet(new TreeSet<>(Set.of("tokenizer.json",
      "tokenizer_config.json", "special_tokens_map.json", GENERATION, "chat_template.jinja", "vocab.json",
      "merges.txt", "added_tokens.json", "tokenizer.model")));
  private static final String PICKLES = "(?i).*\\.(bin|pt|pth|ckpt|pkl|pickle)";
  private static final int MAX_FILE = 1 << 26;
  private static final int MAX_CONFIG = 1 << 20;
  private static final int MAX_INDEX = 1 << 25;

  public Checkpoint {
    if (!weights.names().equals(config.names())) {
      throw new DataException("Checkpoint: the weights must be those of the %s config, in its order.",
          config.family().modelType());
    }
    for (int i = 0; i < weights.size(); i++) {
      long[] expected = config.shape(weights.names().get(i));
      if (!Arrays.equals(expected, weights.shapes().get(i))) {
        throw new DataException("Checkpoint: %s must have shape %s, got %s.", weights.names().get(i),
            Arrays.toString(expected), Arrays.toString(weights.shapes().get(i)));
      }
    }
    for (String name : files.keySet()) {
      if (!KEPT.contains(name)) {
        throw new DataException("Checkpoint: %s is not a file of a policy; known: %s.", StrictJson.brief(name), KEPT);
      }
    }
    files = Collections.unmodifiableMap(new TreeMap<>(files));
  }

  /**
   * Reads a folder with one safetensors file or several and their index. Weights of any floating type become float32.
   * Rotary buffers are ignored, and so is an output projection equal to the embedding that it is tied to. Links may
   * lead to files within the folder and to the blobs of the hub's cache that the folder lies in, nowhere else.
   */
  public static Checkpoint read(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new DataException("%s: not a folder; a policy is a folder with config.json and model.safetensors.", folder);
    }
    if (Files.exists(folder.resolve("adapter_config.json")) && !Files.exists(folder.resolve(CONFIG))) {
      throw new DataException("%s: this is an adapter, not a policy; merge it into its base model first.", folder);
    }
    PolicyConfig config = config(folder);
    Map<String, byte[]> files = new TreeMap<>();
    for (String name : KEPT) {
      if (Files.exists(folder.resolve(name))) {
        files.put(name, bytes(folder, name, MAX_FILE));
      }
    }
    return new Checkpoint(config, weights(folder, config), files);
  }

  /** The architecture of a folder, with what generation_config.json adds to it. */
  public static PolicyConfig config(Path folder) {
    PolicyConfig config = PolicyConfig.parse(text(folder, CONFIG, MAX_CONFIG), folder.resolve(CONFIG).toString());
    return Files.exists(folder.resolve(GENERATION))
        ? config.withGeneration(text(folder, GENERATION, MAX_CONFIG), folder.resolve(GENERATION).toString()) : config;
  }

  private static Tensors weights(Path folder, PolicyConfig config) {
    Map<String, String> fileOf = fileOf(folder);
    List<String> names = config.names();
    Map<String, Integer> places = new LinkedHashMap<>();
    names.forEach(name -> places.put(name, places.size()));
    check(folder, config, fileOf, places.keySet());
    List<long[]> shapes = names.stream().map(config::shape).toList();
    room(shapes, folder.toString());
    List<float[]> values = new ArrayList<>(Collections.nCopies(names.size(), new float[0]));
    Optional<float[]> head = Optional.empty();
    for (String file : new TreeSet<>(fileOf.values())) {
      try (SafeTensors tensors = SafeTensors.open(within(folder, file))) {
        for (String name : tensors.names()) {
          if (places.containsKey(name)) {
            values.set(places.get(name), tensors.floats(name));
          } else if (name.equals(HEAD)) {
            head = Optional.of(tensors.floats(name));
          }
        }
      }
    }
    if (head.isPresent() && !Arrays.equals(head.get(), values.get(0))) {
      throw new DataException("%s: tensor %s differs from the embedding, but %s ties them; set tie_word_embeddings to "
          + "false or remove the tensor.", folder, HEAD, CONFIG);
    }
    return new Tensors(names, shapes, values);
  }

  /** Throws unless this JVM's heap could hold float32 of the shapes, were there nothing else. */
  private static void room(List<long[]> shapes, String place) {
    double bytes = shapes.stream().mapToDouble(s -> 4.0 * Arrays.stream(s).asDoubleStream().reduce(1, (a, b) -> a * b))
        .sum();
    long most = Runtime.getRuntime().maxMemory();
    if (bytes > most) {
      throw new DataException("%s: the weights take %.0f bytes as float32, this JVM has %d; give it more memory, or "
          + "take "
          + "a smaller policy.", place, bytes, most);
    }
  }

  /** Throws unless the files hold exactly the parameters of the config, in their shapes; reads headers only. */
  private static void check(Path folder, PolicyConfig config, Map<String, String> fileOf, Set<String> expected) {
    Set<String> missing = new TreeSet<>(expected);
    Map<String, String> lacking = new TreeMap<>(fileOf);
    for (String file : new TreeSet<>(fileOf.values())) {
      try (SafeTensors tensors = SafeTensors.open(within(folder, file))) {
        for (String name : tensors.names()) {
          String where = folder.resolve(file) + ": tensor " + StrictJson.brief(name);
          if (!file.equals(fileOf.get(name))) {
            throw new DataException("%s: %s does not place it in this file.", where, INDEX);
          }
          lacking.remove(name);
          boolean tiedHead = config.tied() && name.equals(HEAD);
          if (!expected.contains(name) && !tiedHead) {
            if (name.endsWith("rotary_emb.inv_freq")) {
              continue;
            }
            throw new DataException("%s: unexpected; %s of model_type %s with %d layers has no such parameter.", where,
                CONFIG, config.family().modelType(), config.layers());
          }
          long[] shape = config.shape(tiedHead ? "model.embed_tokens.weight" : name);
          if (!Arrays.equals(shape, tensors.shape(name))) {
            throw new DataException("%s: has shape %s, %s asks for %s.", where, Arrays.toString(tensors.shape(name)),
                CONFIG, Arrays.toString(shape));
          }
          missing.remove(name);
        }
      }
    }
    lacking.forEach((name, file) -> {
      throw new DataException("%s: there is no tensor %s, which %s places in this file.", folder.resolve(file),
          StrictJson.brief(name), INDEX);
    });
    for (String name : missing) {
      throw new DataException("%s: tensor %s is missing (%d in all); %s asks for shape %s.", folder, name,
          missing.size(), CONFIG, Arrays.toString(config.shape(name)));
    }
  }

  /** The file of each tensor: of a single file by its header, of several by the index. */
  private static Map<String, String> fileOf(Path folder) {
    Map<String, String> fileOf = new LinkedHashMap<>();
    if (Files.exists(folder.resolve(WEIGHTS))) {
      try (SafeTensors tensors = SafeTensors.open(within(folder, WEIGHTS))) {
        tensors.names().forEach(name -> fileOf.put(name, WEIGHTS));
      }
      return fileOf;
    }
    if (!Files.exists(folder.resolve(INDEX))) {
      List<String> pickles = list(folder).stream().filter(name -> name.matches(PICKLES)).toList();
      if (!pickles.isEmpty()) {
        throw new DataException("%s: %s is a pickle, which runs code when it is opened; convert it to %s.", folder,
            StrictJson.brief(pickles.get(0)), WEIGHTS);
      }
      throw new DataException("%s: neither %s nor %s is there.", folder, WEIGHTS, INDEX);
    }
    StrictJson index = StrictJson.parse(text(folder, INDEX, MAX_INDEX), folder.resolve(INDEX).toString());
    StrictJson map = index.object("weight_map").orElseThrow(() -> index.wrong("weight_map", "an object"));
    map.node().fieldNames().forEachRemaining(name -> {
      String file = map.text(name).orElse("");
      if (!file.matches("[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}\\.safetensors")) {
        throw map.wrong(StrictJson.brief(name), "the plain name of a .safetensors file in the same folder");
      }
      fileOf.put(name, file);
    });
    return fileOf;
  }

  /** The file, after links, if it is where it may be. */
  private static Path within(Path folder, String name) {
    try {
      Path home = folder.toRealPath();
      Path file = folder.resolve(name).toRealPath();
      Optional<Path> cache = Optional.ofNullable(home.getParent())
          .filter(parent -> parent.endsWith("snapshots"))
          .map(parent -> parent.resolveSibling("blobs"));
      if (!file.getParent().equals(home) && !cache.equals(Optional.of(file.getParent()))) {
        throw new DataException("%s: %s is a link out of the folder; copy the file itself.", folder, name);
      }
      if (!Files.isRegularFile(file)) {
        throw new DataException("%s: %s is not a file.", folder, name);
      }
      return file;
    } catch (IOException e) {
      throw new DataException(e, "%s: %s is missing or cannot be read.", folder, name);
    }
  }

  private static byte[] bytes(Path folder, String name, int most) {
    try (InputStream in = Files.newInputStream(within(folder, name))) {
      byte[] bytes = in.readNBytes(most + 1);
      if (bytes.length > most) {
        throw new DataException("%s: %s is larger than %d bytes.", folder, name, most);
      }
      return bytes;
    } catch (IOException e) {
      throw new DataException(e, "%s: %s cannot be read: %s", folder, name, e);
    }
  }

  private static String text(Path folder, String name, int most) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes(folder, name, most))).toString();
    } catch (CharacterCodingException e) {
      throw new DataException(e, "%s: %s is not UTF-8.", folder, name);
    }
  }

  /**
   * Fresh weights: matrices normal with the config's initializer_range, norms one, biases zero. They depend on the seed
   * and each tensor's name alone.
   */
  public static Checkpoint random(PolicyConfig config, Map<String, byte[]> files, long seed) {
    Normals normals = new Normals(seed);
    List<String> names = config.names();
    List<long[]> shapes = new ArrayList<>();
    List<float[]> values = new ArrayList<>();
    for (String name : names) {
      long[] shape = config.shape(name);
      if (Arrays.stream(shape).reduce(1, (a, b) -> a * b) > Integer.MAX_VALUE - 8) {
        throw new DataException("%s: shape %s is too large for one array.", name, Arrays.toString(shape));
      }
      shapes.add(shape);
    }
    room(shapes, "Checkpoint.random");
    for (int i = 0; i < names.size(); i++) {
      String name = names.get(i);
      long[] shape = shapes.get(i);
      int count = (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
      if (shape.length > 1) {
        values.add(normals.draw(name, count, config.initializerRange()));
      } else {
        float[] vector = new float[count];
        Arrays.fill(vector, name.endsWith(".bias") ? 0 : 1);
        values.add(vector);
      }
    }
    return new Checkpoint(config, new Tensors(names, shapes, values), files);
  }

  /** Writes everything with the weights in one file. */
  public Map<String, String> write(Path folder) {
    return write(folder, Long.MAX_VALUE);
  }

  /**
   * Writes the folder; the same checkpoint gives the same bytes. Weights beyond the bound are split between tensors
   * into several files with an index. Files of the same names are replaced; a folder with other files is refused, since
   * they would become part of the version.
   *
   * @param maxFileBytes of weights per file, > 0; a tensor that is larger has a file to itself
   * @return SHA-256 of each file by name, as {@link #digests}
   */
  public Map<String, String> write(Path folder, long maxFileBytes) {
    if (maxFileBytes <= 0) {
      throw new DataException("Checkpoint.write: maxFileBytes must be > 0, got %d.", maxFileBytes);
    }
    List<Tensors> parts = parts(maxFileBytes);
    Map<String, byte[]> small = new TreeMap<>(files);
    small.put(CONFIG, config.float32Json().getBytes(StandardCharsets.UTF_8));
    Map<String, Tensors> large = new TreeMap<>();
    for (Tensors part : parts) {
      large.put(parts.size() == 1 ? WEIGHTS
          : String.format("model-%05d-of-%05d.safetensors", large.size() + 1, parts.size()), part);
    }
    if (parts.size() > 1) {
      small.put(INDEX, index(large).getBytes(StandardCharsets.UTF_8));
    }
    try {
      Files.createDirectories(folder);
      for (String name : list(folder)) {
        if (!small.containsKey(name) && !large.containsKey(name)) {
          throw new DataException("%s: holds %s, which is no part of this policy; give an empty folder.", folder,
              StrictJson.brief(name));
        }
        within(folder, name);
      }
      for (Map.Entry<String, byte[]> file : small.entrySet()) {
        Files.write(folder.resolve(file.getKey()), file.getValue());
      }
    } catch (IOException e) {
      throw new DataException(e, "%s: cannot be written: %s", folder, e);
    }
    large.forEach((name, part) -> SafeTensors.write(folder.resolve(name), part, Map.of("format", "pt")));
    return digests(folder);
  }

  /** The weights in order, cut before each tensor that would lead beyond the bound. */
  private List<Tensors> parts(long maxFileBytes) {
    List<Tensors> parts = new ArrayList<>();
    int from = 0;
    long bytes = 0;
    for (int i = 0; i < weights.size(); i++) {
      long more = 4L * weights.values().get(i).length;
      if (i > from && bytes + more > maxFileBytes) {
        parts.add(part(from, i));
        from = i;
        bytes = 0;
      }
      bytes += more;
    }
    parts.add(part(from, weights.size()));
    return parts;
  }

  private Tensors part(int from, int to) {
    return new Tensors(weights.names().subList(from, to), weights.shapes().subList(from, to),
        weights.values().subList(from, to));
  }

  private String index(Map<String, Tensors> large) {
    ObjectNode index = StrictJson.MAPPER.createObjectNode();
    index.putObject("metadata").put("total_size", 4 * weights.count());
    ObjectNode map = index.putObject("weight_map");
    large.forEach((file, part) -> part.names().forEach(name -> map.put(name, file)));
    return StrictJson.pretty(index);
  }

  /**
   * SHA-256 of each file of the folder by name, lower-case hexadecimal. Folders and names with a leading dot (the marks
   * that file systems leave) do not count.
   */
  public static Map<String, String> digests(Path folder) {
    Map<String, String> digests = new TreeMap<>();
    for (String name : list(folder)) {
      MessageDigest digest = sha256();
      try (InputStream in = Files.newInputStream(within(folder, name))) {
        byte[] piece = new byte[1 << 16];
        for (int read = in.read(piece); read >= 0; read = in.read(piece)) {
          digest.update(piece, 0, read);
        }
      } catch (IOException e) {
        throw new DataException(e, "%s: %s cannot be read: %s", folder, name, e);
      }
      digests.put(name, HexFormat.of().formatHex(digest.digest()));
    }
    return digests;
  }

  /** Names of the folder's files, sorted; neither folders nor names with a leading dot. */
  private static List<String> list(Path folder) {
    try (Stream<Path> paths = Files.list(folder)) {
      return paths.filter(path -> !Files.isDirectory(path)).map(path -> path.getFileName().toString())
          .filter(name -> !name.startsWith(".")).sorted().toList();
    } catch (IOException e) {
      throw new DataException(e, "%s: cannot be listed: %s", folder, e);
    }
  }

  /**
   * The name of a policy version: the first 16 hexadecimal digits of the SHA-256 over its files in order of name, each
   * as name, a zero byte, digest, a line feed.
   */
  public static String version(Map<String, String> digests) {
    MessageDigest digest = sha256();
    new TreeMap<>(digests).forEach((name, value) ->
        digest.update((name + "\0" + value + "\n").getBytes(StandardCharsets.UTF_8)));
    return HexFormat.of().formatHex(digest.digest()).substring(0, 16);
  }

  /** Throws unless the folder holds exactly the files of the digests. */
  public static void verify(Path folder, Map<String, String> digests) {
    Map<String, String> found = digests(folder);
    Set<String> names = new TreeSet<>(found.keySet());
    names.addAll(digests.keySet());
    for (String name : names) {
      String is = found.getOrDefault(name, "missing");
      String should = digests.getOrDefault(name, "no such file");
      if (!is.equals(should)) {
        throw new DataException("%s: %s is %s, should be %s; fetch the policy again or go back to another version.",
            folder, StrictJson.brief(name), is, should);
      }
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
