package alluvium.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.util.EnumSet;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.CreateFlag;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.junit.jupiter.api.Test;

/** What Hadoop's own local file system does, without its processes. */
class LocalFilesTest {
  private final java.nio.file.Path folder = TestSession.newFolder();
  private final LocalFiles ours = new LocalFiles();
  private final LocalFileSystem hadoops = new LocalFileSystem();

  LocalFilesTest() throws IOException {
    for (FileSystem each : new FileSystem[] {ours, hadoops}) {
      each.initialize(folder.toUri(), new Configuration(false));
    }
  }

  private Path at(String name) {
    return new Path(folder.resolve(name).toString());
  }

  private static void write(FileSystem files, Path path) throws IOException {
    try (var out = files.create(path)) {
      out.write(new byte[] {1, 2, 3});
    }
  }

  @Test
  void filesAndFoldersHaveThePermissionsThatHadoopGivesThem() throws IOException {
    write(ours, at("ours"));
    write(hadoops, at("hadoops"));
    ours.mkdirs(at("a/b"), new FsPermission("750"));
    hadoops.mkdirs(at("c/d"), new FsPermission("750"));
    Map.of("ours", "hadoops", ".ours.crc", ".hadoops.crc", "a", "c", "a/b", "c/d").forEach((our, hadoops) ->
        assertThat(folder.resolve(our)).satisfies(file -> assertThat(Files.getPosixFilePermissions(file))
            .isEqualTo(Files.getPosixFilePermissions(folder.resolve(hadoops)))));
    for (String bits : new String[] {"600", "444", "777", "1755"}) {
      ours.setPermission(at("a"), new FsPermission(bits));
      hadoops.setPermission(at("c"), new FsPermission(bits));
      assertThat(Files.getAttribute(folder.resolve("a"), "unix:mode")).as(bits)
          .isEqualTo(Files.getAttribute(folder.resolve("c"), "unix:mode"));
    }
    assertThatThrownBy(() -> ours.setPermission(at("nothing"), new FsPermission("600")))
        .isInstanceOf(IOException.class);
  }

  @Test
  void filesAreToldAsHadoopTellsThem() throws IOException {
    write(ours, at("ours"));
    ours.setPermission(at("ours"), new FsPermission("640"));
    ours.mkdirs(at("folder"));
    Files.createSymbolicLink(folder.resolve("link"), folder.resolve("ours"));
    Files.createSymbolicLink(folder.resolve("dangling"), folder.resolve("nothing"));
    for (String name : new String[] {"ours", "folder", "link"}) {
      assertSame(ours.getFileStatus(at(name)), hadoops.getFileStatus(at(name)));
      assertSame(ours.getFileLinkStatus(at(name)), hadoops.getFileLinkStatus(at(name)));
    }
    assertSame(ours.getFileLinkStatus(at("dangling")), hadoops.getFileLinkStatus(at("dangling")));
    for (String name : new String[] {"nothing", "dangling"}) {
      assertThatThrownBy(() -> ours.getFileStatus(at(name))).isInstanceOf(FileNotFoundException.class);
    }
    assertThatThrownBy(() -> ours.getFileLinkStatus(at("nothing"))).isInstanceOf(FileNotFoundException.class);
    FileStatus[] listed = ours.listStatus(at("."));
    assertThat(listed).containsExactlyInAnyOrder(hadoops.listStatus(at(".")));
    assertThat(ours.listFiles(at("ours"), false).next().getPermission()).isEqualTo(new FsPermission("640"));
  }

  private static void assertSame(FileStatus found, FileStatus expected) {
    assertThat(found).isEqualTo(expected);    // by path
    assertThat(found.getLen()).isEqualTo(expected.getLen());
    assertThat(found.isDirectory()).isEqualTo(expected.isDirectory());
    assertThat(found.isSymlink()).isEqualTo(expected.isSymlink());
    assertThat(found.getModificationTime()).isEqualTo(expected.getModificationTime());
    assertThat(found.getBlockSize()).isEqualTo(expected.getBlockSize());
    assertThat(found.getPermission()).isEqualTo(expected.getPermission());
    assertThat(found.getOwner()).isEqualTo(expected.getOwner());
    assertThat(found.getGroup()).isEqualTo(expected.getGroup());
  }

  @Test
  void theSessionsFilesAreThese() throws IOException {
    Configuration conf = TestSession.spark().sessionState().newHadoopConf();
    assertThat(FileSystem.get(folder.toUri(), conf)).isInstanceOf(LocalFiles.class);
    FileContext context = FileContext.getFileContext(folder.toUri(), conf);
    assertThat(context.getDefaultFileSystem()).isInstanceOf(LocalFs.class);
    for (String name : new String[] {"first", "second"}) {
      context.create(at(name), EnumSet.of(CreateFlag.CREATE)).close();
    }
    assertThatThrownBy(() -> context.rename(at("first"), at("second"), Options.Rename.NONE))
        .isInstanceOf(FileAlreadyExistsException.class);    // as a commit needs it
    context.rename(at("first"), at("third"), Options.Rename.NONE);
    assertThat(folder.resolve("third")).exists();
    assertThat(folder.resolve(".third.crc")).exists();
    assertThat(folder.resolve("first")).doesNotExist();
  }
}
