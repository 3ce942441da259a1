package alluvium.policies;

/**
 * One sampled completion.
 *
 * @param tokens ids, the one that ended it included, no padding
 * @param logp natural log at the sampling temperature before truncation, one per token
 * @param entropies nats of the policy's distribution at the sampling temperature, one per token
 * @param stopped false where it ended because it reached the token limit
 */
public record Completion(int[] tokens, float[] logp, float[] entropies, boolean stopped) {}
