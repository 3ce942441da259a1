package alluvium.rewards;

/** Calls a reward so that nothing it does ends the stage, and nothing that went wrong becomes a number. */
public final class Guarded {
  private Guarded() {}

  /**
   * The reward's verdict; ERROR with the class and the message of whatever it threw, or where it broke the rule that a
   * finite value and the status OK go together. Errors of the virtual machine pass through, but for a stack overflow.
   */
  public static Verdict verdict(CompletionReward reward, Sample sample) {
    try {
      Verdict verdict = reward.verdict(sample);
      if (verdict.status() == Status.OK && Double.isFinite(verdict.value())) {
        return verdict;
      }
      return verdict.status() == Status.OK ? failed("the reward is " + verdict.value() + ", not a finite number")
          : Verdict.failed(verdict.status(), verdict.message());
    } catch (StackOverflowError e) {
      return failed("StackOverflowError");
    } catch (VirtualMachineError e) {
      throw e;
    } catch (Throwable e) {
      if (e instanceof InterruptedException) {
        Thread.currentThread().interrupt();
      }
      return failed(description(e));
    }
  }

  private static String description(Throwable thrown) {
    String name = thrown.getClass().getSimpleName();
    try {
      return name + ": " + thrown.getMessage();
    } catch (RuntimeException e) {
      return name + ", whose message cannot be read";
    }
  }

  private static Verdict failed(String message) {
    return Verdict.failed(Status.ERROR, String.format("%.200s", message));
  }
}
