package alluvium.rewards;

import java.io.Serializable;
import java.util.Map;

/**
 * What a reward function sees of one completion.
 *
 * @param prompt the prompt as text (the last user turn's content where the task has messages)
 * @param completion decoded completion without special tokens
 * @param answer reference answer, empty where the task has none
 * @param length completion tokens, end-of-text included
 * @param truncated true where the completion ended because it reached the token limit
 * @param metadata the task's metadata
 */
public record Sample(String prompt, String completion, String answer, int length, boolean truncated,
    Map<String, String> metadata) implements Serializable {}
