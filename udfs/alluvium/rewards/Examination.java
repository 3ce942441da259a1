package alluvium.rewards;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A program and its tests, each in a sandbox of its own, and the lines that pass between them. */
final class Examination implements AutoCloseable {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final int OUTCOME = 'V';            // first letter of the tests' last line
  private static final int OUT_OF_TIME = 128 + 24;   // ended by SIGXCPU
  private static final int KILLED = 128 + 9;
  private static final int BLOCK = 1 << 16;

  private final Limits limits;
  private final Contained program;
  private final Contained tests;
  private final CompletableFuture<byte[]> last = new CompletableFuture<>();
  private final long mostBytes;

  Examination(Sandbox sandbox, Limits limits, String source, String tests, String entry) {
    this.limits = limits;
    mostBytes = (long) limits.outputMebibytes() << 20;
    program = sandbox.start(Sandbox.Part.PROGRAM, limits);
    try {
      this.tests = sandbox.start(Sandbox.Part.TESTS, limits);
    } catch (RuntimeException e) {
      program.close();
      throw e;
    }
    begin("requests", () -> {
      tell(program, Map.of("source", source));
      relayRequests();
    });
    begin("answers", () -> {
      tell(this.tests, Map.of("tests", tests, "entry", entry));
      relayAnswers();
    });
  }

  /** The outcome, within the wall time. */
  Verdict verdict(double right, double wrong) {
    byte[] line;
    try {
      line = last.get((long) (limits.wallSeconds() * 1e9), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      return Verdict.failed(Status.TIMEOUT, "not done within " + limits.wallSeconds() + " s");
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while a program was graded", e);
    }
    if (program.printedTooMuch()) {
      return Verdict.ok(wrong, "more output than " + limits.outputMebibytes() + " MiB");
    }
    if (line.length == 0) {
      return tests.status() == OUT_OF_TIME
          ? Verdict.failed(Status.TIMEOUT, "the tests used more processor time than " + limits.cpuSeconds() + " s")
          : Verdict.failed(Status.ERROR, "the tests' interpreter " + tests.complaint());
    }
    JsonNode outcome = read(line);
    String message = outcome.path(1).asText();
    return switch (outcome.path(0).asText()) {
      case "right" -> Verdict.ok(right, "");
      case "wrong" -> Verdict.ok(wrong, message);
      case "ended" -> Verdict.ok(wrong, end(message));
      case "unparseable" -> Verdict.failed(Status.UNPARSEABLE, message);
      default -> Verdict.failed(Status.ERROR, "the tests' interpreter said " + outcome);
    };
  }

  /** Why the program is no longer there. */
  private String end(String message) {
    program.stop();
    int status = program.status();
    return status == OUT_OF_TIME ? "more processor time than " + limits.cpuSeconds() + " s"
        : status == KILLED && message.isEmpty() ? "the program was killed, for processor time or memory"
        : "the program ended" + (message.isEmpty() ? " with status " + status : ": " + message);
  }

  private static JsonNode read(byte[] line) {
    try {
      return JSON.readTree(new String(line, 1, line.length - 1, StandardCharsets.UTF_8));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("the tests' interpreter said what is no JSON", e);
    }
  }

  private interface Work {
    void run() throws IOException;
  }

  /** Either direction has its own thread; both end with the processes. */
  private void begin(String name, Work work) {
    Thread thread = new Thread(() -> {
      try {
        work.run();
      } catch (IOException | RuntimeException e) {
        last.completeExceptionally(e);
      }
    }, "sandbox-" + name);
    thread.setDaemon(true);
    thread.start();
  }

  /** A process that is gone is noticed where it is read. */
  private static void tell(Contained process, Map<String, String> first) throws IOException {
    byte[] line = JSON.writeValueAsBytes(first);
    OutputStream to = process.input();
    try {
      to.write(line);
      to.write('\n');
      to.flush();
    } catch (IOException e) {
      return;
    }
  }

  /** Lines of the tests go to the program, but for the outcome; nothing after it counts. */
  private void relayRequests() {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    OutputStream to = program.input();
    boolean open = true;
    long passed = 0;
    try (InputStream from = new BufferedInputStream(tests.output(), BLOCK)) {
      for (int b = from.read(); b >= 0; b = from.read()) {
        line.write(b);
        if (++passed > mostBytes) {
          tests.tooMuch();
          break;
        }
        if (b == '\n') {
          byte[] whole = line.toByteArray();
          line.reset();
          if (whole[0] == OUTCOME) {
            last.complete(whole);
            return;
          }
          open = open && pass(whole, whole.length, to);
        }
      }
    } catch (IOException e) {
      // ended while it was read
    }
    last.complete(new byte[0]);
  }

  /** What the program answers goes to the tests; its end is their end of input. */
  private void relayAnswers() throws IOException {
    byte[] block = new byte[BLOCK];
    long passed = 0;
    try (InputStream from = program.output(); OutputStream to = tests.input()) {
      for (int n = from.read(block); n >= 0; n = from.read(block)) {
        passed += n;
        if (passed > mostBytes) {
          program.tooMuch();
          return;
        }
        if (!pass(block, n, to)) {
          return;
        }
      }
    } catch (IOException e) {
      return;    // one of them has been ended
    }
  }

  private static boolean pass(byte[] block, int length, OutputStream to) {
    try {
      to.write(block, 0, length);
      to.flush();
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  @Override
  public void close() {
    try (tests) {
      program.close();
    }
  }
}
