package alluvium.prompts;

import static alluvium.tables.RecipeException.require;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Rows {prompt, answer}: a text or a list of {role, content}, and the reference answer, a text or a number. Both must
 * be there. Other columns become metadata.
 *
 * @param source name of the data set
 */
public record PromptAnswer(String source) implements TaskFormat {
  public PromptAnswer {
    require(!source.isBlank(), "PromptAnswer.source must not be blank");
  }

  @Override
  public List<Task> tasks(Map<String, Object> row) {
    RawRow raw = RawRow.of(row);
    return List.of(ColumnMapping.prompted(source, raw, "prompt", Optional.of(raw.scalarOf("answer")))
        .withMetadata(raw.rest(Set.of("prompt", "answer"))));
  }
}
