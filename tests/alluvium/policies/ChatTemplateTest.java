package alluvium.policies;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.tables.DataException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChatTemplateTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static JsonNode golden(String name) throws IOException {
    try (InputStream in = ChatTemplateTest.class.getResourceAsStream("/golden/" + name)) {
      return JSON.readTree(in);
    }
  }

  private static Map<String, Object> map(JsonNode node) {
    return JSON.convertValue(node, new TypeReference<Map<String, Object>>() { });
  }

  private static String render(String template) {
    return new ChatTemplate(template).render(Map.of());
  }

  @TestFactory
  Stream<DynamicTest> rendersAsTransformersDoes() throws IOException {
    List<DynamicTest> tests = new ArrayList<>();
    for (JsonNode c : golden("chat-templates.json")) {
      Map<String, Object> variables = new LinkedHashMap<>();
      for (String name : List.of("messages", "tools", "add_generation_prompt", "bos_token", "eos_token")) {
        variables.put(name, JSON.convertValue(c.get(name), Object.class));
      }
      tests.add(DynamicTest.dynamicTest(c.get("template_name").asText() + ", " + c.get("conversation").asText(),
          () -> assertThat(new ChatTemplate(c.get("template").asText()).render(variables))
              .isEqualTo(c.get("expected").asText())));
    }
    assertThat(tests).hasSize(18);
    return tests.stream();
  }

  @TestFactory
  Stream<DynamicTest> rendersTemplatesInTheStyleOfPublishedModels() throws IOException {
    List<DynamicTest> tests = new ArrayList<>();
    for (JsonNode template : golden("chat-template-styles.json")) {
      ChatTemplate parsed = new ChatTemplate(template.get("template").asText());
      for (JsonNode c : template.get("renders")) {
        tests.add(DynamicTest.dynamicTest(template.get("name").asText() + ", " + c.get("conversation").asText(), () -> {
          if (c.get("error").isNull()) {
            assertThat(parsed.render(map(c.get("variables")))).isEqualTo(c.get("expected").asText());
          } else {
            assertThatThrownBy(() -> parsed.render(map(c.get("variables")))).isInstanceOf(DataException.class)
                .hasMessageContaining(c.get("error").asText());
          }
        }));
      }
    }
    assertThat(tests).hasSize(45);
    return tests.stream();
  }

  @Test
  void saysOfEachExpressionAndBlockWhatJinjaSays() throws IOException {
    JsonNode golden = golden("jinja.json");
    Map<String, Object> variables = map(golden.get("variables"));
    List<String> differences = new ArrayList<>();
    for (JsonNode c : golden.get("cases")) {
      String template = c.get("template").asText();
      Optional<String> expected = c.get("refused").asBoolean() ? Optional.empty()
          : Optional.of(c.get("expected").asText());
      Optional<String> rendered = attempt(template, variables);
      if (!rendered.equals(expected)) {
        differences.add(template + " gave " + rendered + ", not " + expected);
      }
    }
    assertThat(golden.get("cases")).hasSizeGreaterThan(600);
    assertThat(differences).isEmpty();
  }

  private static Optional<String> attempt(String template, Map<String, Object> variables) {
    try {
      return Optional.of(new ChatTemplate(template).render(variables));
    } catch (DataException refused) {
      return Optional.empty();
    }
  }

  @Test
  void raiseExceptionIsADataExceptionWithItsLine() {
    assertThatThrownBy(() -> render("a\n{% if true %}\n{{ raise_exception('100% wrong') }}{% endif %}"))
        .isInstanceOf(DataException.class).hasMessage("chat template, line 3: 100% wrong");
  }

  @Test
  void mistakesNameTheirLine() {
    assertThatThrownBy(() -> new ChatTemplate("{{ 1 }}\n\n{{ 1 + }}")).isInstanceOf(DataException.class)
        .hasMessage("chat template, line 3: unexpected '}}'");
    assertThatThrownBy(() -> new ChatTemplate("x\n{% fro a in b %}{% endfor %}")).isInstanceOf(DataException.class)
        .hasMessage("chat template, line 2: unknown or misplaced tag 'fro'");
    assertThatThrownBy(() -> new ChatTemplate("{% if a %}\n{{ 'x }}")).isInstanceOf(DataException.class)
        .hasMessage("chat template, line 2: the string is not closed: write '");
    assertThatThrownBy(() -> render("x\n{{ message.content }}")).isInstanceOf(DataException.class)
        .hasMessage("chat template, line 2: 'message' is undefined");
    assertThatThrownBy(() -> render("\n\n{{ 1 / 0 }}")).hasMessage("chat template, line 3: division by zero");
    assertThatThrownBy(() -> render("{{ 9223372036854775807 + 1 }}"))
        .hasMessage("chat template, line 1: an integer does not fit in 64 bits");
  }

  @Test
  void tellsTheClocksTime() {
    Clock clock = Clock.fixed(Instant.parse("2025-03-04T15:06:07Z"), ZoneOffset.UTC);
    String template = "{{ strftime_now('%d %b %Y, %A %-d %B %H:%M:%S %I%p %j %%') }}";
    assertThat(new ChatTemplate(template, clock).render(Map.of())).isEqualTo(
        "04 Mar 2025, Tuesday 4 March 15:06:07 03PM 063 %");
  }

  @Test
  void seesJavaValuesAsPythonWould() {
    Map<String, Object> variables = Map.of("i", 3, "f", 0.5f, "l", List.of(1, "a", true), "none", Optional.empty(),
        "some", Optional.of(2), "m", Map.of("k", 1L));
    assertThat(new ChatTemplate("{{ i }} {{ f }} {{ l }} {{ some }} {{ m }} {{ i / 2 }}").render(variables))
        .isEqualTo("3 0.5 [1, 'a', True] 2 {'k': 1} 1.5");
    assertThatThrownBy(() -> new ChatTemplate("{{ x }}").render(Map.of("x", new Object())))
        .isInstanceOf(DataException.class)
        .hasMessage("chat template, line 1: a template cannot see a value of class java.lang.Object");
  }

  @Test
  void showsNothingOfJava() {
    for (String path : List.of("''.getClass()", "''['class']", "[].stream()", "{}.entrySet()", "range.call",
        "namespace().values", "''.__class__.__mro__", "[].append(1)", "{}.update({})", "{}.__class__()")) {
      assertThat(attempt("{{ " + path + " }}", Map.of())).as(path).isIn(Optional.empty(), Optional.of(""));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {
    "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
    "{% set n = namespace(s='a') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
    "{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}",
    "{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s }}",
    "{% set n = namespace(s=1) %}{% for i in range(50) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s | tojson }}",
    "{% set n = namespace(s=1, t=1) %}{% for i in range(50) %}{% set n.s = [n.s, n.s] %}{% set n.t = [n.t, n.t] %}"
        + "{% endfor %}{{ n.s == n.t }}",
    "{% set n = namespace(s=1) %}{% for i in range(9999) %}{% set n.s = [n.s] %}{% endfor %}{{ n.s }}",
    "{% set n = namespace() %}{% set n.n = n %}{{ n }}",
    "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}",
    "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(50) }}",
    "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{{ 'a' * 10000000000 }}",
    "{{ [1] * 10000000000 }}",
    "{{ 'a'.rjust(99999999999) }}",
    "{{ 'a' | center(99999999999) }}",
    "{{ 'a' | indent(99999999999) }}",
    "{{ range(100000000) | list }}",
    "{{ 2 ** 100000000000 }}"})
  void refusesWhatWouldHangOrExhaust(String template) {
    Assertions.assertTimeoutPreemptively(Duration.ofSeconds(60),
        () -> assertThatThrownBy(() -> render(template)).isInstanceOf(DataException.class));
  }

  @Test
  void searchesInLinearTime() {
    String template = "{% set n = namespace(s='a') %}{% for i in range(19) %}{% set n.s = n.s ~ n.s %}{% endfor %}"
        + "{{ (n.s ~ n.s).find(n.s ~ 'b') }} {{ (n.s ~ 'b' ~ n.s).rfind('b' ~ n.s) }} {{ (n.s ~ 'b') in n.s }} "
        + "{{ (n.s ~ ' ') * 2 == n.s ~ ' ' ~ n.s ~ ' ' }} {{ ('a ' * 99999).split() | length }}";
    Assertions.assertTimeoutPreemptively(Duration.ofSeconds(30),
        () -> assertThat(render(template)).isEqualTo("-1 524288 False True 99999"));
  }

  @Test
  void refusesDeepNestingInTheSource() {
    int n = 50_000;
    for (String source : List.of("{{ " + "(".repeat(n) + "1" + ")".repeat(n) + " }}", "{{ " + "not ".repeat(n) + "1 }}",
        "{{ " + "-".repeat(n) + "1 }}", "{{ " + "[".repeat(n) + "]".repeat(n) + " }}", "{% if 1 %}".repeat(n),
        "{{ 1 " + "+ 1 ".repeat(n) + "}}", "{{ x" + "|upper".repeat(n) + " }}", "x".repeat(2_000_000))) {
      assertThatThrownBy(() -> render(source)).isInstanceOf(DataException.class);
    }
    assertThat(render("{{ " + "(".repeat(90) + "1" + ")".repeat(90) + " }}")).isEqualTo("1");
    assertThat(render("{{ 1 " + "~ 1 ".repeat(n) + "}}")).hasSize(n + 1);
  }

  @Test
  void longConversationsPass() {
    List<Map<String, Object>> messages = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      messages.add(Map.of("role", i % 2 == 0 ? "user" : "assistant", "content", "x".repeat(2000)));
    }
    String text = new ChatTemplate("{% for m in messages %}{{ m.role + ':' + m.content | trim }}\n{% endfor %}")
        .render(Map.of("messages", messages));
    assertThat(text).hasSize(1000 * (2000 + "user:".length() + 1) + 1000 * (2000 + "assistant:".length() + 1));
  }
}
