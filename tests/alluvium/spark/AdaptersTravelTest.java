package alluvium.spark;

import static org.assertj.core.api.Assertions.assertThat;

import alluvium.advantages.Grpo;
import alluvium.normalizers.PerToken;
import alluvium.objectives.ClipHigher;
import alluvium.objectives.Loss;
import alluvium.policies.Example;
import alluvium.regularizers.Direct;
import alluvium.regularizers.K3;
import alluvium.regularizers.Kl;
import alluvium.rewards.Drop;
import alluvium.rewards.ExactAnswer;
import alluvium.rewards.KlToReference;
import alluvium.rewards.TimeLimit;
import alluvium.rewards.WeightedSum;
import alluvium.rollouts.Sampling;
import alluvium.selections.MixedGroups;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever an adapter ships to executors besides rows arrives as it was, and is small. */
class AdaptersTravelTest {
  private static final int MOST = 10_000;

  static Stream<Object> adapters() {
    PolicyHandle policy = TinyPolicies.handle(TinyPolicies.checkpoint(1));
    Sampling sampling = new Sampling(512, 1, 50, 0.9, 0.05, List.of("\n\n", "User:"), List.of(1, 2), 16);
    Loss loss = new Loss(new ClipHigher(0.2f, 0.28f), List.of(new Kl(0.04f, new K3(), new Direct())), new PerToken());
    return Stream.of(policy, new Rollout(policy, sampling, 16, "run", 7, 3, 0),
        new Verdicts(Map.of("right", new ExactAnswer(1, 0), "kl", new KlToReference()), List.of(policy), 1,
            new TimeLimit(10)),
        new Credit(new WeightedSum(Map.of("right", 1.0, "kl", 0.01)), new Drop(10, 2, 0.1),
            new MixedGroups("right", 10), new Grpo(1e-6), 0.5, Set.of("000000/a")),
        new GradientShards(policy, List.of(policy), loss, 1, 8), loss, new Span(1, 2), Digest.EMPTY,
        new Stepping.Shard(0, List.<Example>of()));
  }

  @ParameterizedTest
  @MethodSource("adapters")
  void arrivesAsItWasAndIsSmall(Object adapter) throws IOException, ClassNotFoundException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(adapter);
    }
    assertThat(bytes.size()).as(adapter.getClass().getSimpleName()).isLessThan(MOST);
    try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      assertThat(in.readObject()).isEqualTo(adapter);
    }
  }
}
