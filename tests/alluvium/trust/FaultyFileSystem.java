package alluvium.trust;

import alluvium.spark.LocalFiles;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/**
 * The local disk under the scheme faulty:, with one fault, named by the system property "fault" as when:n:what:pattern.
 * At the n-th file whose path matches, before or after it appears under its final name, the process gets SIGKILL
 * ("kill"), or the disk is full from then on ("full") or once ("once").
 */
public final class FaultyFileSystem extends LocalFiles.Raw {
  static final String SCHEME = "faulty";
  private static final Fault FAULT = Fault.parse(System.getProperty("fault", ""));
  private static final AtomicInteger SEEN = new AtomicInteger();

  private record Fault(String when, int number, String what, Pattern path) {
    static Fault parse(String text) {
      String[] words = text.split(":", 4);
      return words.length < 4 ? new Fault("never", 0, "", Pattern.compile("x^"))
          : new Fault(words[0], Integer.parseInt(words[1]), words[2], Pattern.compile(words[3]));
    }

    void at(Path file, String moment) throws IOException {
      if (!path.matcher(file.toUri().getPath()).find() || !when.equals(moment)) {
        return;
      }
      int seen = SEEN.incrementAndGet();
      if (what.equals("kill") && seen == number) {
        die();
      }
      if (what.equals("full") && seen >= number || what.equals("once") && seen == number) {
        throw new IOException("No space left on device");
      }
    }

    private static void die() throws IOException {
      new ProcessBuilder("kill", "-9", String.valueOf(ProcessHandle.current().pid())).start();
      try {
        Thread.sleep(60_000);
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
    }
  }

  @Override
  public URI getUri() {
    return URI.create(SCHEME + ":///");
  }

  @Override
  public String getScheme() {
    return SCHEME;
  }

  @Override
  public boolean rename(Path from, Path to) throws IOException {
    FAULT.at(to, "before");
    boolean renamed = super.rename(from, to);
    FAULT.at(to, "after");
    return renamed;
  }

  @Override
  public FSDataOutputStream create(Path file, boolean overwrite, int bufferSize, short replication, long blockSize,
      Progressable progress) throws IOException {
    return watched(file, super.create(file, overwrite, bufferSize, replication, blockSize, progress));
  }

  @Override
  public FSDataOutputStream create(Path file, FsPermission permission, boolean overwrite, int bufferSize,
      short replication, long blockSize, Progressable progress) throws IOException {
    return watched(file, super.create(file, permission, overwrite, bufferSize, replication, blockSize, progress));
  }

  /** A disk that is full shows when something is written to it. */
  private static FSDataOutputStream watched(Path file, FSDataOutputStream out) throws IOException {
    return new FSDataOutputStream(new FilterOutputStream(out) {
      @Override
      public void write(byte[] bytes, int from, int length) throws IOException {
        FAULT.at(file, "writing");
        out.write(bytes, from, length);
      }

      @Override
      public void close() throws IOException {
        try (OutputStream closing = out) {
          closing.flush();
        }
      }
    }, null);
  }
}
