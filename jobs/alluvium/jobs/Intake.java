package alluvium.jobs;

import static alluvium.tables.RecipeException.require;

import alluvium.prompts.TaskFormat;
import java.io.Serializable;
import java.nio.file.Path;

/**
 * How a source becomes tasks.
 *
 * @param format reads tasks out of rows
 * @param heldOut tasks put aside for evaluation, those with the smallest keyed hashes; 0 keeps the source's own splits
 */
public record Intake(TaskFormat format, int heldOut) implements Serializable {
  public Intake {
    require(heldOut >= 0, "heldOut must be >= 0, got %s", heldOut);
  }

  /** The intake of a YAML file, such as conf/sources/gsm8k.yaml. */
  public static Intake read(Path file) {
    return Binding.bind(Intake.class, StrictYaml.text(file), file.toString());
  }

  /** SHA-256 of the canonical spelling. */
  String digest() {
    return Canonical.digest(this);
  }
}
