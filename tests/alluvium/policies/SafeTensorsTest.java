package alluvium.policies;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.tables.DataException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafeTensorsTest {
  @TempDir
  Path folder;

  /** A file of the header, in which ' stands for ", and the data. */
  private Path file(String header, byte... data) throws IOException {
    byte[] json = header.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    return file(json.length, json, data);
  }

  private Path file(long length, byte[] header, byte... data) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(8 + header.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(length).put(header).put(data);
    return Files.write(folder.resolve("x.safetensors"), bytes.array());
  }

  private static byte[] shorts(int... bits) {
    ByteBuffer bytes = ByteBuffer.allocate(2 * bits.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int b : bits) {
      bytes.putShort((short) b);
    }
    return bytes.array();
  }

  private float[] floats(Path file, String name) {
    try (SafeTensors tensors = SafeTensors.open(file)) {
      return tensors.floats(name);
    }
  }

  private void refused(Path file, String message) {
    assertThatThrownBy(() -> SafeTensors.open(file).close())
        .isInstanceOf(DataException.class)
        .hasMessage(file + ": " + message);
  }

  @Test
  void bfloat16IsTheUpperHalfOfFloat32() throws IOException {
    // 0xc049: sign 1, exponent 0x80, fraction 0x49 / 0x80: -2 (1 + 73 / 128) = -3.140625; 0x0001: 2^16 2^-149
    Path file = file("{'a':{'dtype':'BF16','shape':[2,4],'data_offsets':[0,16]}}",
        shorts(0x3f80, 0xc049, 0x0001, 0x8000, 0x7f80, 0xff80, 0x7fc0, 0x7f7f));
    assertThat(floats(file, "a")).containsExactly(1, -3.140625f, 0x1p-133f, -0.0f, Float.POSITIVE_INFINITY,
        Float.NEGATIVE_INFINITY, Float.NaN, 0x1.fep127f);
  }

  @Test
  void halvesWithSubnormalsInfinitiesAndNaN() throws IOException {
    // 0x3555: exponent 13, fraction 0x155 = 341: 2^-2 (1 + 341 / 1024) = 0.333251953125; 0x03ff: 1023 2^-24
    Path file = file("{'a':{'dtype':'F16','shape':[12],'data_offsets':[0,24]}}", shorts(0x3c00, 0xc000, 0x3555, 0x7bff,
        0x0001, 0x83ff, 0x0400, 0x0000, 0x8000, 0x7c00, 0xfc00, 0x7e01));
    assertThat(floats(file, "a")).containsExactly(1, -2, 0.333251953125f, 65504, 0x1p-24f, -1023 * 0x1p-24f, 0x1p-14f,
        0, -0.0f, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.NaN);
  }

  @Test
  void everyHalfIsTheNumberItsFieldsSay() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      int exponent = bits >> 10 & 31;
      int fraction = bits & 1023;
      double magnitude = exponent == 0 ? Math.scalb((double) fraction, -24)
          : Math.scalb(1 + fraction / 1024.0, exponent - 15);
      double expected = exponent < 31 ? magnitude : fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN;
      assertThat((double) SafeTensors.float16((short) bits))
          .isEqualTo(Double.valueOf(bits < 1 << 15 ? expected : -expected));
    }
  }

  @Test
  void doublesAreRoundedAndScalarsHaveOneValue() throws IOException {
    byte[] data = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putDouble(0.1).array();
    Path file = file("{'a':{'dtype':'F64','shape':[],'data_offsets':[0,8]},"
        + "'b':{'dtype':'F32','shape':[0,7],'data_offsets':[8,8]}}   ", data);
    assertThat(floats(file, "a")).containsExactly(0.1f);
    assertThat(floats(file, "b")).isEmpty();
  }

  @Test
  void integersAreListedButAreNoWeights() throws IOException {
    Path file = file("{'__metadata__':{'format':'pt'},'a':{'dtype':'I64','shape':[1],'data_offsets':[0,8]}}",
        new byte[8]);
    try (SafeTensors tensors = SafeTensors.open(file)) {
      assertThat(tensors.names()).containsExactly("a");
      assertThat(tensors.shape("a")).containsExactly(1);
      assertThat(tensors.dtype("a")).isEqualTo("I64");
      assertThat(tensors.metadata()).containsExactly(Map.entry("format", "pt"));
      assertThatThrownBy(() -> tensors.floats("a")).isInstanceOf(DataException.class).hasMessage(file
          + ": tensor a: dtype I64 holds no weights; supported: BF16, F16, F32, F64. Quantized checkpoints must be "
          + "dequantized first.");
      assertThatThrownBy(() -> tensors.floats("b")).isInstanceOf(DataException.class)
          .hasMessage(file + ": no tensor b; the file has 1 others.");
    }
  }

  @Test
  void writesTheFormatToTheByte() throws IOException {
    Path file = folder.resolve("y.safetensors");
    Tensors tensors = new Tensors(List.of("b", "a"), List.of(new long[] {1, 2}, new long[] {1}),
        List.of(new float[] {1, -2}, new float[] {0.5f}));
    SafeTensors.write(file, tensors, Map.of("format", "pt"));
    String header = "{\"__metadata__\":{\"format\":\"pt\"},\"b\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":"
        + "[0,8]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}";
    int padded = (header.length() + 7) / 8 * 8;
    ByteBuffer expected = ByteBuffer.allocate(8 + padded + 12).order(ByteOrder.LITTLE_ENDIAN);
    expected.putLong(padded).put((header + " ".repeat(padded - header.length())).getBytes(StandardCharsets.UTF_8));
    expected.putFloat(1).putFloat(-2).putFloat(0.5f);
    assertThat(Files.readAllBytes(file)).isEqualTo(expected.array());
  }

  @Test
  void readsBackWhatItWroteOverSeveralPieces() {
    float[] large = new Normals(3).draw("large", (1 << 21) + 13, 1);   // 2 pieces of 4 MiB and a bit
    Path file = folder.resolve("y.safetensors");
    SafeTensors.write(file, new Tensors(List.of("x", "é \" \\"), List.of(new long[] {3}, new long[] {large.length}),
        List.of(new float[] {1, Float.NaN, Float.MIN_VALUE}, large)), Map.of());
    assertThat(floats(file, "é \" \\")).isEqualTo(large);
    assertThat(floats(file, "x")).containsExactly(1, Float.NaN, Float.MIN_VALUE);
  }

  @Test
  void writesOnlyWhatCanBeRead() {
    Path file = folder.resolve("y.safetensors");
    Tensors wrong = new Tensors(List.of("a"), List.of(new long[] {2, 2}), List.of(new float[3]));
    assertThatThrownBy(() -> SafeTensors.write(file, wrong, Map.of())).isInstanceOf(DataException.class)
        .hasMessage(file + ": tensor a: shape [2, 2] does not hold its 3 values.");
    Tensors twice = new Tensors(List.of("a", "a"), List.of(new long[0], new long[0]),
        List.of(new float[1], new float[1]));
    assertThatThrownBy(() -> SafeTensors.write(file, twice, Map.of())).isInstanceOf(DataException.class)
        .hasMessage(file + ": tensor a: the name is used twice or reserved.");
    assertThat(file).doesNotExist();
  }

  @Test
  void filesBeyondTwoGibibytes() throws IOException {
    long hole = 3L << 30;   // a sparse file: the hole takes no room
    byte[] header = ("{\"a\":{\"dtype\":\"U8\",\"shape\":[" + hole + "],\"data_offsets\":[0," + hole + "]},"
        + "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[" + hole + "," + (hole + 8) + "]}}")
        .getBytes(StandardCharsets.UTF_8);
    Path file = file(header.length, header);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putFloat(0, 7).putFloat(4, -8),
          8 + header.length + hole);
    }
    try (SafeTensors tensors = SafeTensors.open(file)) {
      assertThat(tensors.floats("b")).containsExactly(7, -8);
      assertThatThrownBy(() -> tensors.floats("a")).isInstanceOf(DataException.class).hasMessage(file
          + ": tensor a: 3221225472 elements, at most 2147483639 fit one array; this file needs a policy with smaller "
          + "tensors.");
    }
  }

  @Test
  void aFileThatShrinksAfterItWasOpened() throws IOException {
    Path file = file("{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}", new byte[8]);
    long size = Files.size(file);
    try (SafeTensors tensors = SafeTensors.open(file);
        FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(size - 3);
      assertThatThrownBy(() -> tensors.floats("a")).isInstanceOf(DataException.class).hasMessage(file
          + ": tensor a: the file ends at byte " + (size - 3) + ", 3 more were announced; copy it again.");
    }
  }

  @Test
  void lengthsThatCannotBe() throws IOException {
    refused(Files.write(folder.resolve("x.safetensors"), new byte[7]),
        "7 bytes, a safetensors file has at least 8; copy it again.");
    refused(file(9, new byte[8]), "header of 9 bytes in a file of 16; the file is truncated, copy it again.");
    refused(file(100_000_001, new byte[8]),
        "header of 100000001 bytes, at most 100000000 are allowed; this is not a safetensors file.");
    refused(file(-1, new byte[8]),
        "header of 18446744073709551615 bytes, at most 100000000 are allowed; this is not a safetensors file.");
    Path absent = folder.resolve("absent");
    assertThatThrownBy(() -> SafeTensors.open(absent)).isInstanceOf(DataException.class)
        .hasMessageStartingWith(absent + ": cannot be read");
  }

  @Test
  void headersThatAreNotText() throws IOException {
    refused(file(2, new byte[] {'{', (byte) 0xff}), "the header is not UTF-8; this is not a safetensors file.");
    refused(file(4, new byte[] {'{', 0, '}', 0}), "the header is not valid JSON: Illegal character ((CTRL-CHAR, code "
        + "0)): only regular white space (\\r, \\n, \\t) is allowed between tokens");
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
    "[]|the header must be a JSON object; this is not a safetensors file.",
    "``|the header must be a JSON object; this is not a safetensors file.",
    "` {}`|the header must be a JSON object; this is not a safetensors file.",
    "{} {}|something other than blanks follows the header's JSON object.",
    "{'a':1}|tensor a: must be an object of dtype, shape, data_offsets.",
    "{'a':{'dtype':'F32'}}|tensor a: must have dtype, shape and data_offsets.",
    "{'a':{'dtype':'F12','shape':[2],'data_offsets':[0,8]}}|tensor a: unknown dtype F12; known: [BOOL, U8, I8, "
        + "F8_E5M2, F8_E4M3, F8_E8M0, I16, U16, F16, BF16, I32, U32, F32, I64, U64, F64, C64].",
    "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8],'x':1}}"
        + "|tensor a: unknown key x; known: dtype, shape, data_offsets.",
    "{'a':{'dtype':'F32','shape':[-2],'data_offsets':[0,8]}}|tensor a: shape: must be a list of integers >= 0.",
    "{'a':{'dtype':'F32','shape':[2.0],'data_offsets':[0,8]}}|tensor a: shape: must be a list of integers >= 0.",
    "{'a':{'dtype':'F32','shape':2,'data_offsets':[0,8]}}|tensor a: shape: must be a list of integers >= 0.",
    "{'a':{'dtype':'F32','shape':[4611686018427387904,2],'data_offsets':[0,8]}}"
        + "|tensor a: shape [4611686018427387904, 2] is more than 2^63 bytes.",
    "{'a':{'dtype':'F32','shape':[3],'data_offsets':[0,8]}}"
        + "|tensor a: shape [3] of F32 is 12 bytes, data_offsets span 8.",
    "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8,8]}}|tensor a: data_offsets must be [begin, end].",
    "{'a':{'dtype':'F32','shape':[2],'data_offsets':[8,0]}}|tensor a: data_offsets must not decrease.",
    "{'a':{'dtype':'F32','shape':[3],'data_offsets':[0,12]}}"
        + "|tensor a: ends at byte 12 of the data, the file has 8; it is truncated, copy it again.",
    "{'a':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}}|tensor a: begins at byte 4 of the data, must begin at 0 "
        + "where the one before it ends; gaps and overlaps are not allowed.",
    "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'b':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}}"
        + "|tensor b: begins at byte 4 of the data, must begin at 8 where the one before it ends; gaps and overlaps "
        + "are not allowed.",
    "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}}"
        + "|the tensors end at byte 4 of the data, the file has 8; gaps are not allowed.",
    "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}"
        + "|the header is not valid JSON: Duplicate field 'a'",
    "{'__metadata__':{'a':1}}|__metadata__: must be an object of strings.",
  })
  void headersThatBreakARule(String header, String message) throws IOException {
    refused(file(header, new byte[8]), message);
  }

  @Test
  void mutatedHeadersAreReadOrRefused() throws IOException {
    Path golden = Path.of("tests/resources/golden/qwen2-tiny/model.safetensors");
    byte[] whole = Files.readAllBytes(golden);
    int header = (int) ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getLong();
    SplittableRandom random = new SplittableRandom(7);
    byte[] alphabet = "{}[]\",:0123456789-eE. \\u\0\177FBpt".getBytes(StandardCharsets.ISO_8859_1);
    Path file = folder.resolve("z.safetensors");
    int refused = 0;
    for (int i = 0; i < 4000; i++) {
      byte[] bytes = i % 5 == 0 ? Arrays.copyOf(whole, random.nextInt(whole.length)) : whole.clone();
      int mutations = random.nextInt(1, 4);
      for (int m = 0; m < mutations && bytes.length > 0; m++) {
        int at = random.nextInt(i % 7 == 0 ? 8 : Math.min(bytes.length, 8 + header)) % bytes.length;
        bytes[at] = random.nextInt(3) == 0 ? (byte) random.nextInt(256) : alphabet[random.nextInt(alphabet.length)];
      }
      Files.write(file, bytes);
      try (SafeTensors tensors = SafeTensors.open(file)) {
        tensors.names().stream().filter(n -> tensors.dtype(n).equals("F32"))
            .forEach(n -> assertThat(tensors.floats(n)).hasSizeLessThanOrEqualTo(bytes.length / 4));
      } catch (DataException e) {
        assertThat(e).hasMessageStartingWith(file + ": ");
        refused++;
      }
    }
    assertThat(refused).isBetween(2000, 3999);
  }
}
