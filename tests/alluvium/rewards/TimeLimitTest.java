package alluvium.rewards;

import static alluvium.rewards.NumericAnswerTest.sample;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.tables.RecipeException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class TimeLimitTest {
  private static final Verdict LATE = Verdict.failed(Status.TIMEOUT, "no verdict within 0.2 s");
  private static final TimeLimit SHORT = new TimeLimit(0.2);
  private static final TimeLimit LONG = new TimeLimit(60);

  private final CountDownLatch release = new CountDownLatch(1);

  private static Verdict judged(TimeLimit limit, CompletionReward reward) {
    return limit.verdict(reward, sample("", ""));
  }

  private static Verdict endless(Sample sample) {
    return endless(sample);
  }

  /** Holds its thread until the test is over, whoever interrupts it. */
  private Verdict stubborn(Sample sample) {
    while (true) {
      try {
        release.await();
        return Verdict.ok(1, "at last");
      } catch (InterruptedException e) {
        assertThat(e).isNotNull();    // goes on
      }
    }
  }

  @AfterEach
  void allThreadsComeBack() throws InterruptedException {
    release.countDown();
    while (TimeLimit.abandoned() > 0) {
      Thread.sleep(1);
    }
  }

  @Test
  void verdictsInTimeAreThoseOfGuarded() {
    assertThat(judged(LONG, s -> Verdict.ok(0.25, "why"))).isEqualTo(Verdict.ok(0.25, "why"));
    assertThat(judged(LONG, s -> {
      throw new IllegalStateException("100% broken");
    })).isEqualTo(Verdict.failed(Status.ERROR, "IllegalStateException: 100% broken"));
    assertThat(judged(LONG, s -> new Verdict(Status.OK, Double.NaN, "")).status()).isEqualTo(Status.ERROR);
    assertThat(judged(LONG, TimeLimitTest::endless)).isEqualTo(Verdict.failed(Status.ERROR, "StackOverflowError"));
    assertThatThrownBy(() -> judged(LONG, s -> {
      throw new OutOfMemoryError("of the test");
    })).isInstanceOf(OutOfMemoryError.class).hasMessage("of the test");
  }

  @Test
  void oneThatSleepsForEverIsATimeoutAndIsInterrupted() throws InterruptedException {
    CountDownLatch interrupted = new CountDownLatch(1);
    assertThat(judged(SHORT, s -> {
      try {
        Thread.sleep(Long.MAX_VALUE);
      } catch (InterruptedException e) {
        interrupted.countDown();
      }
      return Verdict.ok(1, "");
    })).isEqualTo(LATE);
    interrupted.await();
    assertThat(judged(SHORT, s -> Verdict.ok(1, "next"))).isEqualTo(Verdict.ok(1, "next"));
  }

  @Test
  void oneThatIgnoresInterruptsIsLeftBehindAndTheNextCallHasAnotherThread() {
    Set<Thread> threads = new HashSet<>();
    for (int i = 1; i <= 3; i++) {
      assertThat(judged(SHORT, s -> {
        threads.add(Thread.currentThread());
        return stubborn(s);
      })).isEqualTo(LATE);
      assertThat(TimeLimit.abandoned()).isEqualTo(i);
    }
    assertThat(threads).hasSize(3).allMatch(Thread::isDaemon).doesNotContain(Thread.currentThread());
    assertThat(judged(LONG, s -> Verdict.ok(7, ""))).isEqualTo(Verdict.ok(7, ""));
  }

  @Test
  void tooManyLeftBehindAndTheRewardIsCalledNoMore() throws InterruptedException {
    AtomicInteger calls = new AtomicInteger();
    CompletionReward reward = s -> {
      calls.incrementAndGet();
      return stubborn(s);
    };
    List<Thread> callers = new ArrayList<>();
    List<Verdict> verdicts = new ArrayList<>();
    for (int i = 0; i < TimeLimit.MOST_ABANDONED; i++) {
      Thread caller = new Thread(() -> {
        Verdict verdict = judged(SHORT, reward);
        synchronized (verdicts) {
          verdicts.add(verdict);
        }
      });
      caller.start();
      callers.add(caller);
    }
    for (Thread caller : callers) {
      caller.join();
    }
    assertThat(verdicts).hasSize(TimeLimit.MOST_ABANDONED).allMatch(LATE::equals);
    int before = calls.get();
    assertThat(judged(SHORT, reward)).isEqualTo(Verdict.failed(Status.ERROR, "not called: calls of 64 threads or more"
        + " ran into their time limit and have not returned, some of them of this reward"));
    assertThat(calls.get()).isEqualTo(before);
    assertThat(judged(SHORT, s -> Verdict.ok(1, "another reward"))).isEqualTo(Verdict.ok(1, "another reward"));
    release.countDown();
    allThreadsComeBack();
    assertThat(judged(LONG, reward)).isEqualTo(Verdict.ok(1, "at last"));
  }

  @Test
  void theContextClassLoaderIsTheCallers() throws Exception {
    ClassLoader own = Thread.currentThread().getContextClassLoader();
    List<ClassLoader> seen = new ArrayList<>();
    CompletionReward reward = s -> {
      seen.add(Thread.currentThread().getContextClassLoader());
      return Verdict.ok(0, "");
    };
    try (URLClassLoader other = new URLClassLoader(new URL[0], own)) {
      Thread.currentThread().setContextClassLoader(other);
      judged(LONG, reward);
      Thread.currentThread().setContextClassLoader(own);
      judged(LONG, reward);
      assertThat(seen).containsExactly(other, own);
    } finally {
      Thread.currentThread().setContextClassLoader(own);
    }
  }

  @Test
  void aBoundedRewardIsCalledByTheCaller() {
    List<Thread> seen = new ArrayList<>();
    Bounded reward = s -> {
      seen.add(Thread.currentThread());
      return Verdict.ok(0, "");
    };
    judged(SHORT, reward);
    assertThat(seen).containsExactly(Thread.currentThread());
  }

  @Test
  void anInterruptOfTheCallerEndsTheCallAndIsKept() {
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> judged(LONG, this::stubborn)).isInstanceOf(IllegalStateException.class)
        .hasMessage("interrupted while a reward was called");
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void limitsAreCheckedWhereTheyAreWritten() {
    assertThatThrownBy(() -> new Drop(0, 2, 0.1)).isInstanceOf(RecipeException.class)
        .hasMessage("Drop.timeoutSeconds must be > 0 and finite, got 0.0");
    assertThatThrownBy(() -> new Drop(1, 0, 0.1)).hasMessage("Drop.leastOk must be >= 1, got 0");
    assertThatThrownBy(() -> new Drop(1, 1, -0.1)).hasMessage("Drop.maxErrorShare must be in [0, 1], got -0.1");
    assertThatThrownBy(() -> new Zero(-1, 0)).hasMessage("Zero.timeoutSeconds must be > 0 and finite, got -1.0");
    assertThatThrownBy(() -> new Zero(1, Double.NaN)).hasMessage("Zero.maxErrorShare must be in [0, 1], got NaN");
  }
}
