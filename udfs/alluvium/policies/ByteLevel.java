package alluvium.policies;

import static alluvium.tables.RecipeException.require;

import java.util.Map;

/**
 * A vocabulary of byte-level byte pair encoding.
 *
 * @param size tokens at most, special ones and the 256 bytes included; small texts give fewer
 */
public record ByteLevel(int size) implements Vocabulary {
  private static final int LEAST = 258;

  public ByteLevel {
    require(size >= LEAST, "ByteLevel.size must be >= %s, got %s", LEAST, size);
  }

  @Override
  public Map<String, byte[]> files(Iterable<String> texts) {
    return BytePairs.train(texts, size);
  }
}
