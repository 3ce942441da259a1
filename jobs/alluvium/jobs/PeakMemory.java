package alluvium.jobs;

import com.sun.management.GarbageCollectionNotificationInfo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import javax.management.ListenerNotFoundException;
import javax.management.NotificationEmitter;
import javax.management.NotificationListener;
import javax.management.openmbean.CompositeData;

/** The most memory that this process has used: looked at ten times a second, and after each garbage collection. */
final class PeakMemory implements AutoCloseable {
  private static final int EVERY_MILLIS = 100;
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final String RESIDENT = "VmHWM:";
  private static final Set<String> HEAP = ManagementFactory.getMemoryPoolMXBeans().stream()
      .filter(pool -> pool.getType() == MemoryType.HEAP).map(MemoryPoolMXBean::getName).collect(Collectors.toSet());

  private final AtomicLong used = new AtomicLong();
  private final AtomicLong afterCollection = new AtomicLong();
  private final List<NotificationEmitter> collectors = new ArrayList<>();
  private final NotificationListener listener = (notification, origin) -> {
    if (notification.getType().equals(GarbageCollectionNotificationInfo.GARBAGE_COLLECTION_NOTIFICATION)) {
      collected(GarbageCollectionNotificationInfo.from((CompositeData) notification.getUserData()));
    }
  };
  private final ScheduledExecutorService sampler = Executors.newSingleThreadScheduledExecutor(task -> {
    Thread thread = new Thread(task, "peak-memory");
    thread.setDaemon(true);
    return thread;
  });

  PeakMemory() {
    for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
      if (collector instanceof NotificationEmitter emitter) {
        emitter.addNotificationListener(listener, (notification) -> true, "");
        collectors.add(emitter);
      }
    }
    sampler.scheduleAtFixedRate(() -> used.accumulateAndGet(now(), Math::max), 0, EVERY_MILLIS, TimeUnit.MILLISECONDS);
  }

  private void collected(GarbageCollectionNotificationInfo info) {
    long bytes = info.getGcInfo().getMemoryUsageAfterGc().entrySet().stream().filter(e -> HEAP.contains(e.getKey()))
        .map(Map.Entry::getValue).mapToLong(usage -> usage.getUsed()).sum();
    afterCollection.accumulateAndGet(bytes, Math::max);
  }

  /** Bytes of the heap in use, garbage included. */
  static long now() {
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  /** Begins anew with the heap's peaks. */
  void reset() {
    used.set(now());
    afterCollection.set(0);
  }

  /** Most bytes of the heap in use since the last reset, garbage included. */
  long heap() {
    return used.get();
  }

  /** Most bytes that a collection left since the last reset; 0 where there was none. */
  long heapAfterCollection() {
    return afterCollection.get();
  }

  /** Most bytes resident since the process began, where the system says. */
  static OptionalLong resident() {
    if (!Files.isReadable(STATUS)) {
      return OptionalLong.empty();
    }
    try (var lines = Files.lines(STATUS)) {
      return lines.filter(line -> line.startsWith(RESIDENT))
          .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) << 10).findFirst();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    sampler.shutdownNow();
    for (NotificationEmitter collector : collectors) {
      try {
        collector.removeNotificationListener(listener);
      } catch (ListenerNotFoundException e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
