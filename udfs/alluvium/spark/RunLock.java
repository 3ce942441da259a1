package alluvium.spark;

import alluvium.tables.DataException;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.fs.ChecksumException;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a second process off a run: a file beside the lake's tables that names its holder and counts its beats. A
 * holder is dead where its process on this machine is gone, or where its count stands still while somebody watches:
 * clocks are never compared. A lock that is lost through a pause costs nothing but the work of the one that paused, for
 * a commit happens once whoever tries it.
 */
public final class RunLock implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RunLock.class);
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final long BEAT_MILLIS = 5_000;
  private static final long PATIENCE_MILLIS = 4 * BEAT_MILLIS;
  private static final long LOOK_MILLIS = 200;
  private static final int TRIES = 5;
  private static final int MOST_BYTES = 1 << 16;
  private static final String TOKEN = "token";
  private static final String HOST = "host";
  private static final String MACHINE = "machine";
  private static final String PROCESS = "process";
  private static final String STARTED = "process_started";
  private static final String BEATS = "beats";
  private static final String SECONDS = "seconds";

  private final FileSystem files;
  private final Path file;
  private final String run;
  private final String token = UUID.randomUUID().toString();
  private final long since = System.nanoTime();
  private final Thread beating = new Thread(this::beat, "run-lock");
  private long beats;
  private volatile Optional<String> lost = Optional.empty();
  private volatile boolean closed;

  private RunLock(FileSystem files, Path file, String run) {
    this.files = files;
    this.file = file;
    this.run = run;
  }

  /**
   * Takes the lock of a run, from a dead holder where there is one.
   *
   * @throws DataException where another process holds it, with its name and age
   */
  public static RunLock take(Lake lake, String run) {
    return take(lake, run, PATIENCE_MILLIS);
  }

  static RunLock take(Lake lake, String run, long patienceMillis) {
    Path file = new Path(lake.beside("_locks"), run + ".json");
    try {
      FileSystem files = file.getFileSystem(lake.spark().sessionState().newHadoopConf());
      files.mkdirs(file.getParent());
      RunLock lock = new RunLock(files, files.makeQualified(file), run);
      for (int i = 0; i < TRIES; i++) {
        if (lock.create()) {
          lock.beating.setDaemon(true);
          lock.beating.start();
          return lock;
        }
        Optional<JsonNode> holder = lock.read();
        if (lock.alive(holder, patienceMillis)) {
          throw lock.held(lock.read().or(() -> holder));
        }
        files.delete(lock.file, false);
      }
      throw new DataException("run %s: its lock %s changes hands all the time; other processes want the run too", run,
          file);
    } catch (IOException e) {
      throw new UncheckedIOException(file + " cannot be written", e);
    }
  }

  /** Throws where somebody else has taken the run meanwhile, because this process stood still for too long. */
  public void require() {
    if (lost.isPresent()) {
      throw new DataException("run %s: this process stood still, and %s has taken the run over. Nothing that was"
          + " committed is lost or double; leave the run to it.", run, lost.get());
    }
  }

  @Override
  public void close() {
    closed = true;
    beating.interrupt();
    try {
      beating.join();
      if (read().map(h -> h.path(TOKEN).asText().equals(token)).orElse(false)) {
        files.delete(file, false);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(file + " cannot be deleted", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CompletionException(e);
    }
  }

  /** Whether the file was not there, and is this process's now. Atomic wherever the file system's own creation is. */
  private boolean create() throws IOException {
    try {
      if (files.getUri().getScheme().equals("file")) {    // Hadoop's own looks first and creates then
        Files.createFile(java.nio.file.Path.of(file.toUri().getPath()));
        write();
      } else {
        try (FSDataOutputStream out = files.create(file, false)) {
          out.write(content());
        }
      }
      return true;
    } catch (FileAlreadyExistsException | org.apache.hadoop.fs.FileAlreadyExistsException e) {
      return false;
    }
  }

  private void write() throws IOException {
    try (FSDataOutputStream out = files.create(file, true)) {
      out.write(content());
    }
  }

  private byte[] content() throws IOException {
    ObjectNode node = JSON.createObjectNode();
    node.put(TOKEN, token).put(HOST, host()).put(MACHINE, machine()).put(PROCESS, ProcessHandle.current().pid());
    node.put(STARTED, started(ProcessHandle.current().pid())).put("user", System.getProperty("user.name", ""));
    node.put(BEATS, beats).put(SECONDS, TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - since));
    return JSON.writeValueAsBytes(node);
  }

  /** What the file says; empty where it is not there, or only just being written. */
  private Optional<JsonNode> read() throws IOException {
    try (FSDataInputStream in = files.open(file)) {
      JsonNode node = JSON.readTree(in.readNBytes(MOST_BYTES));
      return node.isObject() ? Optional.of(node) : Optional.empty();
    } catch (FileNotFoundException | ChecksumException | JsonProcessingException e) {
      return Optional.empty();
    }
  }

  /** Whether the holder lives: at once where its process can be looked up, else by watching its count. */
  private boolean alive(Optional<JsonNode> first, long patienceMillis) throws IOException {
    if (first.isPresent() && first.get().path(MACHINE).asText().equals(machine()) && !machine().isEmpty()) {
      String began = started(first.get().path(PROCESS).asLong());
      return !began.isEmpty() && began.equals(first.get().path(STARTED).asText());
    }
    long began = System.nanoTime();
    while (TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began) < patienceMillis) {
      try {
        Thread.sleep(LOOK_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CompletionException(e);
      }
      if (!files.exists(file)) {
        return false;
      }
      Optional<JsonNode> now = read();
      if (now.isPresent() && !now.equals(first)) {
        return true;
      }
    }
    return false;
  }

  private DataException held(Optional<JsonNode> holder) {
    String name = holder.map(RunLock::name).orElse("a process that is just starting");
    long seconds = holder.map(h -> h.path(SECONDS).asLong()).orElse(0L);
    return new DataException("run %s is held by %s, for %s. Wait until it ends or stop it, or use another --run.", run,
        name, age(seconds));
  }

  private static String name(JsonNode holder) {
    return holder.path("user").asText() + "@" + holder.path(HOST).asText() + ", process "
        + holder.path(PROCESS).asLong();
  }

  private static String age(long seconds) {
    return seconds < 60 ? seconds + " s" : String.format(Locale.ROOT, "%d h %02d min", seconds / 3600,
        seconds / 60 % 60);
  }

  private void beat() {
    while (!closed) {
      try {
        Thread.sleep(BEAT_MILLIS);
        Optional<JsonNode> holder = read();
        if (holder.isPresent() && !holder.get().path(TOKEN).asText().equals(token)) {
          lost = Optional.of(name(holder.get()));
          return;
        }
        if (!files.exists(file)) {
          lost = Optional.of("a process that has ended since");
          return;
        }
        beats++;
        write();
      } catch (InterruptedException e) {
        return;
      } catch (IOException e) {
        LOG.warn("{}: a beat is missed: {}", file, e.getMessage());
      }
    }
  }

  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "unknown";
    }
  }

  /** This boot of this machine and this table of processes; empty where the system does not tell. */
  private static String machine() {
    try {
      return Files.readString(java.nio.file.Path.of("/proc/sys/kernel/random/boot_id")).strip() + " "
          + Files.readSymbolicLink(java.nio.file.Path.of("/proc/self/ns/pid"));
    } catch (IOException | UnsupportedOperationException e) {
      return "";
    }
  }

  /** When a process began, in ticks since the machine did; empty where there is none. */
  private static String started(long process) {
    try {
      String stat = Files.readString(java.nio.file.Path.of("/proc/" + process + "/stat"), StandardCharsets.ISO_8859_1);
      String[] words = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
      return words[0].equals("Z") || words[0].equals("X") ? "" : words[19];    // fields 3 and 22 of proc(5)
    } catch (IOException | IndexOutOfBoundsException e) {
      return "";
    }
  }
}
