package alluvium.spark;

import alluvium.policies.CharacterVocabulary;
import alluvium.policies.Checkpoint;
import alluvium.policies.PolicyConfig;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Policies of two thousand weights that know the characters of short sums: fresh ones say anything. */
public final class TinyPolicies {
  public static final String CHARACTERS = "012+=";
  public static final int EOS = 1;
  public static final int CONTEXT = 24;
  private static final int SPECIAL = 3;    // padding, end, unknown

  private TinyPolicies() {}

  public static Checkpoint checkpoint(long seed) {
    PolicyConfig config = PolicyConfig.qwen2(1, 16, 2, 1, 32, CHARACTERS.length() + SPECIAL, CONTEXT, true, EOS, 0);
    return Checkpoint.random(config, CharacterVocabulary.train(List.of(CHARACTERS)), seed);
  }

  /** A new folder with the policy in it. */
  public static Path folder(Checkpoint checkpoint) {
    Path folder = TestSession.newFolder().resolve("policy");
    checkpoint.write(folder);
    return folder;
  }

  public static PolicyHandle handle(Checkpoint checkpoint) {
    Path folder = folder(checkpoint);
    Map<String, String> files = Checkpoint.digests(folder);
    return new PolicyHandle(Checkpoint.version(files), folder.toUri().toString(), files, 1);
  }
}
