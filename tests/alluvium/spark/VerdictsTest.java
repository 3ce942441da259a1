package alluvium.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.rewards.CompletionReward;
import alluvium.rewards.ExactAnswer;
import alluvium.rewards.KlToReference;
import alluvium.rewards.Reward;
import alluvium.rewards.Sample;
import alluvium.rewards.Status;
import alluvium.rewards.TimeLimit;
import alluvium.rewards.Verdict;
import alluvium.rollouts.Sampling;
import alluvium.tables.DataException;
import alluvium.tables.Field;
import alluvium.tables.Prompts;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import java.util.concurrent.locks.LockSupport;
import org.apache.spark.sql.Row;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class VerdictsTest {
  private static final PolicyHandle POLICY = TinyPolicies.handle(TinyPolicies.checkpoint(1));
  private static final TimeLimit LIMIT = new TimeLimit(10);
  private static final PolicyHandle OTHER = TinyPolicies.handle(TinyPolicies.checkpoint(2));

  private final List<Row> prompts = Rows.prompts("0+0=", "0+1=", "1+0+1=");
  private final List<Row> rollouts = Rows.generated(new Rollout(POLICY, new Sampling(4, 1, 0, 1, 0, List.of(), List
      .of(),
      2), 4, Rows.RUN, 0, 3, 0), prompts);

  /** Fails on completions of more than two tokens. */
  record Brittle() implements CompletionReward {
    @Override
    public Verdict verdict(Sample sample) {
      if (sample.length() > 2) {
        throw new IllegalStateException("too long: " + sample.length());
      }
      return Verdict.ok(sample.length(), "measured");
    }
  }

  /** Says what went wrong by itself. */
  record Undecided(Status status) implements CompletionReward {
    @Override
    public Verdict verdict(Sample sample) {
      return Verdict.failed(status, "no verdict");
    }
  }

  /** Never comes back from completions of one length. */
  record Sleeper(int length) implements CompletionReward {
    @Override
    public Verdict verdict(Sample sample) {
      while (sample.length() == length) {
        LockSupport.park();
        if (Thread.interrupted()) {
          throw new IllegalStateException("woken");
        }
      }
      return Verdict.ok(sample.length(), "");
    }
  }

  /** Sees what a sample is. */
  record Seen() implements CompletionReward {
    @Override
    public Verdict verdict(Sample sample) {
      return Verdict.ok(sample.truncated() ? 1 : 0, sample.prompt() + "|" + sample.completion() + "|" + sample.answer()
          + "|" + sample.metadata());
    }
  }

  private static List<Row> judged(Reward reward, List<Row> rollouts, List<Row> prompts) {
    return TaskFailure.surfaced(new Verdicts(Map.of("r", reward), List.of(), 1, LIMIT).over(Rows.in(2, rollouts),
        prompts)::collect);
  }

  @Test
  void partitionsAndOrderDoNotMatter() {
    Verdicts verdicts = new Verdicts(Map.of("right", new ExactAnswer(1, 0), "kl", new KlToReference(), "brittle",
        new Brittle()), List.of(OTHER), 1, LIMIT);
    Set<String> digests = new HashSet<>();
    for (int slices : Rows.SLICES) {
      digests.add(Rows.digest(verdicts.over(Rows.in(slices, rollouts), prompts), Rewards.TABLE));
    }
    assertThat(digests).hasSize(1);
    assertThat(digests.iterator().next()).startsWith("36-");    // 3 prompts, 4 samples, 3 rewards
  }

  @Test
  void tablesAreJoinedAsListsAre() {
    Verdicts verdicts = new Verdicts(Map.of("right", new ExactAnswer(1, 0), "kl", new KlToReference(), "brittle",
        new Brittle()), List.of(OTHER), 1, LIMIT);
    String expected = Rows.digest(verdicts.over(Rows.in(2, rollouts), prompts), Rewards.TABLE);
    for (int slices : Rows.SLICES) {
      Dataset<Row> completions = Rows.table(slices, rollouts, Rollouts.TABLE);
      Dataset<Row> tasks = Rows.table(slices, prompts, Prompts.TABLE);
      assertThat(Rows.digest(verdicts.sent(completions, tasks), Rewards.TABLE)).isEqualTo(expected);
      assertThat(Rows.digest(verdicts.shuffled(completions, tasks, slices), Rewards.TABLE)).isEqualTo(expected);
      assertThat(Rows.digest(verdicts.over(completions, tasks, slices), Rewards.TABLE)).isEqualTo(expected);
    }
  }

  @Test
  void aPromptThatNoTableHasIsNamedWhicheverTheJoin() {
    Verdicts verdicts = new Verdicts(Map.of("r", new Seen()), List.of(), 1, LIMIT);
    Dataset<Row> completions = Rows.table(2, rollouts, Rollouts.TABLE);
    Dataset<Row> tasks = Rows.table(2, prompts.subList(0, 2), Prompts.TABLE);
    for (JavaRDD<Row> joined : List.of(verdicts.sent(completions, tasks), verdicts.shuffled(completions, tasks, 3))) {
      assertThatThrownBy(() -> TaskFailure.surfaced(joined::collect)).isInstanceOf(DataException.class)
          .hasMessage("prompts: task 1+0+1= is not there. Ingest its source again, or name its source.");
    }
  }

  @Test
  void keysAreTheRolloutsAndTheFunctionIsNamed() {
    Map<String, Row> of = new TreeMap<>();
    rollouts.forEach(row -> of.put(Credit.key(row) + Rollouts.SAMPLE.of(row), row));
    for (Row row : judged(new Seen(), rollouts, prompts)) {
      Row rollout = of.remove(Credit.key(row) + Rewards.SAMPLE.of(row));
      for (Field key : List.of(Rewards.RUN_ID, Rewards.ITERATION, Rewards.WAVE, Rewards.PROMPT_ID, Rewards.GROUP_ID,
          Rewards.SAMPLE)) {
        assertThat(key.<Object>of(row)).isEqualTo(key.of(rollout));
      }
      assertThat(Rewards.NAME.<String>of(row)).isEqualTo("r");
      assertThat(Rewards.FUNCTION.<String>of(row)).isEqualTo("Seen[]");
      String id = Rollouts.PROMPT_ID.of(rollout);
      assertThat(Rewards.MESSAGE.<String>of(row)).isEqualTo(id + "|" + Rollouts.TEXT.<String>of(rollout) + "|"
          + id.chars().filter(Character::isDigit).map(c -> c - '0').sum() + "|{kind=sum}");
      assertThat(Rewards.VALUE.<Double>of(row)).isEqualTo(Rollouts.FINISH_REASON.of(rollout).equals("length") ? 1 : 0);
    }
    assertThat(of).isEmpty();
  }

  @Test
  void aVerifierThatThrowsGivesAStatusAndNoValue() {
    List<Row> rows = judged(new Brittle(), rollouts, prompts);
    assertThat(rows).anyMatch(Rewards.VALUE::absentIn).anyMatch(r -> !Rewards.VALUE.absentIn(r));
    for (Row row : rows) {
      if (Rewards.VALUE.absentIn(row)) {
        assertThat(Rewards.STATUS.<String>of(row)).isEqualTo("error");
        assertThat(Rewards.MESSAGE.<String>of(row)).matches("IllegalStateException: too long: [34]");
      } else {
        assertThat(Rewards.STATUS.<String>of(row)).isEqualTo("ok");
        assertThat(Rewards.VALUE.<Double>of(row)).isBetween(1.0, 2.0);
      }
    }
  }

  @Test
  void aVerifierThatNeverReturnsIsATimeoutAndTheTaskGoesOn() {
    int stuck = Rollouts.TOKENS.size(rollouts.get(5));
    Set<String> digests = new HashSet<>();
    for (int slices : Rows.SLICES) {
      List<Row> rows = new Verdicts(Map.of("r", new Sleeper(stuck)), List.of(), 1, new TimeLimit(0.2))
          .over(Rows.in(slices, rollouts), prompts).collect();
      assertThat(rows).hasSize(rollouts.size()).anyMatch(Rewards.VALUE::absentIn)
          .anyMatch(r -> !Rewards.VALUE.absentIn(r));
      for (Row row : rows) {
        if (Rewards.VALUE.absentIn(row)) {
          assertThat(Rewards.STATUS.<String>of(row)).isEqualTo("timeout");
          assertThat(Rewards.MESSAGE.<String>of(row)).isEqualTo("no verdict within 0.2 s");
          assertThat(Rewards.MILLIS.<Long>of(row)).isGreaterThanOrEqualTo(199);
        } else {
          assertThat(Rewards.VALUE.<Double>of(row)).isNotEqualTo(stuck);
        }
      }
      digests.add(Digest.of(rows, Rewards.TABLE).text());
    }
    assertThat(digests).hasSize(1);
  }

  @Test
  void everyOtherStatusIsKept() {
    for (Status status : List.of(Status.TIMEOUT, Status.UNPARSEABLE, Status.SKIPPED, Status.ERROR)) {
      assertThat(judged(new Undecided(status), rollouts.subList(0, 2), prompts)).hasSize(2).allMatch(
          row -> Rewards.STATUS.of(row).equals(status.column()) && Rewards.VALUE.absentIn(row)
              && Rewards.MESSAGE.of(row).equals("no verdict"));
    }
  }

  @Test
  void tokenValuesCompareThePolicies() {
    Row rollout = rollouts.get(0);
    Row own = new Verdicts(Map.of("kl", new KlToReference()), List.of(POLICY), 1, LIMIT)
        .over(Rows.in(1, List.of(rollout)), prompts).first();
    assertThat(Rewards.TOKEN_VALUES.doubles(own)).containsExactly(new double[Rollouts.TOKENS.size(rollout)],
        Offset.offset(1e-5));
    Row other = new Verdicts(Map.of("kl", new KlToReference()), List.of(OTHER), 1, LIMIT)
        .over(Rows.in(1, List.of(rollout)), prompts).first();
    double[] values = Rewards.TOKEN_VALUES.doubles(other);
    assertThat(Arrays.stream(values).map(Math::abs).max().orElseThrow()).isGreaterThan(1e-4);
    assertThat(Rewards.VALUE.<Double>of(other)).isEqualTo(Arrays.stream(values).sum());
  }

  @Test
  void aCompletionOfAnUnknownPromptIsRefused() {
    assertThatThrownBy(() -> judged(new Seen(), rollouts, prompts.subList(0, 2))).isInstanceOf(DataException.class)
        .hasMessage("prompts: task 1+0+1= is not there. Ingest its source again, or name its source.");
  }

  @Test
  void promptsMayBeManyMoreThanRollouts() {
    List<Row> more = new ArrayList<>(prompts);
    for (int i = 0; i < 100; i++) {
      more.add(Rows.prompt("other " + i, "0"));
    }
    assertThat(judged(new Seen(), rollouts, more)).hasSize(rollouts.size());
    assertThat(Rows.distinct(judged(new Seen(), rollouts, more), Rewards.PROMPT_ID))
        .isEqualTo(Rows.distinct(prompts, Prompts.PROMPT_ID));
  }
}
