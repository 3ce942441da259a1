package alluvium.rewards;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;

/** A process in a {@link Sandbox}. Closing it ends the process and all that it has started. */
final class Contained implements AutoCloseable {
  private static final int COMPLAINT_BYTES = 2000;
  private static final int BLOCK = 1 << 16;
  private static final long PATIENCE_SECONDS = 20;
  private static final int BY_SIGNAL = 128;

  private final Process process;
  private final Optional<Path> folder;
  private final long mostPrinted;
  private final LongConsumer killer;
  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
  private final Thread printing;
  private volatile boolean tooMuch;

  Contained(Process process, Optional<Path> folder, long mostPrinted, LongConsumer killer) {
    this.process = process;
    this.folder = folder;
    this.mostPrinted = mostPrinted;
    this.killer = killer;
    printing = new Thread(this::readErrors, "sandbox-errors");
    printing.setDaemon(true);
    printing.start();
  }

  /** What goes to its standard input. */
  OutputStream input() {
    return process.getOutputStream();
  }

  /** Its standard output. */
  InputStream output() {
    return process.getInputStream();
  }

  /** Whether it printed more than it may, and was ended. */
  boolean printedTooMuch() {
    return tooMuch;
  }

  /** Ends it because it printed, or answered, too much. */
  void tooMuch() {
    tooMuch = true;
    process.destroyForcibly();
  }

  /** Ends its input, and with it a process that listens to it. */
  void stop() {
    try {
      process.getOutputStream().close();
    } catch (IOException e) {
      return;    // it does not listen any more
    }
  }

  /** Its exit status; 128 and a signal's number where one ended it. Waits for it, and ends it if it does not end. */
  int status() {
    try {
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
      return process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return BY_SIGNAL;
    }
  }

  /** The end of it in words: status, and the last line that it printed as an error. */
  String complaint() {
    int status = status();
    try {
      printing.join(TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    String text;
    synchronized (printed) {
      text = printed.toString(StandardCharsets.UTF_8).strip();
    }
    String last = text.substring(text.lastIndexOf('\n') + 1);
    return "ended with status " + status + (last.isEmpty() ? "" : String.format(", %.120s", last));
  }

  private void readErrors() {
    byte[] block = new byte[BLOCK];
    long read = 0;
    try (InputStream errors = process.getErrorStream()) {
      for (int n = errors.read(block); n >= 0; n = errors.read(block)) {
        read += n;
        synchronized (printed) {
          printed.write(block, 0, Math.min(n, COMPLAINT_BYTES - Math.min(COMPLAINT_BYTES, printed.size())));
        }
        if (read > mostPrinted) {
          tooMuch();
          return;
        }
      }
    } catch (IOException e) {
      return;    // it has been ended while it printed
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
    killer.accept(process.pid());
    try {
      process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
      process.getOutputStream().close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      // what it did not read is lost with it
    }
    folder.ifPresent(Contained::delete);
  }

  /** Nothing follows links. */
  private static void delete(Path folder) {
    try {
      Files.walkFileTree(folder, new SimpleFileVisitor<>() {
        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
          Files.delete(file);
          return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult postVisitDirectory(Path directory, IOException e) throws IOException {
          Files.delete(directory);
          return FileVisitResult.CONTINUE;
        }
      });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
