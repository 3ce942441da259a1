package alluvium.spark;

import alluvium.policies.Checkpoint;
import alluvium.tables.DataException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.spark.SparkEnv;
import org.apache.spark.deploy.SparkHadoopUtil;

/**
 * The files of policies beside a lake's tables: written once under their digest, copied to a machine once.
 *
 * <p>Who asks for a folder gets it with its files verified: each has been read to its end and has the SHA-256 asked
 * for, and none has been touched since, by length, file number and times of change; a file changed less than two
 * seconds before it was read counts as touched. Who changes a file between that look and its use is not noticed.
 */
public final class PolicyFolders {
  private static final String FOLDER = "_policy_files";
  private static final Map<String, Path> COPIES = new ConcurrentHashMap<>();
  /** What the files of a verified folder looked like; nothing where that cannot be relied upon. */
  private static final Map<String, String> VERIFIED = new ConcurrentHashMap<>();
  private static final Duration SETTLED = Duration.ofSeconds(2);
  private static final Pattern NAMED = Pattern.compile("(?:.*-)?([0-9a-f]{16})");
  private static final String PARTIAL = ".partial-";
  private static final String OPTIMIZER = "optimizer-";

  private PolicyFolders() {}

  /**
   * Copies a finished folder of plain files into the lake: whole, or not at all.
   *
   * @param name of the folder in the lake, which follows from its contents: one that is there with the same files
   * is left
   *     as it is, one that a crash left incomplete is completed
   * @return its Hadoop path
   */
  public static String publish(Lake lake, Path folder, String name) {
    if (!name.matches("[A-Za-z0-9][A-Za-z0-9._-]*")) {
      throw new DataException("'%s' cannot name a policy's folder: letters, digits, dots and dashes only", name);
    }
    org.apache.hadoop.fs.Path target = new org.apache.hadoop.fs.Path(lake.beside(FOLDER), name);
    try {
      FileSystem files = target.getFileSystem(lake.spark().sessionState().newHadoopConf());
      org.apache.hadoop.fs.Path qualified = files.makeQualified(target);
      if (!files.exists(qualified)) {
        org.apache.hadoop.fs.Path partial = qualified.suffix(PARTIAL + Long.toHexString(System.nanoTime()));
        copyIn(files, folder, partial);
        boolean renamed = files.rename(partial, qualified);
        files.delete(renamed ? new org.apache.hadoop.fs.Path(qualified, partial.getName()) : partial, true);
      }
      if (!lengths(files, qualified).equals(lengths(folder))) {
        copyIn(files, folder, qualified);
      }
      Map<String, Long> found = lengths(files, qualified);
      if (!found.equals(lengths(folder))) {
        throw new DataException("%s holds %s, the policy has %s. Delete the folder, and publish it again", qualified,
            found, lengths(folder));
      }
      return qualified.toString();
    } catch (IOException e) {
      throw new UncheckedIOException(target + " cannot be written", e);
    }
  }

  /**
   * A folder on this machine with the files of a policy: the folder itself where it is local, else a copy made once
   * per JVM and deleted at its end.
   *
   * @param digests file name to SHA-256 that the files must have, all of them and no others
   */
  public static Path localCopy(String uri, Map<String, String> digests) {
    if (digests.isEmpty()) {
      throw new DataException("%s: no digests were recorded to verify its files by. Publish the policy again", uri);
    }
    return verified(uri, Checkpoint.version(digests), folder -> Checkpoint.verify(folder, digests));
  }

  /** The same for a folder of whose files only the version is known, by which its name ends. */
  public static Path localCopy(String uri) {
    String name = new org.apache.hadoop.fs.Path(uri).getName();
    Matcher named = NAMED.matcher(name);
    if (!named.matches()) {
      throw new DataException("%s: the name does not end with the digest of the folder's files, 16 hexadecimal digits. "
          + "Restore the name that it was written under", uri);
    }
    return verified(uri, named.group(1), folder -> {
      String version = Checkpoint.version(Checkpoint.digests(folder));
      if (!version.equals(named.group(1))) {
        throw new DataException("%s: the files' digest is %s, the name says %s. Restore the folder, or go back to an "
            + "iteration before it", uri, version, named.group(1));
      }
    });
  }

  private static Path verified(String uri, String version, Consumer<Path> check) {
    Path folder = COPIES.computeIfAbsent(uri, PolicyFolders::copy);
    VERIFIED.compute(uri + ' ' + version, (key, before) -> {
      String look = look(folder);
      if (!look.isEmpty() && look.equals(before)) {
        return before;
      }
      try {
        check.accept(folder);
      } catch (DataException e) {
        COPIES.remove(uri);
        throw e;
      }
      return look;
    });
    return folder;
  }

  /** Each file's name, length, number and times of change, or nothing where one is too recent to rely on those. */
  private static String look(Path folder) {
    StringBuilder look = new StringBuilder();
    Instant settled = Instant.now().minus(SETTLED);
    try (Stream<Path> all = Files.list(folder)) {
      for (Path file : all.sorted().toList()) {
        Map<String, Object> attributes = new TreeMap<>(Files.readAttributes(file,
            file.getFileSystem().supportedFileAttributeViews().contains("unix") ? "unix:*" : "*"));
        for (String time : new String[] {"lastModifiedTime", "ctime"}) {
          if (attributes.get(time) instanceof FileTime changed && changed.toInstant().isAfter(settled)) {
            return "";
          }
        }
        attributes.remove("lastAccessTime");
        look.append(file.getFileName()).append(attributes).append('\n');
      }
      return look.toString();
    } catch (IOException e) {
      return "";        // the check says what is wrong
    }
  }

  /**
   * A folder beside the lake's tables.
   *
   * @param modifiedMillis of its newest file, since 1970
   */
  public record Folder(String name, long modifiedMillis, long bytes) {
    /** Whether it holds the state of an optimizer. */
    public boolean optimizer() {
      return name.startsWith(OPTIMIZER) && !partial();
    }

    /** Whether a copy was made here that was cut off, or is still being made. */
    public boolean partial() {
      return name.contains(PARTIAL);
    }
  }

  /** All folders beside the tables, by name. */
  public static List<Folder> folders(Lake lake) {
    try {
      org.apache.hadoop.fs.Path root = new org.apache.hadoop.fs.Path(lake.beside(FOLDER));
      FileSystem files = root.getFileSystem(lake.spark().sessionState().newHadoopConf());
      List<Folder> folders = new ArrayList<>();
      for (FileStatus folder : files.exists(root) ? files.listStatus(root) : new FileStatus[0]) {
        long modified = folder.getModificationTime();
        for (FileStatus file : folder.isDirectory() ? files.listStatus(folder.getPath()) : new FileStatus[0]) {
          modified = Math.max(modified, file.getModificationTime());
        }
        folders.add(new Folder(folder.getPath().getName(), modified, files.getContentSummary(folder.getPath())
            .getLength()));
      }
      folders.sort(Comparator.comparing(Folder::name));
      return folders;
    } catch (IOException e) {
      throw new UncheckedIOException(lake.beside(FOLDER) + " cannot be read", e);
    }
  }

  /** Deletes the state of an optimizer, or what a copy that was cut off left. */
  public static void remove(Lake lake, Folder folder) {
    if (!folder.optimizer() && !folder.partial()) {
      throw new DataException("%s holds a policy: policies are never removed", folder.name());
    }
    org.apache.hadoop.fs.Path path = new org.apache.hadoop.fs.Path(lake.beside(FOLDER), folder.name());
    try {
      path.getFileSystem(lake.spark().sessionState().newHadoopConf()).delete(path, true);
    } catch (IOException e) {
      throw new UncheckedIOException(path + " cannot be removed", e);
    }
  }

  /** Whether a published folder is there. */
  public static boolean exists(String uri) {
    org.apache.hadoop.fs.Path path = new org.apache.hadoop.fs.Path(uri);
    try {
      return path.getFileSystem(configuration()).exists(path);
    } catch (IOException e) {
      throw new UncheckedIOException(uri + " cannot be read", e);
    }
  }

  private static void copyIn(FileSystem files, Path folder, org.apache.hadoop.fs.Path target) throws IOException {
    files.mkdirs(target);
    for (String name : lengths(folder).keySet()) {
      files.copyFromLocalFile(false, true, new org.apache.hadoop.fs.Path(folder.resolve(name).toUri()),
          new org.apache.hadoop.fs.Path(target, name));
    }
  }

  private static Map<String, Long> lengths(Path folder) throws IOException {
    Map<String, Long> lengths = new TreeMap<>();
    try (Stream<Path> all = Files.list(folder)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        lengths.put(file.getFileName().toString(), Files.size(file));
      }
    }
    return lengths;
  }

  private static Map<String, Long> lengths(FileSystem files, org.apache.hadoop.fs.Path folder) throws IOException {
    Map<String, Long> lengths = new TreeMap<>();
    for (FileStatus file : files.listStatus(folder)) {
      lengths.put(file.getPath().getName(), file.getLen());
    }
    return lengths;
  }

  private static Path copy(String uri) {
    org.apache.hadoop.fs.Path source = new org.apache.hadoop.fs.Path(uri);
    try {
      FileSystem files = source.getFileSystem(configuration());
      if (files.getUri().getScheme().equals("file")) {
        return Path.of(source.toUri().getPath());
      }
      Path folder = Files.createTempDirectory("alluvium-policy");
      folder.toFile().deleteOnExit();
      for (FileStatus file : files.listStatus(source)) {
        if (file.isFile()) {
          Path copy = folder.resolve(file.getPath().getName());
          copy.toFile().deleteOnExit();
          files.copyToLocalFile(false, file.getPath(), new org.apache.hadoop.fs.Path(copy.toUri()), true);
        }
      }
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(uri + " cannot be read", e);
    }
  }

  /** With what spark.hadoop settings say, on the driver and on executors. */
  static Configuration configuration() {
    SparkEnv env = SparkEnv.get();
    return env == null ? new Configuration() : SparkHadoopUtil.get().newConfiguration(env.conf());
  }
}
