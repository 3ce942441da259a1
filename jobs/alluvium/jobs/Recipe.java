package alluvium.jobs;

import static alluvium.tables.RecipeException.require;

import alluvium.advantages.AdvantageEstimator;
import alluvium.normalizers.Normalizer;
import alluvium.objectives.Objective;
import alluvium.optimizers.Optimizer;
import alluvium.optimizers.Steps;
import alluvium.prompts.PromptChoice;
import alluvium.references.Reference;
import alluvium.regularizers.Regularizer;
import alluvium.regularizers.Regularizer.Needs;
import alluvium.rewards.Aggregation;
import alluvium.rewards.OnError;
import alluvium.rewards.ReferenceReward;
import alluvium.rewards.Reward;
import alluvium.rollouts.Sampling;
import alluvium.selections.GroupSelection;
import alluvium.selections.Selection;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * A method of post-training from rewards: one choice per slot. All that changes the result of a run is in here, the
 * starting policy, the prompts and the seed apart; nothing in here knows of machines.
 *
 * @param prompts which prompts an iteration draws, and how many completions of each
 * @param rollouts how completions are sampled
 * @param rewards reward functions by name, at least one, in the order of the names
 * @param onError what becomes of rewards that fail or take too long, and when the run stops for them
 * @param aggregation makes one number of the rewards of a completion
 * @param selection which groups train
 * @param advantage turns rewards into credit
 * @param objective loss per token
 * @param normalizer how token losses become one number
 * @param regularizers penalties per token, possibly none
 * @param reference the policy that penalties compare with
 * @param optimizer turns a gradient into new weights
 * @param steps how an update batch is cut into optimizer steps
 */
public record Recipe(PromptChoice prompts, Sampling rollouts, Map<String, Reward> rewards, OnError onError,
    Aggregation aggregation, Selection selection, AdvantageEstimator advantage, Objective objective,
    Normalizer normalizer, List<Regularizer> regularizers, Reference reference, Optimizer optimizer, Steps steps)
    implements Serializable {
  private static final Set<Needs> OF_REFERENCE = EnumSet.of(Needs.REFERENCE, Needs.FULL_REFERENCE);

  public Recipe {
    rewards = Collections.unmodifiableMap(new TreeMap<>(rewards));
    regularizers = List.copyOf(regularizers);
    require(!rewards.isEmpty(), "rewards must name at least one reward, got {}. Write name: {Class: {...}}.");
    aggregation.check(rewards.keySet());
    require(onError.leastOk() <= prompts.samples(), "onError.%s.leastOk is %s, but prompts.%s.samples is %s: no group"
        + " would train", name(onError), onError.leastOk(), name(prompts), prompts.samples());
    if (selection instanceof GroupSelection judged) {
      require(rewards.containsKey(judged.metric()), "selection.%s.metric is %s, but the recipe's rewards are %s",
          name(selection), judged.metric(), rewards.keySet());
      require(!(rewards.get(judged.metric()) instanceof ReferenceReward), "selection.%s.metric is %s, a reward of "
          + "tokens. Name a reward of the completion.", name(selection), judged.metric());
    }
    for (Regularizer regularizer : regularizers) {
      require(reference.iteration(0) >= 0 || !OF_REFERENCE.contains(regularizer.needs()),
          "regularizers: %s compares with a reference policy, but reference is %s. Name one that is a policy.",
          name(regularizer), name(reference));
    }
    rewards.forEach((name, reward) -> require(reference.iteration(0) >= 0 || !(reward instanceof ReferenceReward),
        "rewards.%s: %s compares with a reference policy, but reference is %s. Name one that is a policy.", name,
        name(reward), name(reference)));
  }

  /** The recipe of a YAML file; whatever is wrong with it is in one {@link alluvium.tables.RecipeException}. */
  public static Recipe read(Path file) {
    return parse(StrictYaml.text(file), file.toString());
  }

  /** The recipe of a YAML text; place is what errors call it. */
  public static Recipe parse(String yaml, String place) {
    return Binding.bind(Recipe.class, yaml, place);
  }

  /** The one spelling of this recipe, as YAML without comments; parsed, it is this recipe again. */
  public String canonical() {
    return Canonical.text(this);
  }

  /** SHA-256 of the canonical spelling: what a file's comments, order and spelling of numbers do not change. */
  public String digest() {
    return Canonical.digest(this);
  }

  private static String name(Object choice) {
    return choice.getClass().getSimpleName();
  }
}
