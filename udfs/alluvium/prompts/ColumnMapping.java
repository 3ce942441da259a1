package alluvium.prompts;

import static alluvium.tables.RecipeException.require;

import alluvium.prompts.Task.Turn;
import alluvium.tables.DataException;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Rows of any table, told which column is what.
 *
 * <p>The prompt is a text or a list of {role, content}. An answer column that is named must be filled in every row;
 * solution, id and split may be absent from a row: then there is none, the id is the content's digest, the split is
 * train. All other columns become metadata.
 *
 * @param source name of the data set
 * @param columns column of the prompt and, as far as there are any, of answer, solution, id and split
 */
public record ColumnMapping(String source, Map<String, String> columns) implements TaskFormat {
  private static final String PROMPT = "prompt";
  private static final String ANSWER = "answer";
  private static final String SOLUTION = "solution";
  private static final String ID = "id";
  private static final String SPLIT = "split";
  private static final Set<String> KNOWN = Set.of(PROMPT, ANSWER, SOLUTION, ID, SPLIT);

  public ColumnMapping {
    require(!source.isBlank(), "ColumnMapping.source must not be blank");
    require(columns.containsKey(PROMPT), "ColumnMapping.columns must name the column of the prompt, got %s", columns);
    columns.forEach((part, column) -> require(KNOWN.contains(part) && !column.isBlank(),
        "ColumnMapping.columns.%s is none of %s, or names no column", part, KNOWN.stream().sorted().toList()));
    columns = Collections.unmodifiableMap(new TreeMap<>(columns));
  }

  @Override
  public List<Task> tasks(Map<String, Object> row) {
    RawRow raw = RawRow.of(row);
    Optional<String> answer = Optional.ofNullable(columns.get(ANSWER)).map(raw::scalarOf);
    Task task = prompted(source, raw, columns.get(PROMPT), answer);
    return List.of(task.withId(optional(raw, ID).orElse(task.id()))
        .withSplit(optional(raw, SPLIT).map(Split::of).orElse(Split.TRAIN))
        .withSolution(optional(raw, SOLUTION))
        .withMetadata(raw.rest(new HashSet<>(columns.values()))));
  }

  private Optional<String> optional(RawRow raw, String part) {
    return Optional.ofNullable(columns.get(part)).flatMap(raw::scalar);
  }

  /** A task whose prompt column holds a text or chat turns. */
  static Task prompted(String source, RawRow raw, String column, Optional<String> answer) {
    if (raw.value(column).filter(value -> value instanceof List).isPresent()) {
      return Task.of(source, asked(raw.turns(column), column), answer);
    }
    return Task.of(source, raw.text(column), answer);
  }

  /** The turns, unless there are none or the last one is empty: then there is nothing to answer. */
  static List<Turn> asked(List<Turn> turns, String column) {
    if (turns.isEmpty() || turns.get(turns.size() - 1).content().isBlank()) {
      throw new DataException("%s is empty", column);
    }
    return turns;
  }
}
