package alluvium.rewards;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where Python programs that nobody trusts run on this machine: in processes of their own, without the environment,
 * the network, the files and the other processes of this one, under {@link Limits}. It is found once per JVM, by
 * running a program under each {@link Isolation} until one holds. Needs a Linux with util-linux and coreutils.
 *
 * @param isolation what keeps a program in
 * @param python the interpreter, a path
 * @param folder what else of the machine the interpreter needs to see
 */
public record Sandbox(Isolation isolation, String python, String folder) {
  private static final Logger LOG = LoggerFactory.getLogger(Sandbox.class);
  private static final List<String> INTERPRETERS = List.of("python3", "/usr/bin/python3");
  private static final String PLACES = "import sys; print(getattr(sys, '_base_executable', sys.executable));"
      + " print(sys.base_prefix); assert sys.version_info >= (3, 10), 'Python 3.10 is needed'";
  private static final Limits TRIAL_LIMITS = new Limits(5, 20, 256, 4, 1, 1);
  private static final String TRIAL = resource("trial.py");
  private static final String LOADER = resource("exchange.py");
  private static final String START = resource("sandbox.sh");
  private static final String INSIDE = resource("inside.sh");
  private static final int OPEN_FILES = 64;
  private static final int MEBIBYTE = 1 << 20;
  private static final long FIRST_USER = 0x60000000L;
  private static final long PATIENCE_SECONDS = 20;
  private static final int MARGIN_SECONDS = 5;       // the caller ends it first, unless the caller is gone

  /** Found when it is first asked for. */
  private static final class Here {
    static final Found FOUND = find(Arrays.asList(Isolation.values()), INTERPRETERS);
  }

  /** A sandbox, or why there is none. */
  record Found(Optional<Sandbox> sandbox, String reason) {}

  /** This machine's, or nothing: {@link #reason} says why. */
  public static Optional<Sandbox> here() {
    return Here.FOUND.sandbox();
  }

  /** Why programs cannot be run here; empty where they can. */
  public static String reason() {
    return Here.FOUND.reason();
  }

  /** The first interpreter and isolation that hold. */
  static Found find(List<Isolation> isolations, List<String> interpreters) {
    List<String> reasons = new ArrayList<>();
    for (String interpreter : interpreters) {
      List<String> places;
      try {
        places = answer(new ProcessBuilder(interpreter, "-s", "-S", "-B", "-c", PLACES));
      } catch (IOException e) {
        reasons.add(interpreter + ": not found, or no Python from 3.10 on (" + e.getMessage() + ")");
        continue;
      }
      for (Isolation isolation : isolations) {
        Sandbox sandbox = new Sandbox(isolation, places.get(0), places.get(1));
        Optional<String> failure = sandbox.failure();
        if (failure.isEmpty()) {
          LOG.info("programs run under {}, by {}", isolation.word(), sandbox.python);
          if (!isolation.closed()) {
            LOG.warn("this machine has no namespaces: programs that are graded can reach its network, and read what "
                + "everybody can read");
          }
          return new Found(Optional.of(sandbox), "");
        }
        reasons.add(isolation.word() + " with " + sandbox.python + ": " + failure.get());
      }
    }
    return new Found(Optional.empty(), "programs cannot be graded on this machine: " + String.join("; ", reasons));
  }

  /** Why a program does not run here, or can start more processes than it may. */
  private Optional<String> failure() {
    try (Contained trial = start(TRIAL, TRIAL_LIMITS); BufferedReader reader = new BufferedReader(
        new InputStreamReader(trial.output(), StandardCharsets.UTF_8))) {
      Optional<String> said = Optional.ofNullable(reader.readLine());    // its children may hold the stream open
      return said.equals(Optional.of("well")) ? Optional.empty()
          : Optional.of(said.map(line -> String.format("%.80s", line)).orElseGet(trial::complaint));
    } catch (IOException | UncheckedIOException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  /** An interpreter that runs the exchange's part for programs, or for tests. */
  Contained start(Part part, Limits limits) {
    return start(LOADER + part.source, limits);
  }

  private Contained start(String source, Limits limits) {
    try {
      Optional<Path> own = isolation.closed() ? Optional.empty()
          : Optional.of(Files.createTempDirectory("alluvium-program"));    // nobody else's: rwx------
      ProcessBuilder builder = new ProcessBuilder("/bin/sh", "-c", START, "sandbox", isolation.word(), INSIDE,
          own.map(Path::toString).orElse(""), String.valueOf(limits.wallSeconds() + MARGIN_SECONDS),
          String.valueOf(limits.diskMebibytes()), folder, "prlimit",
          "--cpu=" + limits.cpuSeconds() + ":" + (limits.cpuSeconds() + 1),
          "--as=" + (long) limits.memoryMebibytes() * MEBIBYTE,
          "--nproc=" + (isolation.processes() + limits.processes()), "--fsize="
          + (long) limits.diskMebibytes() * MEBIBYTE, "--nofile=" + OPEN_FILES, "--core=0",
          python, "-s", "-S", "-B", "-c", source);
      builder.environment().clear();
      builder.environment().putAll(Map.of("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", "LANG", "C.UTF-8",
          "PYTHONHASHSEED", "0"));
      builder.directory(Path.of("/").toFile());
      return new Contained(builder.start(), own, limits.outputMebibytes() * (long) MEBIBYTE, this::killUser);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Ends what a sandbox of its own user id has left behind; the process ids of the others end with their namespace. */
  private void killUser(long process) {
    if (isolation.closed()) {
      return;
    }
    String user = String.valueOf(FIRST_USER + process);
    try {
      new ProcessBuilder("setpriv", "--reuid", user, "--regid", user, "--clear-groups", "/bin/sh", "-c",
          "kill -KILL -1").redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start()
          .waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static List<String> answer(ProcessBuilder builder) throws IOException {
    Process process = builder.redirectError(ProcessBuilder.Redirect.DISCARD).start();
    process.getOutputStream().close();
    try (BufferedReader reader = new BufferedReader(new InputStreamReader(process.getInputStream(),
        StandardCharsets.UTF_8))) {
      List<String> lines = reader.lines().toList();
      if (process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) && process.exitValue() == 0 && lines.size() == 2) {
        return lines;
      }
      throw new IOException("it says " + String.format("%.80s", lines));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    } finally {
      process.destroyForcibly();
    }
  }

  static String resource(String name) {
    try (InputStream stream = Sandbox.class.getResourceAsStream(name)) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What an interpreter is there for. */
  enum Part {
    PROGRAM("program.py"), TESTS("tests.py");

    private final String source;

    Part(String name) {
      source = resource(name);
    }
  }
}
