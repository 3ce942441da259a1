package alluvium.policies;

import java.util.Map;

/** A vocabulary with one token per character of the texts. */
public record Characters() implements Vocabulary {
  @Override
  public Map<String, byte[]> files(Iterable<String> texts) {
    return CharacterVocabulary.train(texts);
  }
}
