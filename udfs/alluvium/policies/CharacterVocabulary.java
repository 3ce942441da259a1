package alluvium.policies;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * A tokenizer with one id for each character (Unicode code point) of some texts: for small models and tests.
 *
 * <p>Ids: 0 is the padding {@code <pad>}, 1 the end {@code <eos>}, 2 stands for any other character {@code <unk>}, then
 * further special tokens, then the characters in the order of their code points.
 */
public final class CharacterVocabulary {
  private CharacterVocabulary() { }

  /** The files tokenizer.json and tokenizer_config.json; they depend on the set of characters alone. */
  public static Map<String, byte[]> train(Iterable<String> texts) {
    return train(texts, List.of());
  }

  /** The same with further special tokens, such as a chat template's marks of turns. */
  public static Map<String, byte[]> train(Iterable<String> texts, List<String> moreSpecial) {
    List<String> special = TokenizerFiles.special(
        List.of(TokenizerFiles.PAD, TokenizerFiles.EOS, TokenizerFiles.UNK), moreSpecial);
    TreeSet<Integer> characters = new TreeSet<>();
    texts.forEach(text -> WellFormed.text(text).codePoints().forEach(characters::add));
    Map<String, Integer> ids = new LinkedHashMap<>();
    special.forEach(token -> ids.put(token, ids.size()));
    characters.forEach(character -> ids.putIfAbsent(Character.toString(character), ids.size()));
    Map<String, Object> parts = new LinkedHashMap<>();
    parts.put("pre_tokenizer", ordered("type", "Split", "pattern", ordered("String", ""), "behavior", "Isolated",
        "invert", false));
    parts.put("decoder", ordered("type", "Fuse"));
    parts.put("model", ordered("type", "WordLevel", "vocab", ids, "unk_token", TokenizerFiles.UNK));
    return TokenizerFiles.of(special, parts);
  }

  private static Map<String, Object> ordered(Object... pairs) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      map.put((String) pairs[i], pairs[i + 1]);
    }
    return map;
  }
}
