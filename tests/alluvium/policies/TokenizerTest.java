package alluvium.policies;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.tables.DataException;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerTest {
  private static final String JSON = """
      {"version": "1.0", "truncation": %s, "padding": %s,
       "added_tokens": [{"id": 0, "content": "<eos>", "single_word": false, "lstrip": false, "rstrip": false,
         "normalized": false, "special": true}],
       "normalizer": null, "pre_tokenizer": {"type": "Split", "pattern": {"String": ""}, "behavior": "Isolated",
         "invert": false}, "post_processor": {"type": "TemplateProcessing",
         "single": [{"SpecialToken": {"id": "<eos>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
         "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
         "special_tokens": {"<eos>": {"id": "<eos>", "ids": [0], "tokens": ["<eos>"]}}},
       "decoder": {"type": "Fuse"},
       "model": {"type": "WordLevel", "vocab": {"<eos>": 0, "a": 1, "b": 2, " ": 5}, "unk_token": "<eos>"}}""";

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static Path golden() throws URISyntaxException {
    return Path.of(TokenizerTest.class.getResource("/tokenizers/qwen2-tiny/tokenizer.json").toURI()).getParent();
  }

  private static Tokenizer with(String config) {
    return Tokenizer.of(Map.of(Tokenizer.TOKENIZER, bytes(JSON.formatted("null", "null")),
        Tokenizer.CONFIG, bytes(config)));
  }

  @Test
  void readsAPublishedFolder() throws Exception {
    try (Tokenizer tokenizer = Tokenizer.load(golden())) {
      assertThat(tokenizer.size()).isEqualTo(64);
      assertThat(tokenizer.id("<eos>")).contains(1);
      assertThat(tokenizer.id("A")).contains(20);
      assertThat(tokenizer.id("no such token")).isEmpty();
      assertThat(tokenizer.encode("A0a")).containsExactly(20, 3, 52);
      assertThat(tokenizer.decode(new int[] {20, 3, 52})).isEqualTo("A0a");
      assertThat(tokenizer.encode("")).isEmpty();
      assertThat(tokenizer.decode(new int[0])).isEmpty();
      assertThat(tokenizer.hasTemplate()).isFalse();
    }
  }

  @Test
  void specialTokensInTheTextBecomeTheirIdsAndGoWhenDecoded() throws Exception {
    try (Tokenizer tokenizer = Tokenizer.load(golden())) {
      assertThat(tokenizer.encode("<bos>a<eos>")).containsExactly(2, 52, 1);
      assertThat(tokenizer.decode(new int[] {2, 52, 1})).isEqualTo("a");
      assertThat(tokenizer.decodeAll(new int[] {2, 52, 1})).isEqualTo("<bos>a<eos>");
    }
  }

  @Test
  void idsBeyondTheVocabularyHaveNoTextAndNegativeOnesAreRefused() throws Exception {
    try (Tokenizer tokenizer = Tokenizer.load(golden())) {
      assertThat(tokenizer.decode(new int[] {52, 64, Integer.MAX_VALUE, 53})).isEqualTo("ab");
      assertThatThrownBy(() -> tokenizer.decode(new int[] {52, -1})).isInstanceOf(DataException.class)
          .hasMessage("token -1 cannot be decoded: ids are >= 0");
    }
  }

  @Test
  void nothingIsAddedCutOrPaddedWhateverTheFilesAskFor() {
    String json = JSON.formatted(
        "{\"direction\": \"Right\", \"max_length\": 4, \"strategy\": \"LongestFirst\", \"stride\": 0}",
        "{\"strategy\": {\"Fixed\": 8}, \"direction\": \"Right\", \"pad_to_multiple_of\": null, \"pad_id\": 0,"
            + " \"pad_type_id\": 0, \"pad_token\": \"<eos>\"}");
    byte[] config = bytes("{\"model_max_length\": 3, \"add_bos_token\": true, \"bos_token\": \"<eos>\"}");
    try (Tokenizer tokenizer = Tokenizer.of(Map.of(Tokenizer.TOKENIZER, bytes(json), Tokenizer.CONFIG, config))) {
      assertThat(tokenizer.encode("ab")).containsExactly(1, 2);
      int[] many = tokenizer.encode("ab".repeat(5000));
      assertThat(many).hasSize(10_000).containsOnly(1, 2);
      assertThat(tokenizer.decode(many)).isEqualTo("ab".repeat(5000));
      assertThat(tokenizer.size()).isEqualTo(6);
    }
  }

  @Test
  void halvesOfSurrogatePairsDoNoHarm() {
    Map<String, byte[]> files = CharacterVocabulary.train(List.of("ab\ufffd😀\u0000"));
    try (Tokenizer tokenizer = Tokenizer.of(files)) {
      assertThat(tokenizer.decode(tokenizer.encode("a\ud83db\ude00"))).isEqualTo("a\ufffdb\ufffd");
      assertThat(tokenizer.decode(tokenizer.encode("a😀\u0000"))).isEqualTo("a😀\u0000");
    }
  }

  @Test
  void rendersWithTheTokensOfTheConfiguration() {
    String config = """
        {"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "</s>", "pad_token": null,
         "additional_special_tokens": ["<x>", {"content": "<y>"}],
         "chat_template": "{{ bos_token }}{% for m in messages %}{{ m.role }}:{{ m['content'] }}{{ eos_token }}\
        {% endfor %}{% if add_generation_prompt %}assistant:{% endif %}{{ pad_token }}{{ tools is none }}\
        {{ additional_special_tokens | join }}"}""";
    List<Message> messages = List.of(new Message("user", "a"), new Message("assistant", ""));
    try (Tokenizer tokenizer = with(config)) {
      assertThat(tokenizer.hasTemplate()).isTrue();
      assertThat(tokenizer.render(messages)).isEqualTo("<s>user:a</s>assistant:</s>True<x><y>");
      assertThat(tokenizer.renderForReply(messages)).isEqualTo("<s>user:a</s>assistant:</s>assistant:True<x><y>");
    }
  }

  @Test
  void takesTheTemplateNamedDefaultAndPrefersTheFile() {
    String config = "{\"chat_template\": [{\"name\": \"tool_use\", \"template\": \"no\"},"
        + " {\"name\": \"default\", \"template\": \"yes\"}]}";
    try (Tokenizer tokenizer = with(config)) {
      assertThat(tokenizer.render(List.of())).isEqualTo("yes");
    }
    Map<String, byte[]> files = new HashMap<>(CharacterVocabulary.train(List.of("a")));
    files.put(Tokenizer.CONFIG, bytes(config));
    files.put(Tokenizer.TEMPLATE, bytes("from the file"));
    try (Tokenizer tokenizer = Tokenizer.of(files)) {
      assertThat(tokenizer.render(List.of())).isEqualTo("from the file");
    }
  }

  @Test
  void todayIsAlwaysTheSameDay() {
    try (Tokenizer tokenizer = with("{\"chat_template\": \"{{ strftime_now('%d %b %Y') }}\"}")) {
      assertThat(tokenizer.render(List.of())).isEqualTo("26 Jul 2024");
    }
  }

  @Test
  void withoutTemplateRenderingSaysWhatToDo() throws Exception {
    try (Tokenizer tokenizer = Tokenizer.load(golden())) {
      assertThatThrownBy(() -> tokenizer.render(List.of(new Message("user", "a")))).isInstanceOf(DataException.class)
          .hasMessage("the tokenizer has no chat template: put chat_template.jinja beside tokenizer.json, "
              + "or give prompts as text");
    }
    assertThatThrownBy(() -> new Message(" ", "x")).isInstanceOf(DataException.class)
        .hasMessage("a message has a blank role: name who says 'x'");
  }

  @Test
  void aBrokenTemplateFailsOnlyWhenRendered() {
    try (Tokenizer tokenizer = with("{\"chat_template\": \"{% if %}\"}")) {
      assertThat(tokenizer.encode("ab")).containsExactly(1, 2);
      assertThatThrownBy(() -> tokenizer.render(List.of())).isInstanceOf(DataException.class)
          .hasMessage("chat template, line 1: expected an expression, got '%}'");
    }
  }

  @Test
  void missingAndInvalidFilesAreDataExceptions(@TempDir Path folder) throws IOException {
    assertThatThrownBy(() -> Tokenizer.load(folder)).isInstanceOf(DataException.class)
        .hasMessage(folder + ": there is no tokenizer.json. Export the tokenizer in that form.");
    Map<String, String> invalid = Map.of("{", "is not JSON", "[]", "is not a JSON object", "", "is not a JSON object",
        "{}", "no vocabulary", "{\"model\": {\"vocab\": {\"a\": -1}}}", "has the id -1",
        "{\"model\": {\"vocab\": {\"a\": \"x\"}}}", "has the id \"x\"",
        "{\"model\": {\"type\": \"Nothing\", \"vocab\": {\"a\": 1}}}", "has the type \"Nothing\"",
        "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 1}}}", "is not a tokenizer");
    for (Map.Entry<String, String> entry : invalid.entrySet()) {
      Files.writeString(folder.resolve("tokenizer.json"), entry.getKey());
      assertThatThrownBy(() -> Tokenizer.load(folder)).isInstanceOf(DataException.class)
          .hasMessageContaining(entry.getValue());
    }
  }

  @Test
  void mutilatedFilesNeverEndTheProcess() throws Exception {
    byte[] json = Files.readAllBytes(golden().resolve("tokenizer.json"));
    for (int i = 0; i < json.length; i += 37) {
      byte[] cut = Arrays.copyOf(json, i);
      assertThatThrownBy(() -> Tokenizer.of(Map.of(Tokenizer.TOKENIZER, cut))).isInstanceOf(DataException.class);
      byte[] changed = json.clone();
      changed[i] = (byte) (changed[i] == '9' ? '8' : '9');
      try (Tokenizer tokenizer = Tokenizer.of(Map.of(Tokenizer.TOKENIZER, changed))) {
        tokenizer.decode(tokenizer.encode("<bos>Hell0 <eos>"));
      } catch (DataException refused) {
        assertThat(refused).hasMessageStartingWith("the ");
      }
    }
  }

  @Test
  void afterCloseItSaysSo() throws Exception {
    Tokenizer tokenizer = Tokenizer.load(golden());
    tokenizer.close();
    tokenizer.close();
    assertThatThrownBy(() -> tokenizer.encode("a")).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void manyThreadsShareOne() throws Exception {
    try (Tokenizer tokenizer = Tokenizer.load(golden())) {
      List<String> results = IntStream.range(0, 400).parallel()
          .mapToObj(i -> tokenizer.decode(tokenizer.encode("A" + i))).collect(Collectors.toList());
      assertThat(results).isEqualTo(IntStream.range(0, 400).mapToObj(i -> "A" + i).collect(Collectors.toList()));
    }
  }

  @Test
  void anAbsentIdIsEmpty() {
    try (Tokenizer tokenizer = with("{}")) {
      assertThat(tokenizer.id(" ")).isEqualTo(Optional.of(5));
      assertThat(tokenizer.id("c")).isEmpty();
    }
  }
}
