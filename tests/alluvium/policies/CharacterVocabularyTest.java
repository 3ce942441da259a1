package alluvium.policies;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.tables.RecipeException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CharacterVocabularyTest {
  @Test
  void oneIdForEachCharacterInOrder() {
    // <pad> 0, <eos> 1, <unk> 2, then space (U+0020) 3, a 4, b 5, ü (U+00FC) 6, 😀 (U+1F600) 7
    try (Tokenizer tokenizer = Tokenizer.of(CharacterVocabulary.train(List.of("b a", "😀üb")))) {
      assertThat(tokenizer.size()).isEqualTo(8);
      assertThat(tokenizer.encode("ab 😀ü")).containsExactly(4, 5, 3, 7, 6);
      assertThat(tokenizer.encode("azb<eos>")).containsExactly(4, 2, 5, 1);
      assertThat(tokenizer.id("<pad>")).contains(0);
      assertThat(tokenizer.id("<eos>")).contains(1);
      assertThat(tokenizer.id("<unk>")).contains(2);
      assertThat(tokenizer.decode(new int[] {0, 4, 2, 5, 1})).isEqualTo("ab");
      assertThat(tokenizer.decodeAll(new int[] {0, 4, 1})).isEqualTo("<pad>a<eos>");
    }
  }

  @Test
  void textsComeBackToTheLetter() {
    List<String> texts = List.of("12+30=42\n", " \t\r\n  two  ", "日本語、漢字", "👩‍👩‍👧 é é \u0000\u007f\ufeff", "\"\\/<>&'");
    try (Tokenizer tokenizer = Tokenizer.of(CharacterVocabulary.train(texts))) {
      for (String text : texts) {
        int[] ids = tokenizer.encode(text);
        assertThat(ids).hasSize(text.codePointCount(0, text.length())).doesNotContain(2);
        assertThat(tokenizer.decode(ids)).isEqualTo(text);
      }
    }
  }

  @Test
  void theOrderOfTheTextsDoesNotMatter() {
    Map<String, byte[]> one = CharacterVocabulary.train(List.of("ab", "c"));
    Map<String, byte[]> other = CharacterVocabulary.train(List.of("c", "", "bca"));
    assertThat(one.keySet()).containsExactly("tokenizer.json", "tokenizer_config.json");
    one.forEach((name, bytes) -> assertThat(other.get(name)).isEqualTo(bytes));
    byte[] more = CharacterVocabulary.train(List.of("abcd")).get("tokenizer.json");
    assertThat(more).isNotEqualTo(one.get("tokenizer.json"));
  }

  @Test
  void furtherSpecialTokensComeBeforeTheCharacters() {
    try (Tokenizer tokenizer = Tokenizer.of(CharacterVocabulary.train(List.of("ab"), List.of("<user>")))) {
      assertThat(tokenizer.encode("<user>b")).containsExactly(3, 5);
      assertThat(tokenizer.decode(new int[] {3, 5})).isEqualTo("b");
    }
    assertThatThrownBy(() -> CharacterVocabulary.train(List.of("a"), List.of("<eos>")))
        .isInstanceOf(RecipeException.class)
        .hasMessage("special tokens must differ from each other, got [<pad>, <eos>, <unk>, <eos>]");
    assertThatThrownBy(() -> CharacterVocabulary.train(List.of("a"), List.of(""))).isInstanceOf(RecipeException.class);
  }

  @Test
  void noTextsGiveSpecialTokensAlone() {
    try (Tokenizer tokenizer = Tokenizer.of(CharacterVocabulary.train(List.of()))) {
      assertThat(tokenizer.size()).isEqualTo(3);
      assertThat(tokenizer.encode("a")).containsExactly(2);
    }
  }

  @Test
  void theConfigurationNamesTheTokens() {
    String config = new String(CharacterVocabulary.train(List.of("a")).get("tokenizer_config.json"),
        StandardCharsets.UTF_8);
    assertThat(config).contains("\"pad_token\":\"<pad>\"", "\"eos_token\":\"<eos>\"", "\"unk_token\":\"<unk>\"");
  }
}
