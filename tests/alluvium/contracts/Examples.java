package alluvium.contracts;

import alluvium.objectives.DualClip;
import alluvium.optimizers.Cosine;
import alluvium.optimizers.Linear;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Instances of every record of a slot, found among the compiled classes of the slot's package. */
final class Examples {
  /** Only classes whose constructor refuses the default values. */
  static final Map<Class<?>, Record> REFUSE_DEFAULTS = Map.of(
      DualClip.class, new DualClip(.2f, .2f, 3),
      Linear.class, new Linear(3, 9),
      Cosine.class, new Cosine(3, 9));

  private Examples() {}

  /** The records that implement an interface, of the interface's own package, by name. */
  static List<Class<? extends Record>> records(Class<?> slot) {
    String folder = slot.getPackageName().replace('.', '/');
    try (Stream<Path> files = Files.list(
        Path.of(slot.getProtectionDomain().getCodeSource().getLocation().toURI()).resolve(folder))) {
      List<Class<? extends Record>> records = new ArrayList<>();
      for (String file : files.map(f -> f.getFileName().toString()).sorted().toList()) {
        Class<?> found = Class.forName(slot.getPackageName() + "." + file.replace(".class", ""));
        if (found.isRecord() && slot.isAssignableFrom(found)) {
          records.add(found.asSubclass(Record.class));
        }
      }
      return records;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (ClassNotFoundException | URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Instances of one record: one for each choice of the records that its components can be. */
  static List<Record> of(Class<? extends Record> type) {
    if (REFUSE_DEFAULTS.containsKey(type)) {
      return List.of(REFUSE_DEFAULTS.get(type));
    }
    List<Record> made = new ArrayList<>();
    for (List<Object> arguments : choices(type)) {
      made.add(make(type, arguments).orElseThrow(
          () -> new IllegalStateException(type + " refuses " + arguments + ": add an example to REFUSE_DEFAULTS")));
    }
    return made;
  }

  /** Whether a constructor takes the default values. */
  static boolean takesDefaults(Class<? extends Record> type) {
    return choices(type).stream().anyMatch(arguments -> make(type, arguments).isPresent());
  }

  /** For each component the same record with other values of that component alone. */
  static Map<String, List<Record>> variants(Record record) {
    Map<String, List<Record>> variants = new LinkedHashMap<>();
    RecordComponent[] components = record.getClass().getRecordComponents();
    List<Object> values = Arrays.stream(components).map(c -> value(record, c)).toList();
    for (int i = 0; i < components.length; i++) {
      List<Record> changed = new ArrayList<>();
      for (Object other : others(components[i].getType(), values.get(i))) {
        List<Object> arguments = new ArrayList<>(values);
        arguments.set(i, other);
        make(record.getClass(), arguments).ifPresent(changed::add);
      }
      variants.put(components[i].getName(), changed);
    }
    return variants;
  }

  private static List<List<Object>> choices(Class<? extends Record> type) {
    List<List<Object>> choices = new ArrayList<>(List.of(List.of()));
    for (RecordComponent component : type.getRecordComponents()) {
      List<List<Object>> longer = new ArrayList<>();
      for (List<Object> choice : choices) {
        for (Object value : defaults(component.getType())) {
          List<Object> arguments = new ArrayList<>(choice);
          arguments.add(value);
          longer.add(arguments);
        }
      }
      choices = longer;
    }
    return choices;
  }

  private static List<?> defaults(Class<?> type) {
    if (type == double.class) {
      return List.of(.2);
    }
    if (type == float.class) {
      return List.of(.2f);
    }
    if (type == int.class) {
      return List.of(3);
    }
    if (type == long.class) {
      return List.of(3L);
    }
    if (type == String.class) {
      return List.of("accuracy");
    }
    if (type.isInterface()) {
      return records(type).stream().flatMap(r -> of(r).stream()).toList();
    }
    throw new IllegalStateException("no default for components of " + type);
  }

  private static List<?> others(Class<?> type, Object value) {
    if (value instanceof Double number) {
      return List.of(number * 1.5, number / 2);
    }
    if (value instanceof Float number) {
      return List.of(number * 1.5f, number / 2);
    }
    if (value instanceof Integer number) {
      return List.of(number + 1, number + 2);
    }
    if (value instanceof Long number) {
      return List.of(number + 1, number + 2);
    }
    if (value instanceof String text) {
      return List.of(text + "x");
    }
    return defaults(type).stream().filter(other -> !other.equals(value)).toList();
  }

  private static Optional<Record> make(Class<? extends Record> type, List<Object> arguments) {
    try {
      Class<?>[] types = Arrays.stream(type.getRecordComponents()).map(RecordComponent::getType)
          .toArray(Class<?>[]::new);
      return Optional.of(type.getDeclaredConstructor(types).newInstance(arguments.toArray()));
    } catch (InvocationTargetException e) {
      return Optional.empty();
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Object value(Record record, RecordComponent component) {
    try {
      return component.getAccessor().invoke(record);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }
}
