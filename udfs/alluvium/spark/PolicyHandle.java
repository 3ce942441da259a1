package alluvium.spark;

import alluvium.policies.Checkpoint;
import alluvium.policies.Policy;
import alluvium.policies.Processor;
import alluvium.policies.Tensors;
import alluvium.policies.Tokenizer;
import alluvium.tables.DataException;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Function;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Row;

/**
 * Where a policy version lies. Travels to executors, which load each version once per JVM, and per GPU where tasks have
 * some.
 *
 * @param version digest of the folder's files
 * @param uri Hadoop path of the folder
 * @param files file name to SHA-256, verified at load
 * @param threads native threads that one task may use
 */
public record PolicyHandle(String version, String uri, Map<String, String> files, int threads)
    implements Serializable {
  private static final Residents<Policy> POLICIES = new Residents<>(2);
  private static final Residents<Tokenizer> TOKENIZERS = new Residents<>(2);

  /** Calls a function with the loaded policy; the thread is prepared for native work. */
  public <R> R with(Function<Policy, R> use) {
    Policy.enter(threads);
    Processor processor = GpuStages.ofTask();
    return POLICIES.with(version + processor.suffix(), () -> {
      Checkpoint checkpoint = Checkpoint.read(folder());
      return new Policy(checkpoint.config(), checkpoint.weights(), processor);
    }, use);
  }

  /**
   * Calls a function with a policy of this version's architecture and other weights.
   *
   * @param key names the weights; equal keys, equal weights
   */
  <R> R with(String key, Broadcast<Tensors> weights, Function<Policy, R> use) {
    Policy.enter(threads);
    Processor processor = GpuStages.ofTask();
    return POLICIES.with(key + processor.suffix(),
        () -> new Policy(Checkpoint.config(folder()), weights.value(), processor), use);
  }

  /** Calls a function with the tokenizer of the policy's folder. */
  public <R> R withTokenizer(Function<Tokenizer, R> use) {
    return TOKENIZERS.with(version, () -> Tokenizer.load(folder()), use);
  }

  /** Tokens of a task's prompt: a row of the table of prompts. */
  public int promptTokens(Row prompt) {
    return withTokenizer(tokenizer -> Prompting.ids(prompt, tokenizer).length);
  }

  /** The folder on this machine's file system, its files verified. */
  public Path folder() {
    if (!Checkpoint.version(files).equals(version)) {
      throw new DataException("policies: the digests of version %s are those of %s. The row was changed: restore it, "
          + "or "
          + "go back to another version.", version, Checkpoint.version(files));
    }
    return PolicyFolders.localCopy(uri, files);
  }

  static long loads() {
    return POLICIES.loads();
  }
}
