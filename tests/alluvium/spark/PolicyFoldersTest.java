package alluvium.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.policies.Checkpoint;
import alluvium.tables.DataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class PolicyFoldersTest {
  // printf abc | sha256sum, printf {} | sha256sum
  private static final String ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  private static final Map<String, String> DIGESTS = Map.of("config.json", ABC, "tokenizer.json",
      "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");

  private final Path root = TestSession.newFolder();
  private final Lake lake = Lake.open(TestSession.spark(), root.resolve("lake").toString());

  @Test
  void publishedOnceAndReadBack() throws IOException {
    Path folder = folder();
    String uri = PolicyFolders.publish(lake, folder, "v1");
    assertThat(uri).isEqualTo("file:" + root.resolve("lake/_policy_files/v1"));
    assertThat(PolicyFolders.publish(lake, folder, "v1")).isEqualTo(uri);
    Path local = PolicyFolders.localCopy(uri, DIGESTS);
    assertThat(Files.readString(local.resolve("config.json"))).isEqualTo("abc");
    assertThat(names(root.resolve("lake/_policy_files"))).containsExactly("v1");
    assertThat(names(local)).filteredOn(n -> !n.endsWith(".crc")).containsExactly("config.json", "tokenizer.json");
  }

  @Test
  void whatACrashLeftIsCompleted() throws IOException {
    Path folder = folder();
    Path half = Files.createDirectories(root.resolve("lake/_policy_files/v2"));
    Files.writeString(half.resolve("config.json"), "a");
    PolicyFolders.publish(lake, folder, "v2");
    assertThat(Files.readString(half.resolve("config.json"))).isEqualTo("abc");
    assertThat(Files.readString(half.resolve("tokenizer.json"))).isEqualTo("{}");
    Files.writeString(half.resolve("more.json"), "x");
    assertThatThrownBy(() -> PolicyFolders.publish(lake, folder, "v2")).isInstanceOf(DataException.class)
        .hasMessageContaining("{config.json=3, more.json=1, tokenizer.json=2}, the policy has "
            + "{config.json=3, tokenizer.json=2}. Delete the folder");
  }

  @Test
  void otherBytesAreRefused() throws IOException {
    String uri = PolicyFolders.publish(lake, folder(), "v3");
    assertThatThrownBy(() -> PolicyFolders.localCopy(uri, Map.of("config.json", ABC.replace('b', 'c'),
        "tokenizer.json", DIGESTS.get("tokenizer.json"))))
        .isInstanceOf(DataException.class).hasMessageContaining("config.json");
    assertThatThrownBy(() -> PolicyFolders.publish(lake, root, "../v3")).isInstanceOf(DataException.class)
        .hasMessage("'../v3' cannot name a policy's folder: letters, digits, dots and dashes only");
  }

  @Test
  void whatChangesBetweenTwoUsesIsNoticed() throws IOException {
    String uri = PolicyFolders.publish(lake, folder(), "v4");
    Path local = PolicyFolders.localCopy(uri, DIGESTS);
    assertThat(PolicyFolders.localCopy(uri, DIGESTS)).isEqualTo(local);
    Files.writeString(local.resolve("config.json"), "abd");      // as long as before
    // printf abd | sha256sum
    assertThatThrownBy(() -> PolicyFolders.localCopy(uri, DIGESTS)).isInstanceOf(DataException.class)
        .hasMessage(local + ": config.json is a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9, "
            + "should be "
            + ABC + "; fetch the policy again or go back to another version.");
    Files.writeString(local.resolve("config.json"), "abc");
    assertThat(PolicyFolders.localCopy(uri, DIGESTS)).isEqualTo(local);
    Map<String, String> others = Map.of("config.json", ABC);
    assertThatThrownBy(() -> PolicyFolders.localCopy(uri, others)).isInstanceOf(DataException.class)
        .hasMessageContaining("tokenizer.json is").hasMessageContaining("should be no such file");
    assertThatThrownBy(() -> PolicyFolders.localCopy(uri, Map.of())).isInstanceOf(DataException.class)
        .hasMessage(uri + ": no digests were recorded to verify its files by. Publish the policy again");
  }

  @Test
  void whatLiesLongEnoughIsReadOnceAndAgainWhenItChanges() throws Exception {
    String uri = PolicyFolders.publish(lake, folder(), "v5");
    Path file = PolicyFolders.localCopy(uri, DIGESTS).resolve("config.json");
    FileTime old = FileTime.from(Instant.now().minusSeconds(3600));
    Files.setLastModifiedTime(file, old);
    Thread.sleep(2500);       // files that were changed in the last two seconds are read every time
    PolicyFolders.localCopy(uri, DIGESTS);
    Files.writeString(file, "abd");
    Files.setLastModifiedTime(file, old);
    assertThatThrownBy(() -> PolicyFolders.localCopy(uri, DIGESTS)).isInstanceOf(DataException.class)
        .hasMessageContaining("config.json");
  }

  @Test
  void aFolderNamedAfterItsFiles() throws IOException {
    Path folder = folder();
    String version = Checkpoint.version(DIGESTS);
    String uri = PolicyFolders.publish(lake, folder, "optimizer-" + version);
    Path local = PolicyFolders.localCopy(uri);
    assertThat(Files.readString(local.resolve("config.json"))).isEqualTo("abc");
    Files.writeString(local.resolve("tokenizer.json"), "[]");
    String other = Checkpoint.version(Checkpoint.digests(local));
    assertThatThrownBy(() -> PolicyFolders.localCopy(uri)).isInstanceOf(DataException.class)
        .hasMessage(uri + ": the files' digest is " + other + ", the name says " + version + ". Restore the folder, "
            + "or go "
            + "back to an iteration before it");
    String plain = PolicyFolders.publish(lake, folder, "optimizer");
    assertThatThrownBy(() -> PolicyFolders.localCopy(plain)).isInstanceOf(DataException.class)
        .hasMessage(plain + ": the name does not end with the digest of the folder's files, 16 hexadecimal digits. "
            + "Restore the name that it was written under");
  }

  @Test
  void aHandleWhoseDigestsAreNotItsVersions() {
    PolicyHandle handle = TinyPolicies.handle(TinyPolicies.checkpoint(1));
    assertThat(handle.folder()).isDirectory();
    PolicyHandle other = new PolicyHandle("0123456789abcdef", handle.uri(), handle.files(), 1);
    assertThatThrownBy(other::folder).isInstanceOf(DataException.class)
        .hasMessage("policies: the digests of version 0123456789abcdef are those of " + handle.version() + ". The "
            + "row was "
            + "changed: restore it, or go back to another version.");
  }

  private Path folder() throws IOException {
    Path folder = Files.createDirectories(root.resolve("policy"));
    Files.writeString(folder.resolve("config.json"), "abc");
    Files.writeString(folder.resolve("tokenizer.json"), "{}");
    return folder;
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.map(p -> p.getFileName().toString()).sorted().toList();
    }
  }
}
