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
import java.util.regex.Pattern;

/**
 * A verifier of the user's own, by the name of its class.
 *
 * <p>The class implements {@link CompletionReward} and has a public constructor that takes the settings as a
 * Map&lt;String, String&gt;, or one without arguments where there are no settings. It is loaded by the thread's context
 * class loader, once per JVM and settings, and shared by all tasks there: it must be safe for threads. No code of a
 * class that does not fit is run, its static initialisers included.
 *
 * @param className as in java.lang.Class.forName
 * @param settings what the constructor gets; may be empty
 */
public record ByClass(String className, Map<String, String> settings) implements CompletionReward {
  private static final Map<Key, CompletionReward> INSTANCES = new ConcurrentHashMap<>();
  private static final Pattern NAME = Pattern.compile("[\\p{L}_$][\\p{L}\\p{N}_$]*(\\.[\\p{L}_$][\\p{L}\\p{N}_$]*)*");
  private static final int LONGEST_NAME = 500;

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
    require(className.length() <= LONGEST_NAME && NAME.matcher(className).matches(),
        "ByClass.className must be the full name of a class, as com.example.Mine or com.example.Mine$Inner, got %s",
        printable(className));
    try {
      ClassLoader own = ByClass.class.getClassLoader();
      return Class.forName(className, false,
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
    } catch (LinkageError e) {        // its static initialisers run here, for the first time
      throw new RecipeException("ByClass.className %s cannot be initialised: %s", name,
          Optional.ofNullable(e.getCause()).orElse(e));
    }
  }

  /** At most 60 characters, those outside printable ASCII as question marks. */
  private static String printable(String text) {
    String shown = text.length() <= 60 ? text : text.substring(0, 60) + "...";
    return '"' + shown.replaceAll("[^ -~]", "?") + '"';
  }

  private static Optional<Constructor<?>> constructor(Class<?> type, Class<?>... parameters) {
    try {
      return Optional.of(type.getConstructor(parameters));
    } catch (NoSuchMethodException e) {
      return Optional.empty();
    } catch (LinkageError e) {
      throw new RecipeException("ByClass.className %s cannot be loaded: %s", type.getName(), e);
    }
  }
}
