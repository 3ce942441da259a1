package alluvium.prompts;

import static alluvium.tables.RecipeException.require;

import alluvium.prompts.Task.Turn;
import alluvium.tables.DataException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Rows {messages: [{role, content}, ...]}: a conversation whose last turn, where it is the assistant's, is the
 * solution; the turns before it are the prompt. A conversation that ends with another role has no solution. A column
 * named answer is the reference answer. Other columns become metadata.
 *
 * @param source name of the data set
 */
public record Messages(String source) implements TaskFormat {
  private static final String ASSISTANT = "assistant";

  public Messages {
    require(!source.isBlank(), "Messages.source must not be blank");
  }

  @Override
  public List<Task> tasks(Map<String, Object> row) {
    RawRow raw = RawRow.of(row);
    List<Turn> turns = raw.turns("messages");
    int last = turns.size() - 1;
    boolean solved = last >= 0 && turns.get(last).role().equals(ASSISTANT);
    if (solved && turns.get(last).content().isBlank()) {
      throw new DataException("messages[%s].content is empty, but the last turn is the solution", last);
    }
    Task task = Task.of(source, ColumnMapping.asked(solved ? turns.subList(0, last) : turns, "messages"),
        raw.scalar("answer"));
    return List.of(task.withSolution(solved ? Optional.of(turns.get(last).content()) : Optional.empty())
        .withMetadata(raw.rest(Set.of("messages", "answer"))));
  }
}
