package alluvium.jobs;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.Modifier;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Enumeration;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.regex.Pattern;

/**
 * The records that can fill a slot: the public ones of the slot's own package that implement it, or the slot itself
 * where it is a record. A class is found by its name alone; the list of names only words the errors.
 */
record SlotClasses(Class<?> slot) {
  private static final Pattern NAME = Pattern.compile("[A-Za-z][A-Za-z0-9]{0,99}");
  private static final String SUFFIX = ".class";

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
      // its own class file is there even in a jar without entries for folders
      add(slot.getResource(slot.getName().substring(slot.getPackageName().length() + 1) + SUFFIX), names);
      Enumeration<URL> folders = slot.getClassLoader().getResources(folder());
      while (folders.hasMoreElements()) {
        add(folders.nextElement(), names);
      }
    } catch (IOException e) {
      return names;       // an unreadable jar shortens the message, nothing else
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

  private void add(URL url, SortedSet<String> names) throws IOException {
    URLConnection connection = url.openConnection();
    if (connection instanceof JarURLConnection jar) {
      for (Enumeration<JarEntry> entries = jar.getJarFile().entries(); entries.hasMoreElements();) {
        String entry = entries.nextElement().getName();
        if (entry.startsWith(folder() + '/')) {
          addFile(entry.substring(folder().length() + 1), names);
        }
      }
      return;
    }
    File file = new File(URLDecoder.decode(url.getPath().replace("+", "%2B"), StandardCharsets.UTF_8));
    String[] files = (file.isDirectory() ? file : file.getParentFile()).list();
    for (String entry : files == null ? new String[0] : files) {
      addFile(entry, names);
    }
  }

  private static void addFile(String file, SortedSet<String> names) {
    if (file.endsWith(SUFFIX)) {
      names.add(file.substring(0, file.length() - SUFFIX.length()));
    }
  }
}
