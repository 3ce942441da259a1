package alluvium.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;

/**
 * Hadoop's local file system with its checksums, without the processes that it starts where Hadoop's native library is
 * missing: a chmod for each file and folder that it makes, two readlinks for each file that it renames, an ls for each
 * one that it lists with its place. A commit to a table waited for twenty of them.
 */
public final class LocalFiles extends LocalFileSystem {
  public LocalFiles() {
    super(new Raw());
  }

  /** The same without checksums. */
  public static class Raw extends RawLocalFileSystem {
    private static final boolean POSIX = FileSystems.getDefault().supportedFileAttributeViews().contains("posix");

    @Override
    public void setPermission(Path path, FsPermission permission) throws IOException {
      if (!POSIX || permission.getStickyBit()) {
        super.setPermission(path, permission);
      } else {
        Files.setPosixFilePermissions(pathToFile(path).toPath(),
            PosixFilePermissions.fromString(permission.toString()));
      }
    }

    @Override
    public FileStatus getFileStatus(Path path) throws IOException {
      FileStatus status = super.getFileStatus(path);
      return POSIX ? new Status(status, pathToFile(path).toPath()) : status;
    }

    @Override
    public FileStatus getFileLinkStatus(Path path) throws IOException {
      return Files.isSymbolicLink(pathToFile(path).toPath()) ? super.getFileLinkStatus(path) : getFileStatus(path);
    }
  }

  /** Looks up who owns a file, and what is allowed, when it is asked. */
  private static final class Status extends FileStatus {
    private static final long serialVersionUID = 1L;

    private final String file;

    Status(FileStatus known, java.nio.file.Path file) {
      super(known.getLen(), known.isDirectory(), known.getReplication(), known.getBlockSize(),
          known.getModificationTime(), known.getAccessTime(), FsPermission.getDefault(), "", "", known.getPath());
      this.file = file.toString();
    }

    @Override
    public FsPermission getPermission() {
      return FsPermission.valueOf("-" + PosixFilePermissions.toString(attributes().permissions()));
    }

    @Override
    public String getOwner() {
      return attributes().owner().getName();
    }

    @Override
    public String getGroup() {
      return attributes().group().getName();
    }

    private PosixFileAttributes attributes() {
      try {
        return Files.readAttributes(java.nio.file.Path.of(file), PosixFileAttributes.class);
      } catch (IOException e) {
        throw new UncheckedIOException(file + " cannot be looked at", e);
      }
    }
  }
}
