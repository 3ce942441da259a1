package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import alluvium.advantages.AdvantageEstimator;
import alluvium.advantages.BatchAdvantage;
import alluvium.advantages.GroupAdvantage;
import alluvium.advantages.Moments;
import alluvium.advantages.TokenAdvantage;
import alluvium.normalizers.Normalizer;
import alluvium.objectives.Objective;
import alluvium.policies.TokenBatch;
import alluvium.regularizers.Regularizer;
import alluvium.rewards.CompletionReward;
import alluvium.rewards.ReferenceReward;
import alluvium.rewards.Reward;
import alluvium.rewards.Sample;
import alluvium.rewards.Verdict;
import alluvium.selections.GroupSelection;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * Each recipe's records against its paper's numbers and one small batch worked by hand.
 *
 * <p>The batch: one prompt, four completions, right, right, wrong, wrong, of 1, 2, 1 and 2 tokens.
 * <pre>
 *   rho:   1.5 | 1, 0.5 | 0.5 | 1.5, 1        logp: -2 | -1, -1 | -1 | -1, -1
 *   ref/pi of the first token: 2, so k3 = 2 - 1 - ln 2 = 0.306853; of all others 1, so k3 = 0
 * </pre>
 */
class WorkedExamplesTest {
  private static final double ROOT = Math.sqrt(3) / 2;      // z-score of (1, 1, 0, 0): mean 1/2, std sqrt(1/3)
  private static final int[] LENGTHS = {1, 2, 1, 2};
  private static final double[][] RHO = {{1.5}, {1, .5}, {.5}, {1.5, 1}};
  private static final double[][] LOGP = {{-2}, {-1, -1}, {-1}, {-1, -1}};

  private static Recipe recipe(String name) {
    return Recipe.read(Path.of("conf", name + ".yaml"));
  }

  private static double[] group(AdvantageEstimator advantage, double... rewards) {
    return ((GroupAdvantage) advantage).advantages(rewards);
  }

  /** Aggregated reward of a completion with this text and length to a prompt whose answer is 42. */
  private static double reward(Recipe recipe, String completion, int length) {
    Map<String, Double> values = new TreeMap<>();
    for (Map.Entry<String, Reward> reward : recipe.rewards().entrySet()) {
      if (reward.getValue() instanceof CompletionReward judge) {
        Verdict verdict = judge.verdict(new Sample("6 * 7 = ?", completion, "42", length, false, Map.of()));
        values.put(reward.getKey(), verdict.value());
      } else {
        values.put(reward.getKey(), 0.0);
      }
    }
    return recipe.aggregation().aggregate(values);
  }

  /** Advantages per token of the batch. */
  private static double[][] advantages(Recipe recipe) {
    double right = reward(recipe, "42", 1);
    double wrong = reward(recipe, "41", 1);
    double[] rewards = {right, right, wrong, wrong};
    double[][] tokens = new double[4][];
    if (recipe.advantage() instanceof TokenAdvantage estimator) {
      Moments moments = Moments.NONE;
      for (int i = 0; i < 4; i++) {
        tokens[i] = estimator.credit(rewards[i], new double[LENGTHS[i]], rewards);
        for (double credit : tokens[i]) {
          moments = moments.plus(credit);
        }
      }
      for (int i = 0; i < 4; i++) {
        tokens[i] = estimator.advantages(tokens[i], moments);
      }
      return tokens;
    }
    double[] each = recipe.advantage() instanceof BatchAdvantage batch
        ? batch.advantages(rewards, Moments.of(rewards)) : group(recipe.advantage(), rewards);
    for (int i = 0; i < 4; i++) {
      tokens[i] = new double[LENGTHS[i]];
      Arrays.fill(tokens[i], each[i]);
    }
    return tokens;
  }

  private static double loss(Recipe recipe) {
    return loss(recipe.objective(), recipe.regularizers(), recipe.normalizer(), advantages(recipe));
  }

  private static double loss(Objective objective, List<Regularizer> regularizers, Normalizer normalizer,
      double[][] advantages) {
    float[] logp = new float[8];
    float[] old = new float[8];
    float[] credit = new float[8];
    float[] mask = new float[8];
    float[] reference = new float[8];
    for (int i = 0; i < 4; i++) {
      for (int t = 0; t < LENGTHS[i]; t++) {
        int at = 2 * i + t;
        logp[at] = (float) LOGP[i][t];
        old[at] = (float) (LOGP[i][t] - Math.log(RHO[i][t]));
        credit[at] = (float) advantages[i][t];
        mask[at] = 1;
        reference[at] = (float) (LOGP[i][t] + (at == 0 ? Math.log(2) : 0));
      }
    }
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      Shape shape = new Shape(4, 2);
      NDArray full = manager.zeros(new Shape(4, 2, 3));
      TokenBatch batch = new TokenBatch(manager.create(logp, shape), manager.create(old, shape),
          manager.create(credit, shape), manager.create(mask, shape), Optional.of(manager.create(reference, shape)),
          () -> full, Optional.of(() -> full));
      float[] terms = objective.terms(batch).toFloatArray();
      for (Regularizer regularizer : regularizers) {
        float[] more = regularizer.terms(batch).toFloatArray();
        for (int at = 0; at < terms.length; at++) {
          terms[at] += more[at];
        }
      }
      double sum = 0;
      double shares = 0;
      for (int i = 0; i < 4; i++) {
        shares += normalizer.share(LENGTHS[i]);
        for (int t = 0; t < LENGTHS[i]; t++) {
          sum += normalizer.weight(LENGTHS[i]) * terms[2 * i + t];
        }
      }
      return sum / shares;
    }
  }

  @Test
  void grpo() {
    Recipe grpo = recipe("grpo");
    assertArrayEquals(new double[] {ROOT, ROOT, -ROOT, -ROOT}, group(grpo.advantage(), 1, 1, 0, 0), 1e-5);
    assertArrayEquals(new double[] {1.5, -.5, -.5, -.5}, group(grpo.advantage(), 1, 0, 0, 0), 1e-5);
    // clip 0.2 on both sides: -1.2 | -1, -.5 | .8 | 1.5, 1 times a; own means: -1.2, -.75, .8, 1.25, their mean .025
    // and a quarter of 0.04 k3 = 0.04 x 0.306853 / 4
    assertThat(loss(grpo)).isCloseTo(.025 * ROOT + .00306853, within(1e-6));
  }

  @Test
  void drGrpo() {
    Recipe drGrpo = recipe("dr-grpo");
    assertArrayEquals(new double[] {.75, -.25, -.25, -.25}, group(drGrpo.advantage(), 1, 0, 0, 0), 1e-12);
    // A = 1/2; (-1.2 - 1.5 + .8 + 2.5) / 2 = .3, over 4 completions and 256 tokens, the limit of generation
    assertThat(loss(drGrpo)).isCloseTo(.3 / 4 / 256, within(1e-9));
    assertThat(drGrpo.normalizer().weight(7)).isEqualTo(1.0 / drGrpo.rollouts().maxTokens());
  }

  @Test
  void dapo() {
    Recipe dapo = recipe("dapo");
    assertThat(reward(dapo, "42", 16384)).isEqualTo(1);
    assertThat(reward(dapo, "41", 16384)).isEqualTo(-1);
    assertThat(reward(dapo, "42", 18432)).isEqualTo(.5);          // half of the last 4096 tokens: -1/2
    assertThat(reward(dapo, "42", 20480)).isEqualTo(0);
    assertThat(reward(dapo, "41", 20480)).isEqualTo(-2);
    GroupSelection selection = (GroupSelection) dapo.selection();
    assertThat(selection.keeps(new double[] {1, 1, -1, 1})).isTrue();
    assertThat(selection.keeps(new double[] {1, 1, 1, 1})).isFalse();
    assertThat(selection.keeps(new double[] {-1, -1, -1, -1})).isFalse();
    assertArrayEquals(new double[] {ROOT, ROOT, -ROOT, -ROOT}, group(dapo.advantage(), 1, 1, -1, -1), 1e-5);
    // upper bound 1.28: (-1.28 - 1.5 + .8 + 2.5) a over 6 tokens
    assertThat(loss(dapo)).isCloseTo(.52 * ROOT / 6, within(1e-6));
  }

  @Test
  void gspo() {
    // s = 1.5, sqrt(.5), .5, sqrt(1.5); bounds .9997 and 1.0004: -1.0004, -.707107, .9997, 1.224745 times a
    assertThat(loss(recipe("gspo"))).isCloseTo(
        (-1.0004 - Math.sqrt(.5) + .9997 + Math.sqrt(1.5)) / 4 * ROOT, within(1e-6));
  }

  @Test
  void cispo() {
    // -w A logp, w = 1.2 | 1, .5 | .5 | 1.2, 1: 2.4 + 1.5 - .5 - 2.2 = 1.2 times a over 6 tokens
    assertThat(loss(recipe("cispo"))).isCloseTo(1.2 * ROOT / 6, within(1e-6));
    assertThat(reward(recipe("cispo"), "42", 896)).isEqualTo(.5);
  }

  @Test
  void reinforce() {
    // the batch's mean is 1/2; -A logp: 1 | .5, .5 | -.5 | -.5, -.5, summed, over 4 completions
    assertThat(loss(recipe("reinforce"))).isCloseTo(.5 / 4, within(1e-6));
  }

  @Test
  void rloo() {
    Recipe rloo = recipe("rloo");
    assertArrayEquals(new double[] {1, -1 / 3.0, -1 / 3.0, -1 / 3.0}, group(rloo.advantage(), 1, 0, 0, 0), 1e-12);
    assertArrayEquals(new double[] {-2, -2 / 3.0, 2 / 3.0, 2}, group(rloo.advantage(), 0, 1, 2, 3), 1e-12);
    // A = 2/3, so 4/3 of REINFORCE's 1/8
    assertThat(loss(rloo)).isCloseTo(1 / 6.0, within(1e-6));
  }

  @Test
  void litePpo() {
    Recipe lite = recipe("lite-ppo");
    double[][] groups = {{.999, 1, 1, 1}, {1, 0, 0, 0}, {1, 1, 0, 0}};
    Moments batch = Moments.NONE;
    for (double[] rewards : groups) {
      for (double reward : rewards) {
        batch = batch.plus(reward);
      }
    }
    assertThat(batch.std()).isCloseTo(.514855, within(1e-6));
    // mean .99975: -.00075 / .514855 and .00025 / .514855
    assertArrayEquals(new double[] {-.001457, .000486, .000486, .000486},
        ((BatchAdvantage) lite.advantage()).advantages(groups[0], batch), 1e-6);
    // one group: GRPO's advantage; (-1.2 - 1.5 + .8 + 2.5) a over 6 tokens
    assertThat(loss(lite)).isCloseTo(.6 * ROOT / 6, within(1e-6));
  }

  @Test
  void reinforcePlusPlus() {
    Recipe plus = recipe("reinforce-pp");
    TokenAdvantage advantage = (TokenAdvantage) plus.advantage();
    // two completions of 2 and 3 tokens, rewards 1 and 0: mean .4, variance (2 x .36 + 3 x .16) / 4 = .3
    double[] first = advantage.credit(1, new double[2], new double[] {1});
    double[] second = advantage.credit(0, new double[3], new double[] {0});
    Moments tokens = Moments.of(1, 1, 0, 0, 0);
    assertArrayEquals(new double[] {1.095445, 1.095445}, advantage.advantages(first, tokens), 1e-6);
    assertArrayEquals(new double[] {-.730297, -.730297, -.730297}, advantage.advantages(second, tokens), 1e-6);
    // the penalty: -0.01 (logp - ref) = -0.01, 0.02, part of the reward; returns from each token on
    double[] kl = ((ReferenceReward) plus.rewards().get("kl")).values(new double[] {-1, -3}, new double[] {-2, -1});
    double beta = plus.aggregation().weight("kl");
    assertArrayEquals(new double[] {1.01, 1.02},
        advantage.credit(1.01, new double[] {beta * kl[0], beta * kl[1]}, new double[] {1.01}), 1e-12);
    // 6 tokens, half of them 1: variance .3, A = .5 / sqrt(.3); (-1.2 - 1.5 + .8 + 2.5) A over 6 tokens
    assertThat(loss(plus)).isCloseTo(.6 * .5 / Math.sqrt(.3) / 6, within(1e-6));
  }

  @Test
  void supervised() {
    SupervisedRecipe sft = SupervisedRecipe.read(Path.of("conf/sft.yaml"));
    // -logp: 2 + 5 x 1 over 6 tokens
    assertThat(loss(sft.objective(), List.of(), sft.normalizer(), new double[][] {{0}, {0, 0}, {0}, {0, 0}}))
        .isCloseTo(7 / 6.0, within(1e-6));
  }

  @Test
  void arithmetic() {
    for (String name : List.of("quickstart", "calculator")) {
      assertThat(reward(recipe(name), "42", 3)).isEqualTo(1);
      assertThat(reward(recipe(name), "43", 3)).isEqualTo(0);
      assertThat(loss(recipe(name))).isCloseTo(.52 * ROOT / 6, within(1e-6));       // DAPO's
    }
  }
}
