package alluvium.rewards;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.Optional;
import java.util.Set;

/**
 * Whether the completion is JSON that a schema allows: what stands in the last fenced block marked json, else the whole
 * completion. Anything that is not one JSON value, a key given twice included, is wrong. Patterns of the schema that
 * read more than 20 million characters are a TIMEOUT. The reference answer is not looked at.
 *
 * @param schema a JSON schema as text, of the keywords that {@link JsonSchema} knows
 * @param right reward of a valid value
 * @param wrong reward of any other completion, < right
 */
public record JsonSchemaAnswer(String schema, double right, double wrong) implements Verifier {
  private static final Set<String> WORDS = Set.of("json");

  public JsonSchemaAnswer {
    Outcome.check("JsonSchemaAnswer", right, wrong);
    JsonSchema.parse("JsonSchemaAnswer.schema", schema);
  }

  @Override
  public Verdict verdict(Sample sample) {
    JsonNode value;
    try {
      value = JsonSchema.read(Fenced.last(sample.completion(), WORDS).orElse(sample.completion()));
    } catch (JsonProcessingException e) {
      return Verdict.ok(wrong, String.format("not JSON: %.60s", e.getOriginalMessage()));
    }
    try {
      Optional<String> violation = JsonSchema.parse("JsonSchemaAnswer.schema", schema).violation(value);
      return violation.isEmpty() ? Verdict.ok(right, "") : Verdict.ok(wrong, String.format("%.120s", violation.get()));
    } catch (MeteredText.Exhausted e) {
      return Verdict.failed(Status.TIMEOUT, e.getMessage());
    }
  }
}
