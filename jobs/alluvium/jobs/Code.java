package alluvium.jobs;

import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * The version of the product that is written beside everything it makes: its release, and a digest of its own classes
 * and programs, so that two builds of one release are told apart. Folder and jar of the same classes have the same.
 */
final class Code {
  private static final String RELEASE = "0.1.0";
  private static final String OWN = "alluvium/";
  private static final String SHADED = "alluvium/shaded/";
  private static final int DIGITS = 12;

  static final String VERSION = version();

  private Code() {}

  private static String version() {
    CodeSource source = Code.class.getProtectionDomain().getCodeSource();
    if (source == null || source.getLocation() == null) {
      return RELEASE;
    }
    try {
      Path place = Path.of(source.getLocation().toURI());
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      if (Files.isDirectory(place)) {
        addFolder(sha, place);
      } else {
        addJar(sha, place);
      }
      return RELEASE + "+" + HexFormat.of().formatHex(sha.digest()).substring(0, DIGITS);
    } catch (IOException | URISyntaxException | RuntimeException e) {
      return RELEASE;    // classes that come from nowhere a file system knows, such as a notebook's
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }

  private static void addFolder(MessageDigest sha, Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder.resolve(OWN))) {
      List<Path> files = all.filter(Files::isRegularFile).sorted().toList();
      for (Path file : files) {
        add(sha, folder.relativize(file).toString().replace('\\', '/'), Files.readAllBytes(file));
      }
    }
  }

  private static void addJar(MessageDigest sha, Path jar) throws IOException {
    try (ZipFile zip = new ZipFile(jar.toFile())) {
      List<? extends ZipEntry> entries = zip.stream().filter(e -> !e.isDirectory() && e.getName().startsWith(OWN)
          && !e.getName().startsWith(SHADED)).sorted((a, b) -> a.getName().compareTo(b.getName())).toList();
      for (ZipEntry entry : entries) {
        try (InputStream in = zip.getInputStream(entry)) {
          add(sha, entry.getName(), in.readAllBytes());
        }
      }
    }
  }

  private static void add(MessageDigest sha, String name, byte[] bytes) {
    sha.update((name + "\n" + bytes.length + "\n").getBytes(StandardCharsets.UTF_8));
    sha.update(bytes);
  }
}
