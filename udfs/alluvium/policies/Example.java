package alluvium.policies;

import java.io.Serializable;

/**
 * One completion as an update sees it. All arrays but the prompt have one element per completion token.
 *
 * @param key names the row in errors
 * @param prompt ids the completion is conditioned on, at least one
 * @param completion ids
 * @param oldLogp natural logs under the policy that the update starts from
 * @param reference natural logs under the reference policy; empty without one
 * @param advantages credit of each token
 * @param weights 0 for tokens that do not count in the loss, else their weight
 */
public record Example(String key, int[] prompt, int[] completion, float[] oldLogp, float[] reference,
    float[] advantages, float[] weights) implements Serializable {

  /** Tokens that count. */
  public int counted() {
    int counted = 0;
    for (float weight : weights) {
      counted += weight != 0 ? 1 : 0;
    }
    return counted;
  }
}
