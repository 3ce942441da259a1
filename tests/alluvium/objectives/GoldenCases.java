package alluvium.objectives;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import alluvium.advantages.AdvantageEstimator;
import alluvium.advantages.BatchAdvantage;
import alluvium.advantages.DrGrpo;
import alluvium.advantages.GroupAdvantage;
import alluvium.advantages.Grpo;
import alluvium.advantages.LitePpo;
import alluvium.advantages.Moments;
import alluvium.normalizers.Constant;
import alluvium.normalizers.Normalizer;
import alluvium.normalizers.PerSequence;
import alluvium.normalizers.PerToken;
import alluvium.normalizers.SequenceSum;
import alluvium.policies.TokenBatch;
import alluvium.regularizers.Direct;
import alluvium.regularizers.EntropyBonus;
import alluvium.regularizers.ImportanceWeighted;
import alluvium.regularizers.K3;
import alluvium.regularizers.Kl;
import alluvium.regularizers.NoRegularizer;
import alluvium.regularizers.Regularizer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.StreamSupport;

/** The recorded losses of one batch of two groups of four, each with the classes that make the same loss here. */
public final class GoldenCases {
  /** The recording: token ids, masks, rewards, log-probabilities and the cases. */
  public static final JsonNode GOLDEN = read();
  /** Gates and masks that no class makes yet: a sigmoid instead of a clip, only the most uncertain tokens. */
  public static final List<String> LEFT_OUT = List.of("sapo", "dapo top_entropy_quantile=0.2");

  private static final double EPS = 1e-4;

  /** Terms with the normalizer that weighs them; a loss is a sum of such parts. */
  public record Part(Optional<Objective> objective, Regularizer regularizer, Normalizer normalizer) {
    NDArray terms(TokenBatch batch) {
      NDArray penalty = regularizer.terms(batch);
      return objective.map(o -> o.terms(batch).add(penalty)).orElse(penalty);
    }
  }

  /**
   * One recorded loss.
   *
   * @param name the recorded settings that differ from the usual
   * @param estimator makes the recorded advantages of the recorded rewards
   * @param parts their losses add up to the recorded loss
   * @param expected loss, grad_norm, grad_final_norm_weight, advantages, metrics
   */
  public record Case(String name, AdvantageEstimator estimator, List<Part> parts, JsonNode expected) {
    /** Whether it looks at whole distributions, which the recording does not hold. */
    public boolean needsFull() {
      return parts.stream().anyMatch(part -> part.regularizer().needs() == Regularizer.Needs.FULL);
    }

    /** One advantage per completion, in the recorded order. */
    public double[] advantages() {
      double[] rewards = numbers(GOLDEN.get("rewards"));
      int group = GOLDEN.get("group_size").asInt();
      double[] advantages = new double[rewards.length];
      for (int start = 0; start < rewards.length; start += group) {
        double[] own = Arrays.copyOfRange(rewards, start, start + group);
        double[] made = estimator instanceof BatchAdvantage batch ? batch.advantages(own, Moments.of(rewards))
            : ((GroupAdvantage) estimator).advantages(own);
        System.arraycopy(made, 0, advantages, start, group);
      }
      return advantages;
    }

    /** The batch with these live log-probabilities (8, 10) and distributions (8, 10, V); all else as recorded. */
    public TokenBatch batch(NDArray logp, Supplier<NDArray> full) {
      NDManager manager = logp.getManager();
      DataType type = logp.getDataType();
      NDArray advantage = manager.create(advantages()).toType(type, false).reshape(-1, 1)
          .mul(matrix(manager, "completion_mask", type).onesLike());
      return new TokenBatch(logp, matrix(manager, "old_logprobs", type), advantage,
          matrix(manager, "completion_mask", type), Optional.of(matrix(manager, "ref_logprobs", type)), full,
          Optional.empty());
    }

    /** The loss of the whole batch, a scalar with gradient. */
    public NDArray loss(TokenBatch batch) {
      return parts.stream().map(part -> normalized(part.terms(batch), part.normalizer())).reduce(NDArray::add)
          .orElseThrow();
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private GoldenCases() {}

  /** Every recorded case but those left out. */
  public static List<Case> all() {
    List<Case> cases = new ArrayList<>();
    GOLDEN.get("cases").forEach(node -> {
      if (!LEFT_OUT.contains(name(node.get("config")))) {
        cases.add(of(node));
      }
    });
    return cases;
  }

  /** Names of all recorded cases, left out or not. */
  public static List<String> names() {
    return StreamSupport.stream(GOLDEN.get("cases").spliterator(), false).map(c -> name(c.get("config"))).toList();
  }

  /** A recorded (8, 10) matrix. */
  public static NDArray matrix(NDManager manager, String name, DataType type) {
    JsonNode rows = GOLDEN.get(name);
    double[] flat = StreamSupport.stream(rows.spliterator(), false).flatMapToDouble(r -> Arrays.stream(numbers(r)))
        .toArray();
    return manager.create(flat, new Shape(rows.size(), rows.get(0).size())).toType(type, false);
  }

  public static double[] numbers(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).mapToDouble(JsonNode::asDouble).toArray();
  }

  /** Sum of weighted terms over sum of shares, over the recorded mask. */
  static NDArray normalized(NDArray terms, Normalizer normalizer) {
    double shares = 0;
    double[] weights = new double[(int) terms.getShape().get(0)];
    for (int i = 0; i < weights.length; i++) {
      int length = (int) Arrays.stream(numbers(GOLDEN.get("completion_mask").get(i))).sum();
      weights[i] = normalizer.weight(length);
      shares += normalizer.share(length);
    }
    NDManager manager = terms.getManager();
    NDArray mask = matrix(manager, "completion_mask", terms.getDataType());
    NDArray weight = manager.create(weights).toType(terms.getDataType(), false).reshape(-1, 1);
    return terms.mul(mask).mul(weight).sum().div((float) shares);
  }

  /** The recording's names for things are another library's: here they become classes. */
  private static Case of(JsonNode node) {
    JsonNode config = node.get("config");
    List<Part> parts = new ArrayList<>();
    parts.add(new Part(Optional.of(objective(config)), regularizer(config), normalizer(config)));
    if (config.has("entropy_coef")) {   // recorded with its own mean, over tokens, beside a loss averaged per sequence
      parts.add(new Part(Optional.empty(), new EntropyBonus((float) config.get("entropy_coef").asDouble()),
          new PerToken()));
    }
    return new Case(name(config), estimator(config), List.copyOf(parts), node);
  }

  private static AdvantageEstimator estimator(JsonNode config) {
    String scale = config.get("advantage_scale").asText();
    return scale.equals("none") ? new DrGrpo() : scale.equals("batch") ? new LitePpo(EPS) : new Grpo(EPS);
  }

  private static Objective objective(JsonNode config) {
    float low = (float) config.get("epsilon").asDouble();
    float high = config.has("epsilon_high") ? (float) config.get("epsilon_high").asDouble() : low;
    if (config.get("loss_type").asText().equals("cispo")) {
      return new Cispo(10, high - 1);   // recorded as min(rho, epsilon_high)
    }
    if (config.has("importance_sampling_level")) {
      return new SequenceClip(low, high);
    }
    return config.has("delta") ? new DualClip(low, high, (float) config.get("delta").asDouble())
        : new ClipHigher(low, high);
  }

  private static Regularizer regularizer(JsonNode config) {
    float beta = (float) config.get("beta").asDouble();
    return beta == 0 ? new NoRegularizer()
        : new Kl(beta, new K3(), config.get("use_bias_correction_kl").asBoolean() ? new ImportanceWeighted()
            : new Direct());
  }

  private static Normalizer normalizer(JsonNode config) {
    return switch (config.get("loss_type").asText()) {
      case "grpo" -> new PerSequence();
      case "bnpo", "dapo", "cispo" -> new PerToken();
      case "dr_grpo" -> new Constant(GOLDEN.get("max_completion_length").asInt());
      case "luspo" -> new SequenceSum();
      default -> throw new IllegalStateException("no normalizer for " + config);
    };
  }

  private static String name(JsonNode config) {
    StringBuilder name = new StringBuilder(config.get("loss_type").asText());
    config.fields().forEachRemaining(field -> {
      String text = field.getKey() + "=" + field.getValue().asText();
      if (!List.of("beta=0.0", "epsilon=0.2", "advantage_scale=group", "use_bias_correction_kl=false").contains(text)
          && !field.getKey().equals("loss_type")) {
        name.append(' ').append(text);
      }
    });
    return name.toString();
  }

  private static JsonNode read() {
    try (InputStream in = GoldenCases.class.getResourceAsStream("/golden/policy-gradient-losses.json")) {
      return new ObjectMapper().readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
