package alluvium.policies;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * The decoder as one TorchScript program, kept as source text in {@code decoder.py} and packed into an archive in
 * memory.
 * Weights are arguments of its methods, so one program serves every policy of the process and gradients flow to them.
 */
final class Decoder {
  private static final String METHOD = "module_method:";

  private final PtSymbolBlock program;

  private Decoder(PtSymbolBlock program) {
    this.program = program;
  }

  /** The process's program, loaded at first use. */
  static Decoder shared() {
    return Holder.DECODER;
  }

  /**
   * Runs one method of the program. The first argument's manager owns what comes back.
   *
   * @param method name in the program
   * @param arguments arrays in order; those named {@code x[]} join the list x
   */
  NDList run(String method, NDList arguments) {
    return call(method, arguments, false);
  }

  /** As run, recording what is needed to differentiate. */
  NDList differentiably(String method, NDList arguments) {
    return call(method, arguments, true);
  }

  /** Prepares the calling thread: how many threads one operation may use, no re-specialisation on new shapes. */
  static void enter(int threads) {
    Offline.settle();
    Engine.getEngine("PyTorch");
    JniUtils.setNumThreads(threads);
    JniUtils.setGraphExecutorOptimize(false);
  }

  private NDList call(String method, NDList arguments, boolean record) {
    NDList all = new NDList(arguments);
    try (NDManager names = arguments.head().getManager().newSubManager()) {
      if (!method.equals("forward")) {
        NDArray name = names.create(0);
        name.setName(METHOD + method);
        all.add(name);
      }
      return IValueUtils.forward(program, all, record);
    }
  }

  private static final class Holder {
    static final Decoder DECODER = load();

    private static Decoder load() {
      Offline.settle();
      Engine.getEngine("PyTorch");
      PtNDManager manager = (PtNDManager) NDManager.newBaseManager(Device.cpu(), "PyTorch");
      try (InputStream source = Decoder.class.getResourceAsStream("decoder.py")) {
        byte[] archive = archive(source.readAllBytes());
        return new Decoder(JniUtils.loadModule(manager, new ByteArrayInputStream(archive), false, false));
      } catch (IOException e) {
        throw new UncheckedIOException("the decoder's program cannot be read", e);
      }
    }
  }

  /** A TorchScript archive: a stored zip of the source and of a 40-byte description of an object without attributes. */
  private static byte[] archive(byte[] source) throws IOException {
    ByteArrayOutputStream object = new ByteArrayOutputStream();
    object.write(new byte[] {(byte) 0x80, 2});
    object.write("c__torch__\nDecoder\n".getBytes(StandardCharsets.US_ASCII));
    object.write(new byte[] {')', (byte) 0x81, '}', '(', 'X', 8, 0, 0, 0});
    object.write("training".getBytes(StandardCharsets.US_ASCII));
    object.write(new byte[] {(byte) 0x89, 'u', 'b', '.'});
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      store(zip, "decoder/data.pkl", object.toByteArray());
      store(zip, "decoder/code/__torch__.py", source);
      store(zip, "decoder/constants.pkl", new byte[] {(byte) 0x80, 2, ')', '.'});
      store(zip, "decoder/version", "3\n".getBytes(StandardCharsets.US_ASCII));
    }
    return bytes.toByteArray();
  }

  private static void store(ZipOutputStream zip, String name, byte[] content) throws IOException {
    CRC32 crc = new CRC32();
    crc.update(content);
    ZipEntry entry = new ZipEntry(name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(content.length);
    entry.setCompressedSize(content.length);
    entry.setCrc(crc.getValue());
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
  }
}
