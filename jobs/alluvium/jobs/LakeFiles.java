package alluvium.jobs;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options.Rename;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.UnsupportedFileSystemException;

/** What the file system of a lake does with files, tried in a folder of its own under the lake that goes again. */
final class LakeFiles {
  private static final String WHAT = "lake";
  private static final long GIBIBYTE = 1L << 30;
  private static final long SKEW_MILLIS = 60_000;
  private static final String PLACE = "Name another --lake, or let this user write there.";

  private LakeFiles() {}

  static List<Finding> of(String lake, Configuration configuration) {
    if (!lake.contains("/") && !lake.contains(":")) {
      return List.of(Finding.warning(WHAT, "Give the path of the schema's folder as --lake to have it tried.",
          "%s is a schema; its file system is not tried", lake));
    }
    Path path = new Path(lake);
    try {
      FileSystem files = path.getFileSystem(configuration);
      Path qualified = files.makeQualified(path);
      if (files.exists(qualified) && !files.getFileStatus(qualified).isDirectory()) {
        return List.of(Finding.failed(WHAT, PLACE, "%s is a file", qualified));
      }
      boolean there = files.exists(qualified);
      List<Finding> findings = new ArrayList<>();
      Path scratch = new Path(qualified, "_doctor-" + Long.toHexString(System.nanoTime()));
      try {
        if (!files.mkdirs(scratch)) {
          return List.of(Finding.failed(WHAT, PLACE, "%s cannot be made", scratch));
        }
        findings.addAll(tried(files, scratch, configuration));
      } finally {
        files.delete(scratch, true);
        if (!there && files.exists(qualified) && files.listStatus(qualified).length == 0) {
          files.delete(qualified, false);
        }
      }
      findings.add(files.exists(scratch) ? Finding.failed(WHAT, PLACE, "%s cannot be deleted", scratch)
          : Finding.ok(WHAT, "%s: folders are made and deleted", qualified));
      return findings;
    } catch (IOException e) {
      return List.of(Finding.failed(WHAT, PLACE, "%s cannot be used: %s", lake, e.getMessage()));
    }
  }

  private static List<Finding> tried(FileSystem files, Path scratch, Configuration configuration) throws IOException {
    List<Finding> findings = new ArrayList<>();
    Path first = new Path(scratch, "first");
    write(files, first);
    long skew = Math.abs(files.getFileStatus(first).getModificationTime() - System.currentTimeMillis());
    findings.add(skew > SKEW_MILLIS ? Finding.warning("clock",
        "Set the clocks; Delta finds versions by time with them.",
        "the file system's and this machine's differ by %d s", skew / 1000)
        : Finding.ok("clock", "the file system's and this machine's differ by less than %d s", SKEW_MILLIS / 1000));
    findings.add(exclusive(files, first));
    Path second = new Path(scratch, "second");
    write(files, second);
    findings.add(renaming(first, second, configuration));
    Path moved = new Path(scratch, "moved");
    boolean renamed = files.rename(second, moved) && files.exists(moved) && !files.exists(second);
    findings.add(renamed ? Finding.ok(WHAT, "a file is renamed") : Finding.failed(WHAT,
        "Use a file system with rename, such as HDFS.", "a file that was renamed is not there under its new name"));
    List<String> names = Arrays.stream(files.listStatus(scratch)).map(s -> s.getPath().getName()).sorted().toList();
    findings.add(names.equals(List.of("first", "moved")) ? Finding.ok(WHAT, "a list shows what was just written")
        : Finding.failed(WHAT, "Use a file system whose lists are consistent.", "a list shows %s where first and moved"
            + " were written", names));
    findings.add(space(files.getStatus(scratch).getRemaining()));
    String scheme = files.getUri().getScheme();
    findings.add(switch (scheme) {
      case "file" -> Finding.ok("writers", "local files: one job at a time may write to this lake");
      case "s3", "s3a", "s3n" -> Finding.warning("writers",
          "Set spark.delta.logStore.s3a.impl=io.delta.storage.S3DynamoDBLogStore, or let one job write at a time.",
          "%s: nothing keeps two jobs from writing the same version", scheme);
      default -> Finding.ok("writers", "%s", scheme);
    });
    return findings;
  }

  private static Finding exclusive(FileSystem files, Path there) throws IOException {
    try {
      files.create(there, false).close();
      return Finding.failed(WHAT, "Let one job at a time write to this lake, and use another file system.",
          "a file that is there can be created again");
    } catch (FileAlreadyExistsException e) {
      return Finding.ok(WHAT, "a file that is there is not created again");
    }
  }

  /** With the call that Delta commits by on file systems that have it. */
  private static Finding renaming(Path from, Path to, Configuration configuration) throws IOException {
    try {
      FileContext.getFileContext(from.toUri(), configuration).rename(from, to, Rename.NONE);
      return Finding.failed(WHAT, "Let one job at a time write to this lake, and use another file system.",
          "a rename replaces a file that is there");
    } catch (FileAlreadyExistsException e) {
      return Finding.ok(WHAT, "a rename does not replace a file that is there");
    } catch (UnsupportedFileSystemException e) {
      return Finding.warning(WHAT, "Look up which log store Delta has for it.",
          "no rename that refuses to replace: %s", e.getMessage());
    }
  }

  static Finding space(long bytes) {
    String found = bytes >= 1L << 50 ? "no limit is told" : String.format("%d GiB are free", bytes / GIBIBYTE);
    String more = "Make room: every iteration keeps a policy and its optimizer's state.";
    return bytes < GIBIBYTE ? Finding.failed("disk", more, found)
        : bytes < 10 * GIBIBYTE ? Finding.warning("disk", more, found) : Finding.ok("disk", found);
  }

  private static void write(FileSystem files, Path path) throws IOException {
    try (OutputStream out = files.create(path, false)) {
      out.write("doctor\n".getBytes(StandardCharsets.UTF_8));
    }
  }
}
