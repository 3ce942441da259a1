package alluvium.policies;

import alluvium.tables.DataException;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * A safetensors file: named arrays of any size, read one at a time.
 *
 * <pre>  n: 8 bytes | n bytes of JSON: name -> dtype, shape, data_offsets | data, row-major;  little-endian </pre>
 *
 * The header is checked as a whole when the file is opened: every byte of the data belongs to exactly one tensor, and
 * every tensor is as long as its shape and dtype say. Data are read in pieces of 4 MiB, so that a file may be larger
 * than memory, and a file that shrinks while it is read is an error like any other. Several threads may read at once.
 *
 * @see <a href="https://github.com/huggingface/safetensors">the format</a>
 */
public final class SafeTensors implements AutoCloseable {
  private static final String METADATA = "__metadata__";
  private static final long MAX_HEADER = 100_000_000;
  /** Ours: the largest decoder that can be run has 180 thousand weights, and moments for each. */
  private static final int MAX_TENSORS = 1 << 19;
  private static final int MAX_METADATA = 1 << 14;
  private static final int PIECE = 1 << 22;
  /** The longest array that every JVM can allocate. */
  private static final int MAX_ARRAY = Integer.MAX_VALUE - 8;

  private final String place;
  private final FileChannel channel;
  private final long data;
  private final Map<String, Entry> entries;
  private final Map<String, String> metadata;

  private enum Dtype {
    BOOL(1), U8(1), I8(1), F8_E5M2(1), F8_E4M3(1), F8_E8M0(1), I16(2), U16(2), F16(2), BF16(2), I32(4), U32(4), F32(4),
    I64(8), U64(8), F64(8), C64(8);

    private final int bytes;

    Dtype(int bytes) {
      this.bytes = bytes;
    }
  }

  /** Files of other kinds that are found under the name of this one, by how they begin. */
  private enum Foreign {
    ZIP("PK\3\4", "is a zip archive, as torch.save writes them: a pickle, which runs code when it is opened; convert "
        + "it "
        + "to model.safetensors."),
    PICKLE("\u0080[\2-\5][^\0]", "is a pickle, which runs code when it is opened; convert it to model.safetensors."),
    GGUF("GGUF", "is a GGUF file; take the safetensors files that it was made of."),
    HDF("\u0089HDF", "is an HDF5 file; convert it to model.safetensors."),
    POINTER("version ", "is a Git LFS pointer, not the file itself; fetch it with git lfs pull.");

    private final Pattern start;
    private final String what;

    Foreign(String start, String what) {
      this.start = Pattern.compile(start);
      this.what = what;
    }

    /** Throws if the bytes are the start of one of these. */
    static void refuse(byte[] bytes, String place) {
      for (Foreign kind : values()) {
        if (kind.start.matcher(new String(bytes, StandardCharsets.ISO_8859_1)).lookingAt()) {
          throw new DataException("%s: %s", place, kind.what);
        }
      }
    }
  }

  /** Where a tensor is: [begin, end) in bytes from the start of the data. */
  private record Entry(String name, Dtype dtype, List<Long> shape, long begin, long end) {
    long elements() {
      return (end - begin) / dtype.bytes;
    }
  }

  private SafeTensors(String place, FileChannel channel, long data, Map<String, Entry> entries,
      Map<String, String> metadata) {
    this.place = place;
    this.channel = channel;
    this.data = data;
    this.entries = entries;
    this.metadata = metadata;
  }

  /** Opens the file and checks its header. */
  public static SafeTensors open(Path file) {
    String place = file.toString();
    try {
      FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
      try {
        return open(place, channel);
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
    } catch (IOException e) {
      throw new DataException(e, "%s: cannot be read: %s", place, e);
    }
  }

  private static SafeTensors open(String place, FileChannel channel) throws IOException {
    long size = channel.size();
    if (size < 8) {
      throw new DataException("%s: %d bytes, a safetensors file has at least 8; copy it again.", place, size);
    }
    ByteBuffer head = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    fill(channel, head, 0, place);
    long length = head.getLong(0);
    if (length < 0 || length > MAX_HEADER) {
      Foreign.refuse(head.array(), place);
      throw new DataException("%s: header of %s bytes, at most %d are allowed; this is not a safetensors file.", place,
          Long.toUnsignedString(length), MAX_HEADER);
    }
    if (length > size - 8) {
      Foreign.refuse(head.array(), place);
      throw new DataException("%s: header of %d bytes in a file of %d; the file is truncated, copy it again.", place,
          length, size);
    }
    ByteBuffer header = ByteBuffer.allocate((int) length);
    fill(channel, header, 8, place);
    Map<String, Entry> entries = new LinkedHashMap<>();
    Map<String, String> metadata = new LinkedHashMap<>();
    if (length > 0 && header.get(0) != '{') {
      Foreign.refuse(head.array(), place);
    }
    parse(text(header.flip(), place), place, entries, metadata);
    cover(entries, size - 8 - length, place);
    return new SafeTensors(place, channel, 8 + length, entries, metadata);
  }

  private static String text(ByteBuffer header, String place) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(header).toString();
    } catch (CharacterCodingException e) {
      throw new DataException(e, "%s: the header is not UTF-8; this is not a safetensors file.", place);
    }
  }

  private static void parse(String header, String place, Map<String, Entry> entries, Map<String, String> metadata) {
    try (JsonParser parser = StrictJson.FACTORY.createParser(header)) {
      if (!header.startsWith("{") || parser.nextToken() != JsonToken.START_OBJECT) {
        throw new DataException("%s: the header must be a JSON object; this is not a safetensors file.", place);
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        String where = place + ": tensor " + StrictJson.brief(name);
        parser.nextToken();
        if (name.equals(METADATA)) {
          strings(parser, place + ": " + METADATA, metadata);
        } else {
          entries.put(name, entry(parser, name, where));
          require(entries.size() <= MAX_TENSORS, place, "more than " + MAX_TENSORS + " tensors");
        }
      }
      if (Optional.ofNullable(parser.nextToken()).isPresent()) {
        throw new DataException("%s: something other than blanks follows the header's JSON object.", place);
      }
    } catch (JsonProcessingException e) {
      throw new DataException(e, "%s: the header is not valid JSON: %s", place,
          StrictJson.brief(e.getOriginalMessage()));
    } catch (IOException e) {
      throw new DataException(e, "%s: cannot be read: %s", place, e);
    }
  }

  private static void strings(JsonParser parser, String where, Map<String, String> into) throws IOException {
    require(parser.currentToken() == JsonToken.START_OBJECT, where, "must be an object of strings");
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String key = parser.currentName();
      require(parser.nextToken() == JsonToken.VALUE_STRING, where, "must be an object of strings");
      into.put(key, parser.getText());
      require(into.size() <= MAX_METADATA, where, "must have at most " + MAX_METADATA + " entries");
    }
  }

  private static Entry entry(JsonParser parser, String name, String where) throws IOException {
    require(parser.currentToken() == JsonToken.START_OBJECT, where, "must be an object of dtype, shape, data_offsets");
    Optional<Dtype> dtype = Optional.empty();
    Optional<List<Long>> shape = Optional.empty();
    Optional<List<Long>> offsets = Optional.empty();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String key = parser.currentName();
      parser.nextToken();
      if (key.equals("dtype")) {
        dtype = Optional.of(dtype(parser, where));
      } else if (key.equals("shape")) {
        shape = Optional.of(longs(parser, where + ": shape"));
      } else if (key.equals("data_offsets")) {
        offsets = Optional.of(longs(parser, where + ": data_offsets"));
      } else {
        throw new DataException("%s: unknown key %s; known: dtype, shape, data_offsets.", where,
            StrictJson.brief(key));
      }
    }
    require(dtype.isPresent() && shape.isPresent() && offsets.isPresent(), where,
        "must have dtype, shape and data_offsets");
    require(offsets.get().size() == 2, where, "data_offsets must be [begin, end]");
    long begin = offsets.get().get(0);
    long end = offsets.get().get(1);
    require(begin <= end, where, "data_offsets must not decrease");
    try {
      long bytes = dtype.get().bytes;
      for (long extent : shape.get()) {
        bytes = Math.multiplyExact(bytes, extent);
      }
      if (bytes != end - begin) {
        throw new DataException("%s: shape %s of %s is %d bytes, data_offsets span %d.", where, shape.get(),
            dtype.get(), bytes, end - begin);
      }
    } catch (ArithmeticException e) {
      throw new DataException(e, "%s: shape %s is more than 2^63 bytes.", where, shape.get());
    }
    return new Entry(name, dtype.get(), shape.get(), begin, end);
  }

  private static Dtype dtype(JsonParser parser, String where) throws IOException {
    String text = parser.getText();
    return Arrays.stream(Dtype.values())
        .filter(d -> d.name().equals(text))
        .findFirst()
        .orElseThrow(() -> new DataException("%s: unknown dtype %s; known: %s.", where, StrictJson.brief(text),
            Arrays.toString(Dtype.values())));
  }

  private static List<Long> longs(JsonParser parser, String where) throws IOException {
    require(parser.currentToken() == JsonToken.START_ARRAY, where, "must be a list of integers >= 0");
    List<Long> longs = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      require(parser.currentToken() == JsonToken.VALUE_NUMBER_INT && parser.getLongValue() >= 0, where,
          "must be a list of integers >= 0");
      require(longs.size() < 64, where, "must have at most 64 entries");
      longs.add(parser.getLongValue());
    }
    return Collections.unmodifiableList(longs);
  }

  private static void require(boolean holds, String where, String rule) {
    if (!holds) {
      throw new DataException("%s: %s.", where, rule);
    }
  }

  /** Throws unless the tensors fill the data from end to end, without gap or overlap. */
  private static void cover(Map<String, Entry> entries, long size, String place) {
    List<Entry> sorted = new ArrayList<>(entries.values());
    sorted.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
    long end = 0;
    for (Entry entry : sorted) {
      if (entry.begin() != end) {
        throw new DataException("%s: tensor %s: begins at byte %d of the data, must begin at %d where the one before "
            + "it ends; gaps and overlaps are not allowed.", place, StrictJson.brief(entry.name()), entry.begin(), end);
      }
      end = entry.end();
      if (end > size) {
        throw new DataException("%s: tensor %s: ends at byte %d of the data, the file has %d; it is truncated, copy "
            + "it again.", place, StrictJson.brief(entry.name()), end, size);
      }
    }
    if (end != size) {
      throw new DataException("%s: the tensors end at byte %d of the data, the file has %d; gaps are not allowed.",
          place, end, size);
    }
  }

  /** In the order of the header. */
  public List<String> names() {
    return List.copyOf(entries.keySet());
  }

  public long[] shape(String name) {
    return entry(name).shape().stream().mapToLong(Long::longValue).toArray();
  }

  /** As the file names it: F32, BF16, ... */
  public String dtype(String name) {
    return entry(name).dtype().name();
  }

  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(metadata);
  }

  /**
   * The values of a BF16, F16, F32 or F64 tensor as float32, row-major. The first three are exact, subnormal numbers,
   * infinities and NaNs included; F64 is rounded to nearest.
   */
  public float[] floats(String name) {
    Entry entry = entry(name);
    String where = place + ": tensor " + StrictJson.brief(name);
    if (entry.elements() > MAX_ARRAY) {
      throw new DataException("%s: %d elements, at most %d fit one array; this file needs a policy with smaller "
          + "tensors.", where, entry.elements(), MAX_ARRAY);
    }
    Widening widening = widening(entry.dtype(), where);
    float[] values = new float[(int) entry.elements()];
    ByteBuffer piece = ByteBuffer.allocate((int) Math.min(PIECE, entry.end() - entry.begin()))
        .order(ByteOrder.LITTLE_ENDIAN);
    int filled = 0;
    for (long at = entry.begin(); at < entry.end(); at += piece.limit()) {
      piece.clear().limit((int) Math.min(piece.capacity(), entry.end() - at));
      try {
        fill(channel, piece, data + at, where);
      } catch (IOException e) {
        throw new DataException(e, "%s: cannot be read: %s", where, e);
      }
      int count = piece.limit() / entry.dtype().bytes;
      widening.widen(piece.flip(), values, filled, count);
      filled += count;
    }
    return values;
  }

  private interface Widening {
    void widen(ByteBuffer piece, float[] values, int from, int count);
  }

  private static Widening widening(Dtype dtype, String where) {
    return switch (dtype) {
      case F32 -> (piece, values, from, count) -> piece.asFloatBuffer().get(values, from, count);
      case F64 -> (piece, values, from, count) -> {
        for (int i = 0; i < count; i++) {
          values[from + i] = (float) piece.getDouble(8 * i);
        }
      };
      case BF16 -> (piece, values, from, count) -> {
        ShortBuffer bits = piece.asShortBuffer();
        for (int i = 0; i < count; i++) {
          values[from + i] = bfloat16(bits.get(i));
        }
      };
      case F16 -> (piece, values, from, count) -> {
        ShortBuffer bits = piece.asShortBuffer();
        for (int i = 0; i < count; i++) {
          values[from + i] = float16(bits.get(i));
        }
      };
      default -> throw new DataException("%s: dtype %s holds no weights; supported: BF16, F16, F32, F64. Quantized "
          + "checkpoints must be dequantized first.", where, dtype);
    };
  }

  /** The value of a bfloat16: the upper half of a float32. */
  static float bfloat16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /**
   * The value of an IEEE half.
   *
   * <pre>  sign s, exponent e of 5 bits, fraction f of 10:  e = 0: s f 2^-24;  e = 31: s inf or NaN;
   *  else s (1 + f / 1024) 2^(e - 15), in float32 of exponent e + 112 and fraction f 2^13 </pre>
   */
  static float float16(short bits) {
    int sign = (bits & 0x8000) << 16;
    int exponent = bits >> 10 & 0x1f;
    int fraction = bits & 0x3ff;
    if (exponent == 0) {
      return Float.intBitsToFloat(sign | Float.floatToRawIntBits(fraction * 0x1p-24f));
    }
    int wide = exponent == 31 ? 0xff : exponent + 112;
    return Float.intBitsToFloat(sign | wide << 23 | fraction << 13);
  }

  private Entry entry(String name) {
    return Optional.ofNullable(entries.get(name)).orElseThrow(() -> new DataException(
        "%s: no tensor %s; the file has %d others.", place, StrictJson.brief(name), entries.size()));
  }

  private static void fill(FileChannel channel, ByteBuffer buffer, long position, String where) throws IOException {
    long at = position;
    while (buffer.hasRemaining()) {
      int read = channel.read(buffer, at);
      if (read < 0) {
        throw new DataException("%s: the file ends at byte %d, %d more were announced; copy it again.", where, at,
            buffer.remaining());
      }
      at += read;
    }
  }

  /**
   * Writes float32 tensors in the order given; the same tensors and metadata give the same bytes. The header is padded
   * with blanks to a multiple of 8 bytes. Replaces the file if it exists.
   */
  public static void write(Path file, Tensors tensors, Map<String, String> metadata) {
    String place = file.toString();
    try {
      byte[] header = header(tensors, metadata, place);
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
          StandardOpenOption.TRUNCATE_EXISTING)) {
        ByteBuffer piece = ByteBuffer.allocate(PIECE).order(ByteOrder.LITTLE_ENDIAN);
        drain(channel, piece.putLong(header.length));
        drain(channel, ByteBuffer.wrap(header).position(header.length));
        for (float[] values : tensors.values()) {
          for (int from = 0; from < values.length; from += PIECE / 4) {
            int count = Math.min(PIECE / 4, values.length - from);
            piece.clear();
            FloatBuffer floats = piece.asFloatBuffer();
            floats.put(values, from, count);
            drain(channel, piece.position(4 * count));
          }
        }
      }
    } catch (IOException e) {
      throw new DataException(e, "%s: cannot be written: %s", place, e);
    }
  }

  private static void drain(FileChannel channel, ByteBuffer buffer) throws IOException {
    buffer.flip();
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  private static byte[] header(Tensors tensors, Map<String, String> metadata, String place) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    Set<String> seen = new HashSet<>(Set.of(METADATA));
    try (JsonGenerator json = StrictJson.FACTORY.createGenerator(bytes)) {
      json.writeStartObject();
      if (!metadata.isEmpty()) {
        json.writeObjectFieldStart(METADATA);
        for (Map.Entry<String, String> entry : new TreeMap<>(metadata).entrySet()) {
          json.writeStringField(entry.getKey(), entry.getValue());
        }
        json.writeEndObject();
      }
      long begin = 0;
      for (int i = 0; i < tensors.size(); i++) {
        String name = tensors.names().get(i);
        long[] shape = tensors.shapes().get(i);
        int length = tensors.values().get(i).length;
        if (!seen.add(name)) {
          throw new DataException("%s: tensor %s: the name is used twice or reserved.", place, name);
        }
        if (elements(shape) != length) {
          throw new DataException("%s: tensor %s: shape %s does not hold its %d values.", place, name,
              Arrays.toString(shape), length);
        }
        long end = begin + 4L * length;
        json.writeObjectFieldStart(name);
        json.writeStringField("dtype", Dtype.F32.name());
        json.writeFieldName("shape");
        json.writeArray(shape, 0, shape.length);
        json.writeFieldName("data_offsets");
        json.writeArray(new long[] {begin, end}, 0, 2);
        json.writeEndObject();
        begin = end;
      }
      json.writeEndObject();
    }
    bytes.write(" ".repeat((8 - bytes.size() % 8) % 8).getBytes(StandardCharsets.US_ASCII));
    if (bytes.size() > MAX_HEADER) {
      throw new DataException("%s: header of %d bytes, at most %d are allowed; write several files.", place,
          bytes.size(), MAX_HEADER);
    }
    return bytes.toByteArray();
  }

  /** Product of the extents, -1 if it overflows or one is negative. */
  private static long elements(long[] shape) {
    try {
      long product = 1;
      for (long extent : shape) {
        product = extent < 0 ? -1 : Math.multiplyExact(product, extent);
        if (product < 0) {
          return -1;
        }
      }
      return product;
    } catch (ArithmeticException e) {
      return -1;
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new DataException(e, "%s: cannot be closed: %s", place, e);
    }
  }
}
