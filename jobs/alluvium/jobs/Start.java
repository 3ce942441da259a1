package alluvium.jobs;

import alluvium.policies.Checkpoint;
import alluvium.policies.PolicyConfig;
import alluvium.policies.Tokenizer;
import alluvium.policies.Vocabulary;
import alluvium.tables.Prompts;
import alluvium.tables.RecipeException;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;

/** What a run's first policy is made of. */
sealed interface Start permits Start.Folder, Start.Scratch {
  /** The policy; prompts are the training tasks, whose text a vocabulary may be learned from. */
  Checkpoint checkpoint(Dataset<Row> prompts, long seed);

  /** What the policy depends on besides the prompts and the seed, by name. */
  Map<String, String> identity();

  /** A Hugging Face folder. */
  record Folder(Path folder) implements Start {
    @Override
    public Checkpoint checkpoint(Dataset<Row> prompts, long seed) {
      return Checkpoint.read(folder);
    }

    @Override
    public Map<String, String> identity() {
      return Checkpoint.digests(folder);
    }
  }

  /**
   * A policy of the Qwen2 architecture with random weights.
   *
   * @param layers decoder layers
   * @param hidden width
   * @param heads query heads
   * @param kvHeads key and value heads
   * @param intermediate width of the gated layer
   * @param maxPositions context in tokens
   * @param vocabulary learned from the texts and solutions of the training tasks
   */
  record Scratch(int layers, int hidden, int heads, int kvHeads, int intermediate, int maxPositions,
      Vocabulary vocabulary) implements Start, Serializable {

    static Scratch read(String path) {
      return Binding.bind(Scratch.class, StrictYaml.text(Path.of(path)), path);
    }

    @Override
    public Map<String, String> identity() {
      return Map.of("scratch", Canonical.text(this).strip().replace("\n", ", "));
    }

    @Override
    public Checkpoint checkpoint(Dataset<Row> prompts, long seed) {
      List<String> texts = new ArrayList<>();
      for (var column : List.of(Prompts.TEXT, Prompts.SOLUTION)) {
        texts.addAll(prompts.filter(column.col().isNotNull()).select(column.col()).as(Encoders.STRING())
            .collectAsList());
      }
      texts.sort(Comparator.naturalOrder());
      Map<String, byte[]> files = vocabulary.files(texts);
      try (Tokenizer tokenizer = Tokenizer.of(files)) {
        int eos = tokenizer.id(Vocabulary.EOS).orElseThrow();
        int pad = tokenizer.id(Vocabulary.PAD).orElseThrow();
        return Checkpoint.random(PolicyConfig.qwen2(layers, hidden, heads, kvHeads, intermediate, tokenizer.size(),
            maxPositions, true, eos, pad), files, seed);
      }
    }
  }

  /** What a command line names: exactly one of the two. */
  static Start of(Optional<Path> folder, Optional<String> scratch) {
    if (folder.isPresent() == scratch.isPresent()) {
      throw new RecipeException("name exactly one of --policy, a Hugging Face folder, and --scratch, the description"
          + " of a policy to make");
    }
    folder.ifPresent(Checkpoint::config);
    return folder.isPresent() ? new Folder(folder.get()) : Scratch.read(scratch.get());
  }
}
