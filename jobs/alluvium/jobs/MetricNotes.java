package alluvium.jobs;

import java.util.List;
import java.util.Optional;

/** What each metric means, in one place. A metric that is not listed is still drawn, under its own id. */
public final class MetricNotes {
  /**
   * One metric.
   *
   * @param id its name in the table metrics
   * @param title for people
   * @param formula how it is computed; i runs over completions, t over the completion tokens that the policy wrote
   * @param meaning what it tells
   * @param unit of the value
   * @param normal what a healthy run shows, and what a departure points to
   */
  public record Note(String id, String title, String formula, String meaning, String unit, String normal) {}

  public static final List<Note> ALL = List.of(
      new Note("reward_mean", "Mean reward", "(1/N) Σᵢ rᵢ over the N completions whose rewards all succeeded",
          "What the policy is trained to raise, on the prompts of this iteration.", "reward",
          "Rises, fast at first, with noise from one set of prompts to the next. Flat from the start: rewards too rare "
              + "or the learning rate too low. Rising while held-out accuracy falls: the reward is being gamed."),
      new Note("reward_std", "Spread of rewards", "√( Σᵢ (rᵢ − mean)² / (N − 1) )",
          "How much rewards differ. Without differences inside groups nothing is learnt.", "reward",
          "For 0/1 rewards largest, 0.5, where half the answers are right; towards 0 as a task is solved or given up."),
      new Note("accuracy", "Accuracy in training", "(1/N) Σᵢ [completion i is right]",
          "Share of sampled completions that the verifier accepts, on training prompts at the sampling temperature.",
          "share", "Rises with the mean reward. Compare policies by the evaluations, which ask the same prompts."),
      new Note("entropy", "Entropy", "(1/T) Σₜ −Σᵥ p(v) ln p(v)",
          "How undecided the policy is about its next token, in nats; what is left to explore.", "nats",
          "Falls slowly. A plunge to near 0 in few iterations is a collapse: completions become alike and learning "
              + "stops. A steady rise means that the policy dissolves into noise."),
      new Note("kl_reference", "Reference divergence",
          "(1/T) Σₜ k(ln p(yₜ) − ln p_ref(yₜ)), with k the recipe's estimator of KL(p ‖ p_ref)",
          "How far the policy has moved from the reference policy, in nats per token.", "nats",
          "Starts at 0 and grows slowly, commonly below 0.1 with a penalty and below 1 without. A jump marks an update "
              + "that went too far."),
      new Note("logp_mismatch", "Sampler mismatch", "maxₜ | ln p_trainer(yₜ) − ln p_sampler(yₜ) |",
          "Largest difference between the sampler's and the trainer's log-probability for the same weights. It makes "
              + "the gradient off-policy unawares.", "nats",
          "Below 1e-4 in float32, below 0.1 in bfloat16. More points to different weights, templates or temperatures."),
      new Note("ratio_mean", "Mean importance ratio", "(1/T) Σₜ exp( ln p(yₜ) − ln p_old(yₜ) )",
          "How far the optimizer steps of one iteration move the policy from the one that sampled.", "none",
          "Within 0.05 of 1; exactly 1 where every batch is used for a single step."),
      new Note("kl_step", "Divergence of the steps", "(1/T) Σₜ exp(d) − d − 1,  d = ln p_old(yₜ) − ln p(yₜ)",
          "How far the policy has moved from the one that sampled, seen by the steps of one iteration.", "nats",
          "0 with one step per batch; 0.0001 to 0.05 with several. Jumps: the learning rate is too high."),
      new Note("waves", "Waves of prompts", "rounds of generation until enough groups train",
          "How often prompts had to be drawn to fill an update batch.", "count",
          "1 without dynamic sampling; with it, rising as prompts become too easy or stay too hard."),
      new Note("clip_fraction", "Clipped tokens", "(1/T) Σₜ [the clipped term is the smaller one]",
          "Share of tokens whose gradient the clip cuts off.", "share",
          "0 with one step per batch; 0.001 to 0.2 with several. Above 0.3: too many steps or too high a rate."),
      new Note("loss", "Loss", "Σ weight · term / Σ weight, as the recipe's objective and normalizer define them",
          "The value that is minimized. Its gradient matters, its level hardly does.", "objective",
          "Near 0 for policy gradients and no measure of progress; falling for supervised and pairwise training."),
      new Note("gradient_norm", "Gradient norm", "‖g‖₂ over all parameters, before clipping",
          "Length of the step that the data asks for.", "loss per weight",
          "Steady, within a factor of ten. Single spikes are what clipping is for; growth over many iterations comes "
              + "before divergence; 0 means that no group had a difference in rewards."),
      new Note("steps", "Optimizer steps", "number of mini-batches with at least one token that counts",
          "Steps taken in the iteration.", "steps",
          "Mini-batches times epochs. Less where too few groups train to fill them; 0 leaves the policy as it is."),
      new Note("learning_rate", "Learning rate", "the schedule's value at the last step of the iteration",
          "Scale of the optimizer's steps.", "none", "As the recipe says: a warm-up, then constant or decaying."),
      new Note("length_mean", "Mean length", "(1/N) Σᵢ |yᵢ|", "Tokens per completion, end of text included.",
          "tokens", "Settles at what the task needs. A steady rise without more accuracy: length is being rewarded."),
      new Note("length_max", "Longest completion", "maxᵢ |yᵢ|", "Tokens of the longest completion.", "tokens",
          "Below the limit on new tokens, or at the limit for a small share of completions."),
      new Note("truncated_share", "Truncated", "(1/N) Σᵢ [finish reason of i is length]",
          "Share of completions that met the limit on new tokens before they ended.", "share",
          "Below 0.1. More means that the limit, not the policy, decides rewards."),
      new Note("groups", "Groups", "number of groups", "Prompts with completions in this iteration.", "groups",
          "As the recipe asks for; less when prompts run out or groups are sampled until enough of them differ."),
      new Note("groups_all_equal", "Groups of equal rewards", "number of groups with maxᵢ rᵢ = minᵢ rᵢ",
          "Groups that teach nothing: all right, all wrong, or of one completion.", "groups",
          "Below half of the groups. Nearly all: prompts are too easy or too hard for this policy."),
      new Note("groups_dropped", "Groups dropped", "number of groups of which no completion trains",
          "Groups that selection or failed rewards left out of the update.", "groups",
          "The groups of equal rewards where the recipe filters these; otherwise 0."),
      new Note("groups_too_few_ok", "Groups with too few rewards",
          "number of groups with fewer completions of which all rewards are ok than onError.Drop.leastOk",
          "Groups that failed rewards left out of the update.", "groups",
          "0. Else see which rewards fail, and why."),
      new Note("rows_failed", "Failed rewards",
          "number of verdicts whose status is not ok; reward_failed.r: those of the reward r; reward_failed.r.s: "
              + "those of them with the status s",
          "Verdicts that could not be given. In the tables they are neither right nor wrong; onError says what their "
              + "completions train on.", "verdicts",
          "0, or few. Many: a verifier is broken, slow or does not understand the answers."),
      new Note("tokens_per_second", "Generation speed", "Σᵢ |yᵢ| / seconds of generation",
          "Tokens generated per second, all executors together.", "tokens/s",
          "Steady after the first iteration, which loads the model; falls as completions grow longer."),
      new Note("seconds_generate", "Seconds generating", "wall clock of the stage", "Sampling completions.", "s",
          "The largest part, half to nine tenths of an iteration."),
      new Note("seconds_score", "Seconds scoring", "wall clock of the stage", "Calling the reward functions.", "s",
          "Small for verifiers of text; large for code execution and reward models."),
      new Note("seconds_estimate", "Seconds estimating", "wall clock of the stage", "Turning rewards into advantages.",
          "s", "A second or less."),
      new Note("seconds_update", "Seconds updating", "wall clock of the stage", "Gradients and optimizer steps.", "s",
          "A tenth to a half of an iteration; grows with epochs over the batch."),
      new Note("seconds_commit", "Seconds committing", "wall clock of the commits",
          "Writing Delta tables and policy files.", "s",
          "A few tenths of a second for each stage, more where a table writes its checkpoint."),
      new Note("seconds_total", "Seconds in all", "wall clock of the iteration", "From the first stage to the last.",
          "s", "Steady, or following the length of completions."));

  private MetricNotes() {}

  public static Optional<Note> of(String id) {
    return ALL.stream().filter(n -> n.id().equals(id)).findFirst();
  }
}
