package alluvium.prompts;

import static alluvium.tables.RecipeException.require;

import alluvium.tables.DataException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Rows {question, answer} as in GSM8K: the answer is a worked solution that ends with "#### 72" and carries calculator
 * annotations such as {@literal <<48/2=24>>}. The answer is what follows the last ####, the solution the whole text
 * without its annotations. Other columns become metadata.
 *
 * @see <a href="https://arxiv.org/abs/2110.14168">Cobbe et al. 2021</a>
 * @param source name of the data set
 */
public record Gsm8k(String source) implements TaskFormat {
  static final String MARKER = "####";
  static final Pattern ANNOTATION = Pattern.compile("<<([^<>]*+)>>");

  public Gsm8k {
    require(!source.isBlank(), "Gsm8k.source must not be blank");
  }

  @Override
  public List<Task> tasks(Map<String, Object> row) {
    RawRow raw = RawRow.of(row);
    String worked = raw.text("answer");
    int marker = worked.lastIndexOf(MARKER);
    String answer = marker < 0 ? "" : worked.substring(marker + MARKER.length()).strip();
    if (answer.isEmpty()) {
      throw new DataException("answer must end with #### and the result, got '...%s'",
          worked.substring(Math.max(0, worked.length() - 40)));
    }
    return List.of(Task.of(source, raw.text("question"), Optional.of(answer))
        .withSolution(Optional.of(ANNOTATION.matcher(worked).replaceAll("")))
        .withMetadata(raw.rest(Set.of("question", "answer"))));
  }
}
