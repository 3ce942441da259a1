package alluvium.rewards;

import java.io.Serializable;
import java.util.OptionalDouble;

/**
 * What a run makes of rewards that fail: how long a call may take, what a completion trains with where a call failed,
 * and how many failures stop the run. A failed call is a row of the table of rewards with its true status and without
 * a value, whatever is chosen here. {@link Status#failure} says which statuses count for the stop; every status but
 * OK leaves a completion without that reward.
 */
public interface OnError extends Serializable {
  /** Wall seconds that one call may take, > 0; a reward that is {@link Bounded} is not watched. */
  double timeoutSeconds();

  /** Fewest completions of a group with all their rewards for the group to train; 0 where every group does. */
  int leastOk();

  /** Largest share of failures among a reward's calls in a wave that the run goes on with, 0 to 1. */
  double maxErrorShare();

  /** The number that stands for a failed reward; empty where the completion is to train on none. */
  OptionalDouble substitute();
}
