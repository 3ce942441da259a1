package alluvium.spark;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;

/**
 * Things that this JVM holds in native memory, loaded once by key and shared by its tasks. A few stay while nobody uses
 * them; the longest unused is closed first.
 */
final class Residents<V extends AutoCloseable> {
  private final int most;
  private final Map<String, Resident<V>> residents = new LinkedHashMap<>(8, 0.75f, true);
  private long loads;

  /** Keeps at most the given number of unused things. */
  Residents(int most) {
    this.most = most;
  }

  /** Calls a function with the thing of a key, loading it first where this JVM does not hold it. */
  <R> R with(String key, Callable<V> load, Function<V, R> use) {
    Resident<V> resident = lease(key);
    try {
      return use.apply(loaded(resident, load));
    } finally {
      release(resident);
    }
  }

  /** How many things were loaded since this JVM began. */
  synchronized long loads() {
    return loads;
  }

  private synchronized Resident<V> lease(String key) {
    Resident<V> resident = residents.computeIfAbsent(key, k -> new Resident<>());
    resident.leases++;
    return resident;
  }

  private V loaded(Resident<V> resident, Callable<V> load) {
    synchronized (resident) {
      if (resident.value == null) {
        try {
          resident.value = load.call();
        } catch (RuntimeException e) {
          throw e;
        } catch (Exception e) {
          throw new IllegalStateException(e);
        }
        synchronized (this) {
          loads++;
        }
      }
      return resident.value;
    }
  }

  private synchronized void release(Resident<V> resident) {
    resident.leases--;
    long idle = residents.values().stream().filter(r -> r.leases == 0).count();
    var all = residents.values().iterator();
    while (idle > most && all.hasNext()) {
      Resident<V> next = all.next();
      if (next.leases == 0) {
        all.remove();
        next.close();
        idle--;
      }
    }
  }

  private static final class Resident<V extends AutoCloseable> {
    private int leases;
    private V value;

    void close() {
      try {
        if (value != null) {
          value.close();
        }
      } catch (RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
