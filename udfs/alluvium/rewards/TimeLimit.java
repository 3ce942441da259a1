package alluvium.rewards;

import static alluvium.tables.RecipeException.require;

import java.io.Serializable;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.FutureTask;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Calls rewards so that none holds its caller up for longer than a limit, whether or not the call ever returns.
 *
 * <p>A call runs on a daemon thread, with the caller's context class loader and none of its other thread-locals. When
 * the limit is over, the verdict is TIMEOUT, the thread is interrupted and left behind, and the next call has another
 * one. Once {@value #MOST_ABANDONED} threads of a JVM are left behind and still busy, a reward that one of them belongs
 * to is not called again: each further verdict is an ERROR that says so, until threads come back. A reward that is
 * {@link Bounded} is called by the caller itself. Verdicts of calls that end in time do not depend on any of this.
 *
 * @param seconds wall time of one call, > 0
 */
public record TimeLimit(double seconds) implements Serializable {
  static final int MOST_ABANDONED = 64;
  private static final long IDLE_SECONDS = 30;
  private static final AtomicInteger NUMBER = new AtomicInteger();
  private static final Set<Call> ABANDONED = ConcurrentHashMap.newKeySet();
  private static final ExecutorService THREADS = new ThreadPoolExecutor(0, Integer.MAX_VALUE, IDLE_SECONDS,
      TimeUnit.SECONDS, new SynchronousQueue<>(), TimeLimit::thread);

  public TimeLimit {
    check("TimeLimit.seconds", seconds);
  }

  static void check(String name, double seconds) {
    require(seconds > 0 && Double.isFinite(seconds), "%s must be > 0 and finite, got %s", name, seconds);
  }

  /** The reward's verdict as {@link Guarded} gives it, or TIMEOUT. */
  public Verdict verdict(CompletionReward reward, Sample sample) {
    if (reward instanceof Bounded) {
      return Guarded.verdict(reward, sample);
    }
    if (ABANDONED.size() >= MOST_ABANDONED && ABANDONED.stream().anyMatch(c -> c.reward.equals(reward))) {
      return Verdict.failed(Status.ERROR, "not called: calls of " + MOST_ABANDONED
          + " threads or more ran into their time limit and have not returned, some of them of this reward");
    }
    Call call = new Call(reward, sample);
    THREADS.execute(call);
    try {
      return call.get((long) (seconds * 1e9), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      call.abandon();
      return Verdict.failed(Status.TIMEOUT, "no verdict within " + seconds + " s");
    } catch (ExecutionException e) {    // Guarded lets errors of the virtual machine through, nothing else
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      call.abandon();
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while a reward was called", e);
    }
  }

  /** Threads that were left behind and have not come back. */
  static int abandoned() {
    return ABANDONED.size();
  }

  private static Thread thread(Runnable work) {
    Thread thread = new Thread(null, work, "reward-" + NUMBER.incrementAndGet(), 0, false);
    thread.setDaemon(true);
    return thread;
  }

  /** One call, which counts as left behind from its time-out until it returns. */
  private static final class Call extends FutureTask<Verdict> {
    private final CompletionReward reward;
    private final Optional<ClassLoader> loader = Optional.ofNullable(Thread.currentThread().getContextClassLoader());
    private final AtomicBoolean over = new AtomicBoolean();

    Call(CompletionReward reward, Sample sample) {
      super(() -> Guarded.verdict(reward, sample));
      this.reward = reward;
    }

    @Override
    public void run() {
      Thread thread = Thread.currentThread();
      ClassLoader own = thread.getContextClassLoader();
      thread.setContextClassLoader(loader.orElse(own));
      try {
        super.run();
      } finally {
        thread.setContextClassLoader(own);
        if (!over.compareAndSet(false, true)) {
          ABANDONED.remove(this);
        }
      }
    }

    void abandon() {
      ABANDONED.add(this);
      if (!over.compareAndSet(false, true)) {    // it came back just now
        ABANDONED.remove(this);
      }
      cancel(true);
    }
  }
}
