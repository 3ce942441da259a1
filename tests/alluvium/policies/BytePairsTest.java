package alluvium.policies;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.tables.RecipeException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BytePairsTest {
  private static final int SMALLEST = 258;   // <pad>, <eos> and 256 bytes
  private static final String TEXT = "The river lays down what it carries: sand, silt and clay. It's the river's way; "
      + "layer upon layer, the plain grows.\n\n  In 2024 it carried 120 tonnes, in 2025 only 98.\tÜber 日本語 😀😀 ";

  private static JsonNode model(Map<String, byte[]> files) throws IOException {
    return new ObjectMapper().readTree(files.get("tokenizer.json")).get("model");
  }

  private static List<String> merges(Map<String, byte[]> files) throws IOException {
    List<String> merges = new ArrayList<>();
    model(files).get("merges").forEach(m -> merges.add(m.asText()));
    return merges;
  }

  @Test
  void mergesWhatOccursMostOften() throws IOException {
    // Words with their counts: "low" 3, "lower" 2, "lowest" 1 (one text each, so without a space in front).
    // Pairs: lo 6, ow 6, we 3, er 2, es 1, st 1. A tie of l+o and o+w: ids follow the bytes, l < o, so l+o goes first.
    // Then lo+w 6, w+e 3, e+r 2: low. Then low+e 3, e+r 2: lowe. Then lowe+r 2: lower. Then lowe+s and s+t occur once.
    List<String> texts = List.of("low", "low", "low", "lower", "lower", "lowest");
    assertThat(merges(BytePairs.train(texts, 1000))).containsExactly("l o", "lo w", "low e", "lowe r");
    assertThat(merges(BytePairs.train(texts, SMALLEST + 2))).containsExactly("l o", "lo w");
    assertThat(merges(BytePairs.train(texts, SMALLEST))).isEmpty();
    try (Tokenizer tokenizer = Tokenizer.of(BytePairs.train(texts, 1000))) {
      assertThat(tokenizer.size()).isEqualTo(SMALLEST + 4);
      int low = tokenizer.id("low").orElseThrow();
      assertThat(low).isEqualTo(SMALLEST + 1);
      assertThat(tokenizer.encode("lowest")).containsExactly(SMALLEST + 2, tokenizer.id("s").orElseThrow(),
          tokenizer.id("t").orElseThrow());
      assertThat(tokenizer.encode("lowlower")).containsExactly(low, SMALLEST + 3);
    }
  }

  @Test
  void pairsThatOverlapAreMergedFromTheLeft() throws IOException {
    // "aaaaa" twice: a+a occurs 4 x 2 times; merged from the left aa aa a; then aa+aa 2 and aa+a 2 tie: ids a < aa,
    // so (aa, a) goes before (aa, aa); merged: aa aaa; then aa+aaa 2: aaaaa.
    assertThat(merges(BytePairs.train(List.of("aaaaa", "aaaaa"), 1000))).containsExactly("a a", "aa a", "aa aaa");
  }

  @Test
  void aSpecialTokenMayBeASymbolToo() throws IOException {
    Map<String, byte[]> files = BytePairs.train(List.of("ab ab ab"), 300, List.of("ab"));
    assertThat(merges(files)).containsExactly("a b", "Ġ ab");   // "ab" keeps its id 2
    assertThat(model(files).get("vocab")).hasSize(SMALLEST + 2);
  }

  @Test
  void everyByteHasAnIdAndEveryTextComesBack() {
    StringBuilder points = new StringBuilder();
    for (int c = 0; c < 0x3000; c++) {
      points.appendCodePoint(c);
    }
    List<String> texts = List.of(points.toString(), TEXT, "👩‍👩‍👧\r\n\t x  y   ", "日本語、漢字", "\uffff\u0000", "𝔘𝔫𝔦", "");
    for (int size : new int[] {SMALLEST, SMALLEST + 60}) {
      try (Tokenizer tokenizer = Tokenizer.of(BytePairs.train(List.of(TEXT, TEXT), size))) {
        assertThat(tokenizer.size()).isEqualTo(size);
        for (String text : texts) {
          assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
        }
        assertThat(tokenizer.encode("<pad>a<eos>")).hasSize(3).startsWith(0).endsWith(1);
      }
    }
  }

  @Test
  void bytesKeepTheIdsOfTheirCharacters() {
    try (Tokenizer tokenizer = Tokenizer.of(BytePairs.train(List.of(), SMALLEST))) {
      List<String> sorted = new ArrayList<>(BytePairs.alphabet());
      assertThat(sorted).doesNotHaveDuplicates().hasSize(256);
      Collections.sort(sorted);
      for (int i = 0; i < 256; i++) {
        assertThat(tokenizer.id(sorted.get(i))).contains(2 + i);
      }
      assertThat(BytePairs.alphabet().get(' ')).isEqualTo("Ġ");
      assertThat(BytePairs.alphabet().get('\n')).isEqualTo("Ċ");
      assertThat(tokenizer.encode("é")).containsExactly(tokenizer.id("Ã").orElseThrow(),
          tokenizer.id("©").orElseThrow());
    }
  }

  /** Training again on what the trained tokenizer makes of the texts: no pair is left that occurs more than once. */
  @Test
  void theTokenizerAppliesTheMergesAsTrainingDid() {
    List<String> words = List.of(TEXT.split("(?= )"));
    Map<String, byte[]> files = BytePairs.train(words, 5000);
    try (Tokenizer tokenizer = Tokenizer.of(files)) {
      Map<String, Integer> pairs = new HashMap<>();
      for (String word : words) {
        for (String piece : word.split("(?<=\\p{L})(?=[^\\p{L}])|(?<=\\p{N})(?=\\P{N})|(?<=[^\\p{L} ])(?=\\p{L})")) {
          int[] ids = tokenizer.encode(piece);
          for (int i = 0; i + 1 < ids.length; i++) {
            pairs.merge(ids[i] + " " + ids[i + 1], 1, Integer::sum);
          }
        }
      }
      assertThat(pairs).isNotEmpty();
      assertThat(pairs.values()).allMatch(count -> count == 1);
    }
  }

  @Test
  void theSameTextsGiveTheSameBytesInAnyOrder() {
    List<String> texts = new ArrayList<>(Arrays.asList(TEXT.split(" ")));
    Map<String, byte[]> one = BytePairs.train(texts, SMALLEST + 20);
    Collections.shuffle(texts, new Random(7));
    Map<String, byte[]> other = BytePairs.train(texts, SMALLEST + 20);
    assertThat(one.keySet()).containsExactly("tokenizer.json", "tokenizer_config.json");
    one.forEach((name, bytes) -> assertThat(other.get(name)).isEqualTo(bytes));
  }

  @Test
  void longRunsEndInTime() throws IOException {
    String run = "ab".repeat(200_000);
    try (Tokenizer tokenizer = Tokenizer.of(BytePairs.train(List.of(run, "x".repeat(100_000)), 400))) {
      assertThat(tokenizer.decode(tokenizer.encode(run))).isEqualTo(run);
    }
  }

  @Test
  void furtherSpecialTokensAndTooSmallASize() {
    try (Tokenizer tokenizer = Tokenizer.of(BytePairs.train(List.of("ab ab"), 300, List.of("<|user|>")))) {
      assertThat(tokenizer.encode("<|user|>ab")).containsExactly(2, SMALLEST + 1);
    }
    assertThatThrownBy(() -> BytePairs.train(List.of(), 200)).isInstanceOf(RecipeException.class).hasMessage(
        "a vocabulary of 200 is too small for 2 special tokens and 256 bytes: ask for 258 or more");
  }
}
