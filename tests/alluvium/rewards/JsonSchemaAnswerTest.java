package alluvium.rewards;

import static alluvium.rewards.NumericAnswerTest.sample;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import alluvium.tables.RecipeException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonSchemaAnswerTest {
  /** Keyword by keyword: a schema, a value it allows, a value it refuses, and what is said of the latter. */
  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
      "{'type':'integer'} | 1.0 | 1.5 | $ is not of type 'integer'",
      "{'type':'integer'} | 1e2 | '1' | $ is not of type 'integer'",
      "{'type':'number'} | 1.5 | true | $ is not of type 'number'",
      "{'type':'boolean'} | false | 0 | $ is not of type 'boolean'",
      "{'type':['string','null']} | null | [] | $ is not of type ['string','null']",
      "{'type':'object'} | {} | [] | $ is not of type 'object'",
      "{'type':'array'} | [] | {} | $ is not of type 'array'",
      "{'properties':{'a':{'type':'string'}}} | {'a':'x','b':1} | {'a':1} | $.a is not of type 'string'",
      "{'required':['a']} | {'a':null} | {'b':1} | $ lacks 'a'",
      "{'properties':{'a':{}},'additionalProperties':false} | {'a':1} | {'a':1,'b':2} | $.b: not allowed",
      "{'additionalProperties':{'type':'number'}} | {'b':2} | {'b':'x'} | $.b is not of type 'number'",
      "{'items':{'type':'number'}} | [1,2] | [1,'x'] | $[1] is not of type 'number'",
      "{'enum':[1,'a',{'k':[1]}]} | {'k':[1.0]} | 2 | $ is none of [1,'a',{'k':[1]}]",
      "{'const':{'a':1,'b':2}} | {'b':2,'a':1.0} | {'a':1} | $ is not {'a':1,'b':2}",
      "{'minimum':2} | 2 | 1.999 | $ is less than 2",
      "{'maximum':2} | 2.0 | 2.001 | $ is more than 2",
      "{'exclusiveMinimum':2} | 2.001 | 2 | $ is not more than 2",
      "{'exclusiveMaximum':2} | 1.999 | 2 | $ is not less than 2",
      "{'minLength':2} | '\uD83D\uDE00b' | '\uD83D\uDE00' | $ is shorter than 2",
      "{'maxLength':1} | '\uD83D\uDE00' | 'ab' | $ is longer than 1",
      "{'pattern':'^a+$'} | 'aa' | 'ab' | $ does not match '^a+$'",
      "{'minItems':1} | [0] | [] | $ has fewer items than 1",
      "{'maxItems':1} | [0] | [0,1] | $ has more items than 1",
      "{'uniqueItems':true} | [1,'1',[1],{'a':1}] | [{'a':1,'b':0},{'b':0,'a':1.0}] | $ has equal items",
      "{'uniqueItems':false} | [1,1] | x | not JSON",
      "{'anyOf':[{'type':'string'},{'minimum':5}]} | 5 | 4 | $ obeys no schema of anyOf",
      "{'allOf':[{'type':'number'},{'minimum':5}]} | 5 | 4 | $ is less than 5",
      "{'oneOf':[{'minimum':5},{'maximum':7}]} | 4 | 6 | $ obeys none or several schemas of oneOf",
      "{'not':{'type':'string'}} | 4 | 'x' | $ obeys the schema of not",
      "{'minimum':5,'minLength':3,'minItems':2,'required':['a']} | true | 4 | $ is less than 5",
      "{'title':'t','description':'d','default':1,'examples':[],'$comment':'c'} | 1 | [ | not JSON",
      "true | 1 | } | not JSON"})
  void keywords(String schema, String allowed, String refused, String message) {
    JsonSchemaAnswer reward = new JsonSchemaAnswer(json(schema), 1, 0);
    assertEquals(Verdict.ok(1, ""), reward.verdict(sample(json(allowed), "")));
    Verdict verdict = reward.verdict(sample(json(refused), ""));
    assertEquals(0, verdict.value());
    assertTrue(verdict.message().startsWith(json(message)), verdict.message());
  }

  private static String json(String text) {
    return text.replace('\'', '"');
  }

  @Test
  void theLastFencedBlockOrTheWholeCompletion() {
    JsonSchemaAnswer reward = new JsonSchemaAnswer("{\"type\":\"object\"}", 1, 0);
    assertEquals(1, reward.verdict(sample("First\n```json\n[1]\n```\nthen\n```json\n{\"a\": 1}\n```\nDone.",
        "")).value());
    assertEquals(0, reward.verdict(sample("```json\n{}\n```\nor\n```json\n[1]\n```", "")).value());
    assertEquals(1, reward.verdict(sample("```JSON\r\n{}\r\n```", "")).value());
    assertEquals(1, reward.verdict(sample("```json\n{}", "")).value());
    assertEquals(1, reward.verdict(sample("  {}\n", "")).value());
    assertEquals(0, reward.verdict(sample("Here: {}", "")).value());
    assertEquals(0, reward.verdict(sample("{} {}", "")).value());
    assertEquals(0, reward.verdict(sample("{\"a\":1,\"a\":2}", "")).value());
    assertEquals(Verdict.ok(0, "not JSON: no value"), reward.verdict(sample("", "")));
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
      "{'multipleOf':2} | JsonSchemaAnswer.schema.multipleOf is a keyword that is not checked here. Leave it out",
      "{'properties':{'a':{'$ref':'#'}}} | JsonSchemaAnswer.schema.properties.a.$ref is a keyword",
      "{'type':'text'} | JsonSchemaAnswer.schema.type must be of [array, boolean, integer,",
      "{'type':[]} | JsonSchemaAnswer.schema.type must name a type",
      "{'minLength':-1} | JsonSchemaAnswer.schema.minLength",
      "{'maxItems':1.5} | JsonSchemaAnswer.schema.maxItems must be a count",
      "{'minimum':'1'} | JsonSchemaAnswer.schema.min",
      "{'pattern':'('} | JsonSchemaAnswer.schema.pattern '(' is not a pattern: Unclosed group",
      "{'pattern':1} | JsonSchemaAnswer.schema.pattern must be a text",
      "{'required':'a'} | JsonSchemaAnswer.schema.required",
      "{'required':[1]} | JsonSchemaAnswer.schema.required",
      "{'enum':[]} | JsonSchemaAnswer.schema.enum must be a list",
      "{'anyOf':[]} | JsonSchemaAnswer.schema.anyOf must be a list",
      "{'allOf':[3]} | JsonSchemaAnswer.schema.allOf must be",
      "{'uniqueItems':1} | JsonSchemaAnswer.schema.uniqueItems must be true or false",
      "{'properties':[]} | JsonSchemaAnswer.schema.properties must be an object",
      "[] | JsonSchemaAnswer.schema must be",
      "{ | JsonSchemaAnswer.schema is not JSON"})
  void badSchemasAreRefused(String schema, String message) {
    String said = assertThrows(RecipeException.class, () -> new JsonSchemaAnswer(json(schema), 1, 0)).getMessage();
    assertTrue(said.startsWith(message), said);
  }

  @Test
  void schemasNestedTooDeepAreRefused() {
    String deep = "{\"not\":".repeat(65) + "{}" + "}".repeat(65);
    assertThrows(RecipeException.class, () -> new JsonSchemaAnswer(deep, 1, 0));
  }

  @ParameterizedTest
  @ValueSource(strings = {"[", "{\"a\":", "1", "[1],", "\"a\",", "```json\n", "1e99"})
  void hostileCompletionsAreWrongInTime(String piece) {
    JsonSchemaAnswer reward = new JsonSchemaAnswer("{\"uniqueItems\":true,\"const\":1,\"items\":{}}", 1, 0);
    String text = piece.repeat(1_000_000 / piece.length());
    assertTimeoutPreemptively(Duration.ofSeconds(10), () -> assertEquals(0, reward.verdict(sample(text, "")).value()));
  }

  @Test
  void hugeNumbersAndHugeListsAreComparedInTime() {
    JsonSchemaAnswer reward = new JsonSchemaAnswer(
        "{\"items\":{\"type\":\"integer\",\"minimum\":0,\"not\":{\"const\":7}},\"uniqueItems\":true}", 1, 0);
    assertTimeoutPreemptively(Duration.ofSeconds(10), () -> {
      assertEquals(1, reward.verdict(sample("[1e300]", "")).value());
      assertEquals(0, reward.verdict(sample("[1e999999999]", "")).value());
      assertEquals(0, reward.verdict(sample("[1e-999999999]", "")).value());
      assertEquals(0, reward.verdict(sample("[1e99999999999]", "")).value());
      assertEquals(0, reward.verdict(sample("[" + "7,".repeat(300_000) + "7]", "")).value());
      assertEquals(0, new JsonSchemaAnswer("{\"uniqueItems\":true}", 1, 0)
          .verdict(sample("[" + "7,".repeat(300_000) + "7]", "")).value());
    });
  }

  @Test
  void aPatternThatBacktracksForeverTimesOut() {
    JsonSchemaAnswer reward = new JsonSchemaAnswer("{\"pattern\":\"^(a|a)*\\\\1b\"}", 1, 0);
    assertEquals(Status.TIMEOUT, reward.verdict(sample("\"" + "a".repeat(60) + "\"", "")).status());
  }
}
