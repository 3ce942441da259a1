package alluvium.jobs;

import alluvium.normalizers.Normalizer;
import alluvium.objectives.Objective;
import alluvium.optimizers.Batches;
import alluvium.optimizers.Optimizer;
import java.io.Serializable;
import java.nio.file.Path;

/**
 * A method of training on given answers. Every token of an answer counts; a step sees examples, not groups.
 *
 * @param objective loss per token of the answer
 * @param normalizer how token losses become one number
 * @param optimizer turns a gradient into new weights
 * @param steps how many optimizer steps, and over how many examples each
 */
public record SupervisedRecipe(Objective objective, Normalizer normalizer, Optimizer optimizer, Batches steps)
    implements Serializable {

  /** The recipe of a YAML file; whatever is wrong with it is in one {@link alluvium.tables.RecipeException}. */
  public static SupervisedRecipe read(Path file) {
    return parse(StrictYaml.text(file), file.toString());
  }

  /** The recipe of a YAML text; place is what errors call it. */
  public static SupervisedRecipe parse(String yaml, String place) {
    return Binding.bind(SupervisedRecipe.class, yaml, place);
  }

  /** The one spelling of this recipe, as YAML without comments; parsed, it is this recipe again. */
  public String canonical() {
    return Canonical.text(this);
  }

  /** SHA-256 of the canonical spelling: what a file's comments, order and spelling of numbers do not change. */
  public String digest() {
    return Canonical.digest(this);
  }
}
