package alluvium.rewards;

import static alluvium.rewards.NumericAnswerTest.sample;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class GuardedTest {
  private static Verdict guarded(CompletionReward reward) {
    return Guarded.verdict(reward, sample("", ""));
  }

  private static Verdict error(String message) {
    return Verdict.failed(Status.ERROR, message);
  }

  private static Verdict endless(Sample sample) {
    return endless(sample);
  }

  private static final class Mute extends RuntimeException {
    @Override
    public String getMessage() {
      throw new IllegalStateException();
    }
  }

  @Test
  void verdictsPassThrough() {
    assertEquals(Verdict.ok(0.25, "why"), guarded(s -> Verdict.ok(0.25, "why")));
    assertEquals(Verdict.failed(Status.SKIPPED, "why"), guarded(s -> Verdict.failed(Status.SKIPPED, "why")));
  }

  @Test
  void whatIsThrownIsAnErrorAndNeverANumber() {
    assertEquals(error("IllegalStateException: 100% broken"), guarded(s -> {
      throw new IllegalStateException("100% broken");
    }));
    assertEquals(error("NoClassDefFoundError: com/example/Lib"), guarded(s -> {
      throw new NoClassDefFoundError("com/example/Lib");
    }));
    assertEquals(error("StackOverflowError"), guarded(GuardedTest::endless));
    assertEquals(200, guarded(s -> {
      throw new IllegalStateException("x".repeat(5000));
    }).message().length());
    assertEquals(error("Mute, whose message cannot be read"), guarded(s -> {
      throw new Mute();
    }));
    assertThrows(OutOfMemoryError.class, () -> guarded(s -> {
      throw new OutOfMemoryError();
    }));
  }

  @Test
  void brokenVerdictsAreErrors() {
    assertEquals(error("the reward is NaN, not a finite number"), guarded(s -> new Verdict(Status.OK, Double.NaN, "")));
    assertEquals(error("the reward is Infinity, not a finite number"),
        guarded(s -> new Verdict(Status.OK, Double.POSITIVE_INFINITY, "")));
    assertEquals(Verdict.failed(Status.TIMEOUT, "late"), guarded(s -> new Verdict(Status.TIMEOUT, 1, "late")));
    Optional<Verdict> none = Optional.empty();
    assertEquals(Status.ERROR, guarded(s -> none.orElse(null)).status());
  }

  @Test
  void anInterruptIsKept() {
    assertFalse(Thread.interrupted());
    assertEquals(error("InterruptedException: stop"), guarded(s ->
        GuardedTest.sneak(new InterruptedException("stop"))));
    assertTrue(Thread.interrupted());
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> Verdict sneak(Throwable thrown) throws E {
    throw (E) thrown;
  }
}
