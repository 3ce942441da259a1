package alluvium.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;

/** One Spark session of two slots for all tests of a JVM, with a warehouse that goes when the JVM does. */
public final class TestSession {
  private static final Path FOLDER = folder();
  private static final SparkSession SPARK = LakeSession.open("tests", 2,
      Map.of("spark.sql.warehouse.dir", FOLDER.resolve("warehouse").toUri().toString()));

  private TestSession() {}

  public static SparkSession spark() {
    return SPARK;
  }

  /** A new folder, deleted at the end. */
  public static Path newFolder() {
    try {
      return Files.createTempDirectory(FOLDER, "test");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path folder() {
    try {
      Path folder = Files.createTempDirectory("alluvium-tests");
      Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(folder)));
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void delete(Path folder) {
    try (Stream<Path> all = Files.walk(folder)) {
      all.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
    } catch (IOException | UncheckedIOException e) {
      folder.toFile().deleteOnExit();   // files of a session that is still closing
    }
  }
}
