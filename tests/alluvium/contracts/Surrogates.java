package alluvium.contracts;

import ai.djl.ndarray.NDArray;
import alluvium.objectives.Cispo;
import alluvium.objectives.ClipHigher;
import alluvium.objectives.Objective;
import alluvium.objectives.SequenceClip;
import alluvium.objectives.TruncatedImportance;
import alluvium.policies.TokenBatch;
import alluvium.regularizers.Detached;
import alluvium.regularizers.Direct;
import alluvium.regularizers.Kl;
import alluvium.regularizers.Regularizer;
import alluvium.regularizers.StraightThrough;

/**
 * The function whose plain derivative is the gradient of a class that stops gradients by design: what its doc puts in
 * sg[.] is taken at the frozen batch. Every other class is its own surrogate.
 */
public final class Surrogates {
  private Surrogates() {}

  public static NDArray of(Objective objective, TokenBatch frozen, TokenBatch live) {
    if (objective instanceof TruncatedImportance weighted) {
      return ratio(frozen).minimum(weighted.cap()).mul(live.advantage()).mul(live.logp()).neg();
    }
    if (objective instanceof Cispo weighted) {
      return ratio(frozen).clip(1 - weighted.low(), 1 + weighted.high()).mul(live.advantage()).mul(live.logp()).neg();
    }
    if (objective instanceof SequenceClip clip) {
      // per token a clipped ratio to a policy that is the frozen one, moved so that the frozen ratio is s everywhere
      NDArray lengths = frozen.mask().sum(new int[] {1}, true).maximum(1);
      NDArray logs = frozen.logp().sub(frozen.oldLogp()).mul(frozen.mask()).sum(new int[] {1}, true).div(lengths);
      TokenBatch moved = Rows.of(live.logp(), frozen.logp().sub(logs), live.advantage(), live.mask());
      return new ClipHigher(clip.low(), clip.high()).terms(moved);
    }
    return objective.terms(live);
  }

  public static NDArray of(Regularizer regularizer, TokenBatch live) {
    if (regularizer instanceof Kl kl && kl.gradient() instanceof Detached) {
      return live.logp().zerosLike();
    }
    if (regularizer instanceof Kl kl && kl.gradient() instanceof StraightThrough through) {
      return new Kl(kl.beta(), through.gradientOf(), new Direct()).terms(live);
    }
    return regularizer.terms(live);
  }

  private static NDArray ratio(TokenBatch batch) {
    return batch.logp().sub(batch.oldLogp()).clip(-20, 20).exp();
  }
}
