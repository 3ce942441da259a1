package alluvium.notebooks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** One cell of a notebook, without what the notebook's format adds to it. */
record Cell(Kind kind, String text) {
  private static final String DATABRICKS = "// Databricks notebook source\n";
  private static final String NEXT = "\n\n// COMMAND ----------\n\n";
  private static final String MAGIC = "// MAGIC";

  enum Kind { TEXT, SCALA, SQL }

  /** The cells of a Databricks notebook in its source format. */
  static List<Cell> ofDatabricks(Path file) throws IOException {
    String source = Files.readString(file);
    if (!source.startsWith(DATABRICKS) || !source.endsWith("\n")) {
      throw new IllegalArgumentException(file + " is no Databricks notebook: its first line, or the end of its last");
    }
    return Arrays.stream(source.substring(DATABRICKS.length(), source.length() - 1).split(NEXT, -1))
        .map(Cell::ofDatabricks).toList();
  }

  private static Cell ofDatabricks(String source) {
    List<String> lines = source.lines().toList();
    long magic = lines.stream().filter(l -> l.startsWith(MAGIC)).count();
    if (magic == 0) {
      return new Cell(Kind.SCALA, source);
    }
    if (magic < lines.size() || lines.stream().anyMatch(l -> !l.matches(MAGIC + "( .*)?"))) {
      throw new IllegalArgumentException("a cell is partly " + MAGIC + ":\n" + source);
    }
    return ofMagic(lines.stream().map(l -> l.substring(Math.min(l.length(), MAGIC.length() + 1)))
        .collect(Collectors.joining("\n")), "%scala", "%sql");
  }

  /** The cell of a Zeppelin paragraph's text. */
  static Cell ofZeppelin(String text) {
    return ofMagic(text, "%spark", "%spark.sql");
  }

  private static Cell ofMagic(String text, String scala, String sql) {
    int end = text.indexOf('\n');
    String first = text.substring(0, end);
    if (!List.of("%md", scala, sql).contains(first)) {
      throw new IllegalArgumentException("a cell starts with '" + first + "'");
    }
    return new Cell(first.equals("%md") ? Kind.TEXT : first.equals(sql) ? Kind.SQL : Kind.SCALA,
        text.substring(end + 1).strip());
  }
}
