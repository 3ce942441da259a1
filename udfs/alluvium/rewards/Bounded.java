package alluvium.rewards;

/**
 * A reward whose every call ends by itself, after work that the length of its input or a count of steps bounds. It is
 * called on the task's own thread, without a limit of wall time; a reward that cannot promise this leaves the
 * interface off.
 */
public interface Bounded extends CompletionReward {}
