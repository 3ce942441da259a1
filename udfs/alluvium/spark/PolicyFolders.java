package alluvium.spark;

import alluvium.policies.Checkpoint;
import alluvium.tables.DataException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;

/** The files of policies beside a lake's tables: written once under their digest, copied to a machine once. */
public final class PolicyFolders {
  private static final Map<String, Path> COPIES = new ConcurrentHashMap<>();

  private PolicyFolders() {}

  /**
   * Copies a finished folder into the lake: whole, or not at all.
   *
   * @param name of the folder in the lake; one that is there already is left as it is
   * @return its Hadoop path
   */
  public static String publish(Lake lake, Path folder, String name) {
    Configuration configuration = lake.spark().sessionState().newHadoopConf();
    org.apache.hadoop.fs.Path target = new org.apache.hadoop.fs.Path(lake.folders(), name);
    try {
      FileSystem files = target.getFileSystem(configuration);
      org.apache.hadoop.fs.Path qualified = files.makeQualified(target);
      if (files.exists(qualified)) {
        return qualified.toString();
      }
      org.apache.hadoop.fs.Path partial = qualified.suffix(".partial-" + Long.toHexString(System.nanoTime()));
      files.copyFromLocalFile(false, true, new org.apache.hadoop.fs.Path(folder.toUri()), partial);
      if (!files.rename(partial, qualified)) {
        files.delete(partial, true);
        if (!files.exists(qualified)) {
          throw new DataException("%s cannot be written: the file system refused the rename", qualified);
        }
      }
      return qualified.toString();
    } catch (IOException e) {
      throw new UncheckedIOException(target + " cannot be written", e);
    }
  }

  /**
   * A folder on this machine with the files of a policy: the folder itself where it is local, else a copy made once per JVM.
   *
   * @param digests file name to SHA-256 that the files must have; not looked at where empty
   */
  public static Path localCopy(String uri, Map<String, String> digests) {
    return COPIES.computeIfAbsent(uri, u -> {
      Path folder = copy(u);
      if (!digests.isEmpty()) {
        Checkpoint.verify(folder, digests);
      }
      return folder;
    });
  }

  private static Path copy(String uri) {
    org.apache.hadoop.fs.Path source = new org.apache.hadoop.fs.Path(uri);
    try {
      FileSystem files = source.getFileSystem(new Configuration());
      if (files.getUri().getScheme().equals("file")) {
        return Path.of(source.toUri().getPath());
      }
      Path folder = Files.createTempDirectory("alluvium-policy");
      for (FileStatus file : files.listStatus(source)) {
        if (file.isFile()) {
          files.copyToLocalFile(file.getPath(), new org.apache.hadoop.fs.Path(folder.resolve(file.getPath().getName())
              .toUri()));
        }
      }
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(uri + " cannot be read", e);
    }
  }
}
