package alluvium.rewards;

import static alluvium.tables.RecipeException.require;

import alluvium.tables.RecipeException;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A verifier of the user's own, by the name of its class.
 *
 * <p>The class implements {@link CompletionReward} and has a public constructor that takes the settings as a
 * Map&lt;String, String&gt;, or one without arguments where there are no settings. It is loaded by the thread's context
 * class loader, once per JVM and settings, and shared by all tasks there: it must be safe for threads.
 *
 * @param className as in java.lang.Class.forName
 * @param settings what the constructor gets; may be empty
 */
public record ByClass(String className, Map<String, String> settings) implements CompletionReward {
  private static final Map<Key, CompletionReward> INSTANCES = new ConcurrentHashMap<>();

  private record Key(Class<?> type, Map<String, String> settings) {}

  public ByClass {
    settings = Collections.unmodifiableMap(new TreeMap<>(settings));
    instance(className, settings);
  }

  @Override
  public Verdict verdict(Sample sample) {
    return instance(className, settings).verdict(sample);
  }

  private static CompletionReward instance(String className, Map<String, String> settings) {
    Class<?> type = load(className);
    return INSTANCES.computeIfAbsent(new Key(type, settings), key -> create(type, settings));
  }

  private static Class<?> load(String className) {
    try {
      ClassLoader own = ByClass.class.getClassLoader();
      return Class.forName(className, true,
          Optional.ofNullable(Thread.currentThread().getContextClassLoader()).orElse(own));
    } catch (ClassNotFoundException e) {
      throw new RecipeException("ByClass.className %s is not on the class path. Add its jar to the job", className);
    } catch (LinkageError e) {
      throw new RecipeException("ByClass.className %s cannot be loaded: %s", className, e);
    }
  }

  private static CompletionReward create(Class<?> type, Map<String, String> settings) {
    String name = type.getName();
    require(CompletionReward.class.isAssignableFrom(type), "ByClass.className %s does not implement %s", name,
        CompletionReward.class.getName());
    require(Modifier.isPublic(type.getModifiers()) && !Modifier.isAbstract(type.getModifiers()),
        "ByClass.className %s must be a public class that is not abstract", name);
    Optional<Constructor<?>> withSettings = constructor(type, Map.class);
    Optional<Constructor<?>> bare = settings.isEmpty() ? constructor(type) : Optional.empty();
    require(withSettings.isPresent() || bare.isPresent(), "ByClass.className %s has no public constructor %s", name,
        settings.isEmpty() ? "without arguments or with a Map<String, String>" : "with a Map<String, String>");
    try {
      return (CompletionReward) (bare.isPresent() ? bare.get().newInstance()
          : withSettings.get().newInstance(settings));
    } catch (InvocationTargetException e) {
      throw new RecipeException("ByClass.className %s: its constructor throws %s", name, e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new RecipeException("ByClass.className %s cannot be constructed: %s", name, e);
    }
  }

  private static Optional<Constructor<?>> constructor(Class<?> type, Class<?>... parameters) {
    try {
      return Optional.of(type.getConstructor(parameters));
    } catch (NoSuchMethodException e) {
      return Optional.empty();
    }
  }
}
