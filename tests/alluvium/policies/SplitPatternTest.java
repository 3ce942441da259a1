package alluvium.policies;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SplitPatternTest {
  private static final String CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";

  @ParameterizedTest
  @ValueSource(strings = {
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
      CONTRACTIONS + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| "
          + "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)"
          + "|\\s+",
      CONTRACTIONS + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| "
          + "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+" + CONTRACTIONS + "?|"
          + "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*" + CONTRACTIONS
          + "?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
          + "| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      "[一-龥\u3040-ゟ゠-ヿ]+", "\\d", "", "a", "\\s+", " {2,}", "(?<=\\d)\\d", "a*?b", "a++"})
  void publishedPatternsPass(String regex) {
    assertThat(SplitPattern.refusal(regex)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(delimiter = ' ', quoteCharacter = '`', value = {
      "(a+)+b `repeats something within a group`", "(a|aa)+$ `repeats a group`", "(a*)*$ `repeats something within a "
          + "group`",
      "(?:ab)*c `repeats a group`", "(ab){2} `repeats a group`", "((a)) `has a group within a group`",
      "a*a*b `has something that must match after two of + and *`", "a+a+a* `has more than two of + and * in a row`",
      "a?a?a?a?a?a?a?a?a?b `has more than 8 optional items in a row`",
      "a?a?a?a?a+b `may take more than 12 steps per character`", "(a)\\1 `has \\1`", "(?<n>a)\\g<n> `has a group of an "
          + "unknown kind`", "\\k<n> `has \\k`", "a{17} `repeats more than 16 times`", "a{1,999} `repeats more than "
          + "16 times`",
      "a+*b `repeats a repeat`", "a{2}{3} `repeats a repeat`", "(?x)a `has a group of an unknown kind`",
      "(?>a) `has a group of an unknown kind`", "(?~a) `has a group of an unknown kind`", "[a `has a class that is not "
          + "closed`", "[[a]] `has a class within a class`", "[]a] `has an empty class`", "[^]a] `has an empty class`",
      "(a `has a group that is not closed`", "a) `closes a group that is not open`", "\\ `ends in a backslash`",
      "a{,3} `has braces that are no number of repeats`", "+a `repeats nothing`", "\\p{L `has a brace that is not "
          + "closed`",
      "\\c(a `has \\c`"})
  void whatMayTakeLongIsRefused(String regex, String reason) {
    assertThat(SplitPattern.refusal(regex)).contains(reason);
  }

  @Test
  void lengthAndWork() {
    assertThat(SplitPattern.refusal("a".repeat(2001))).contains("has more than 2000 characters");
    // twelve alternatives of one step each, then a thirteenth
    assertThat(SplitPattern.refusal("a+|".repeat(12))).isEmpty();
    assertThat(SplitPattern.refusal("a+|".repeat(13))).contains("may take more than 12 steps per character");
    // ( ?)( ?)( ?)a+: 2^3 = 8; one more of 2^2 = 4 is 12
    assertThat(SplitPattern.refusal("b?b?b?a+|b?b?a+")).isEmpty();
    assertThat(SplitPattern.refusal("b?b?b?a+|b?b?a+|a+")).contains("may take more than 12 steps per character");
  }
}
