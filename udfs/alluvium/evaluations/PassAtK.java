package alluvium.evaluations;

import static alluvium.tables.RecipeException.require;

/**
 * The chance that at least one of k completions is right, estimated without bias from n >= k of them.
 *
 * <pre>  pass@k = 1 - C(n - c, k) / C(n, k) = 1 - prod_{i = n - c + 1..n} (1 - k / i) </pre>
 *
 * n: completions of one prompt; c: right ones. c > n - k: 1. k = 1: c / n.
 *
 * @see <a href="https://arxiv.org/abs/2107.03374">Chen et al. 2021, Evaluating Large Language Models Trained on
 * Code</a>,
 *     section 2.1
 */
public final class PassAtK {
  private PassAtK() {}

  public static double estimate(int n, int c, int k) {
    require(0 <= c && c <= n && 1 <= k && k <= n, "pass@k needs 0 <= c <= n and 1 <= k <= n, got n %s, c %s, k %s", n,
        c,
        k);
    if (n - c < k) {
      return 1;
    }
    double none = 1;
    for (int i = n - c + 1; i <= n; i++) {
      none *= 1 - (double) k / i;
    }
    return 1 - none;
  }
}
