package alluvium.contracts;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.management.ThreadMXBean;
import java.io.ByteArrayOutputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Damage to valid files, by chance but the same for the same seed; and a record of what came of it. */
public final class Mutations {
  private static final Pattern NUMBER = Pattern.compile("-?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?");
  private static final String[] NUMBERS = {"-1", "0", "1", "2", "255", "65536", "2147483647", "2147483648",
      "4294967296",
      "9223372036854775807", "9223372036854775808", "18446744073709551615", "1e308", "1e400", "-1e-400", "1e999999999",
      "0x7fffffff", "NaN", "Infinity", ".inf", ".nan", "1.5", "007", "-0", "1_000", "9".repeat(400), "9".repeat(2000)};
  private static final String[] WORDS = {"null", "true", "{", "}", "[", "]", "\"", "\\", "\\u0000", "\\ud800", ",", ":",
      "&a ", "*a", "<<: ", "!!java.lang.Runtime ", "!!binary ", "---\n", "...\n", "? ", "- ", "|\n", ">\n", "%YAML "
          + "9.9\n",
      "# ", "\t", "\u0000", "\ufeff", "\u202e", "\ud83d\ude00", "../", "/etc/passwd", "java.lang.Runtime", "[[[[[[[[[[",
      "{a: {a: {a: ", "{\"a\":{\"a\":", "__metadata__", "weight_map", "model.norm.weight", "F32", "I64", "F12"};
  private static final ObjectMapper JSON = new ObjectMapper();

  private Mutations() {}

  /** One to three bits, bytes, pieces, numbers or words of a file changed, put in or taken out, or its end cut off. */
  public static byte[] bytes(byte[] valid, Random random) {
    byte[] bytes = valid;
    for (int i = 1 + random.nextInt(3); i > 0; i--) {
      int at = random.nextInt(bytes.length + 1);
      int to = Math.min(bytes.length, at + 1 + random.nextInt(random.nextInt(4) == 0 ? 200 : 4));
      bytes = switch (random.nextInt(8)) {
        case 0 -> flipped(bytes, at, random);
        case 1 -> spliced(bytes, at, at, random(random));
        case 2 -> spliced(bytes, at, to, new byte[0]);
        case 3 -> random.nextInt(3) == 0 ? Arrays.copyOf(bytes, at) : flipped(bytes, at, random);
        case 4 -> spliced(bytes, at, at, Arrays.copyOfRange(bytes, at, to));
        case 5, 6 -> number(bytes, at, random);
        default -> spliced(bytes, at, random.nextBoolean() ? at : to, one(WORDS, random));
      };
    }
    return bytes;
  }

  /** A JSON text with a value replaced, taken out, wrapped or copied to another place. */
  public static String json(String valid, Random random) {
    try {
      JsonNode root = JSON.readTree(valid);
      for (int i = 1 + random.nextInt(2); i > 0; i--) {
        change(root, random);
      }
      return JSON.writeValueAsString(root);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void change(JsonNode root, Random random) {
    List<JsonNode> all = new ArrayList<>();
    collect(root, all);
    JsonNode node = all.get(random.nextInt(all.size()));
    JsonNode other = all.get(random.nextInt(all.size()));
    JsonNode value = value(other, random);
    if (node instanceof ObjectNode object && !object.isEmpty()) {
      List<String> keys = new ArrayList<>();
      object.fieldNames().forEachRemaining(keys::add);
      String key = keys.get(random.nextInt(keys.size()));
      switch (random.nextInt(4)) {
        case 0 -> object.remove(key);
        case 1 -> object.set(key + (random.nextBoolean() ? "\u0000" : "é\n\u202e".repeat(random.nextInt(40))), value);
        default -> object.set(key, value);
      }
    } else if (node instanceof ArrayNode array) {
      if (!array.isEmpty() && random.nextBoolean()) {
        array.remove(random.nextInt(array.size()));
      } else {
        array.insert(random.nextInt(array.size() + 1), value);
      }
    }
  }

  private static JsonNode value(JsonNode other, Random random) {
    return switch (random.nextInt(8)) {
      case 0 -> JSON.nullNode();
      case 1 -> JSON.getNodeFactory().numberNode(new long[] {-1, 0, 1, 7, 1L << 31, 1L << 40, Long.MAX_VALUE,
          Long.MIN_VALUE}[random.nextInt(8)]);
      case 2 -> JSON.getNodeFactory().numberNode(new double[] {-1, 0.5, 1e300, 1e-300}[random.nextInt(4)]);
      case 3 -> JSON.getNodeFactory().textNode("x".repeat(random.nextInt(3000)));
      case 4 -> deep(1 + random.nextInt(random.nextInt(4) == 0 ? 1200 : 30));
      case 5 -> JSON.createObjectNode();
      case 6 -> JSON.getNodeFactory().booleanNode(random.nextBoolean());
      default -> other.deepCopy();
    };
  }

  private static JsonNode deep(int levels) {
    JsonNode node = JSON.createArrayNode();
    for (int i = 0; i < levels; i++) {
      node = i % 2 == 0 ? JSON.createArrayNode().add(node) : JSON.createObjectNode().set("a", node);
    }
    return node;
  }

  private static void collect(JsonNode root, List<JsonNode> into) {
    into.add(root);
    for (int i = 0; i < into.size(); i++) {
      into.get(i).forEach(into::add);
    }
  }

  private static byte[] flipped(byte[] bytes, int at, Random random) {
    if (at == bytes.length) {
      return bytes;
    }
    byte[] changed = bytes.clone();
    changed[at] ^= (byte) (1 << random.nextInt(8));
    return changed;
  }

  private static byte[] random(Random random) {
    byte[] some = new byte[1 + random.nextInt(8)];
    random.nextBytes(some);
    return some;
  }

  /** The number nearest after a place replaced by another one. */
  private static byte[] number(byte[] bytes, int at, Random random) {
    Matcher number = NUMBER.matcher(new String(bytes, StandardCharsets.ISO_8859_1));
    return number.find(at) ? spliced(bytes, number.start(), number.end(), one(NUMBERS, random)) : bytes;
  }

  private static byte[] one(String[] of, Random random) {
    return of[random.nextInt(of.length)].getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] spliced(byte[] bytes, int from, int to, byte[] between) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.length + between.length);
    out.write(bytes, 0, from);
    out.writeBytes(between);
    out.write(bytes, to, bytes.length - to);
    return out.toByteArray();
  }

  /** What came of many mutations. */
  public static final class Record {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    /** Of computing, not of waiting for a busy machine. */
    private static final long MOST_NANOS = 10_000_000_000L;

    private final long mostBytes;
    private final Set<String> refusals = new TreeSet<>();
    private int loaded;
    private int refused;
    private long largest;

    /** Of mutations that may allocate so many bytes each. */
    public Record(long mostBytes) {
      this.mostBytes = mostBytes;
    }

    /** Runs one: it ends, or throws the exception that it may throw, with a message of one or several lines. */
    public void attempt(int number, Class<? extends RuntimeException> allowed, Runnable load) {
      long before = THREADS.getThreadAllocatedBytes(Thread.currentThread().getId());
      long started = THREADS.getCurrentThreadCpuTime();
      try {
        load.run();
        loaded++;
      } catch (Throwable e) {
        if (!allowed.isInstance(e) || e.getMessage() == null || e.getMessage().length() > 20_000) {
          throw new AssertionError("mutation " + number + " escapes with " + e, e);
        }
        refused++;
        refusals.add(kind(e.getMessage()));
      }
      long allocated = THREADS.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
      largest = Math.max(largest, allocated);
      long nanos = THREADS.getCurrentThreadCpuTime() - started;
      if (allocated > mostBytes || nanos > MOST_NANOS) {
        throw new AssertionError("mutation " + number + " allocates " + allocated + " bytes and computes "
            + nanos + " ns");
      }
    }

    /** A message's first line without what it quotes. */
    private static String kind(String message) {
      return message.lines().findFirst().orElse("").replaceAll("^[^:]*: ", "").replaceAll("got .*", "got")
          .replaceAll("'[^']*'|\"[^\"]*\"?|\\([^)]*\\)?|\\[[^\\]]*\\]?", "_").replaceAll("-?[0-9][0-9.eE+-]*", "#")
          .replaceAll("(tensor|key|type|dtype) \\S+", "$1 _");
    }

    public int loaded() {
      return loaded;
    }

    public int refused() {
      return refused;
    }

    /** Kinds of messages, by their words. */
    public Set<String> refusals() {
      return refusals;
    }

    @Override
    public String toString() {
      return loaded + " loaded, " + refused + " refused for " + refusals.size() + " reasons, at most " + largest
          + " bytes each";
    }
  }
}
