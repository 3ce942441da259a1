package alluvium.jobs;

import java.io.IOException;
import java.lang.reflect.Modifier;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The records that can fill a slot: the public ones of the slot's own package that implement it, or the slot itself
 * where it is a record. A class is found by its name alone; the list of names only words the errors.
 */
record SlotClasses(Class<?> slot) {
  private static final Pattern NAME = Pattern.compile("[A-Za-z][A-Za-z0-9]{0,99}");
  private static final String SUFFIX = ".class";
  private static final String FILE = "file";
  private static final Logger LOG = LoggerFactory.getLogger(SlotClasses.class);

  /** The record of this name, if it fills the slot. */
  Optional<Class<?>> named(String name) {
    return inPackage(name).filter(this::fills);
  }

  /** Whether the package has such a record, be it for this slot or for another. */
  boolean hasRecord(String name) {
    return inPackage(name).isPresent();
  }

  /** The last word of the package: advantages, objectives. */
  String packageWord() {
    String name = slot.getPackageName();
    return name.substring(name.lastIndexOf('.') + 1);
  }

  /** Names of all records that fill the slot, sorted. */
  SortedSet<String> names() {
    SortedSet<String> names = new TreeSet<>();
    try {
      List<URL> places = Collections.list(slot.getClassLoader().getResources(folder()));
      // its own class file is there even in a jar without entries for folders
      URL own = slot.getResource(slot.getName().substring(slot.getPackageName().length() + 1) + SUFFIX);
      Optional.ofNullable(own).ifPresent(places::add);
      for (URL place : places) {
        add(place, names);
      }
    } catch (IOException | URISyntaxException e) {
      LOG.debug("cannot list the classes of {}: it only shortens a message", slot.getPackageName(), e);
    }
    names.removeIf(name -> named(name).isEmpty());
    return names;
  }

  private boolean fills(Class<?> type) {
    return slot.isAssignableFrom(type);
  }

  private Optional<Class<?>> inPackage(String name) {
    if (!NAME.matcher(name).matches()) {
      return Optional.empty();
    }
    try {
      Class<?> type = Class.forName(slot.getPackageName() + '.' + name, false, slot.getClassLoader());
      return type.isRecord() && Modifier.isPublic(type.getModifiers()) ? Optional.of(type) : Optional.empty();
    } catch (ClassNotFoundException | LinkageError e) {
      return Optional.empty();
    }
  }

  private String folder() {
    return slot.getPackageName().replace('.', '/');
  }

  private void add(URL url, SortedSet<String> names) throws IOException, URISyntaxException {
    URLConnection connection = url.openConnection();
    if (connection instanceof JarURLConnection jar) {
      jar.setUseCaches(false);        // a shared JarFile may be closed under us, and must not be closed by us
      try (JarFile file = jar.getJarFile()) {
        file.stream().map(JarEntry::getName).filter(name -> name.startsWith(folder() + '/'))
            .forEach(name -> addFile(name.substring(folder().length() + 1), names));
      }
    } else if (FILE.equals(url.getProtocol())) {
      Path path = Path.of(url.toURI());
      try (Stream<Path> files = Files.list(Files.isDirectory(path) ? path : path.getParent())) {
        files.forEach(file -> addFile(file.getFileName().toString(), names));
      }
    }
  }

  private static void addFile(String file, SortedSet<String> names) {
    if (file.endsWith(SUFFIX)) {
      names.add(file.substring(0, file.length() - SUFFIX.length()));
    }
  }
}
