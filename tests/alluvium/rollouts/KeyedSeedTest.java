package alluvium.rollouts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import alluvium.tables.RecipeException;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class KeyedSeedTest {
  @Test
  void isTheSameEverywhere() {
    assertEquals(0xE220A8397B1DCDAFL, KeyedSeed.of(0));   // SplitMix64's first number from seed 0
    // computed apart, by the equation, with integers of any size
    assertEquals(-2433554372901292733L, KeyedSeed.of(42, 7, "p-0193", 4));
    assertEquals(-374929264648521304L, KeyedSeed.of(-1, 0, "", 0));
    assertEquals(-4767286540954276203L, KeyedSeed.of(42));
    assertEquals(-6470555178141649009L, KeyedSeed.of(42, "é\uD83D\uDE00"));
  }

  @Test
  void bothFormsAgree() {
    Object[] parts = {7, "p-0193", 4L};
    assertEquals(KeyedSeed.of(42, 7, "p-0193", 4), KeyedSeed.of(42, parts));
  }

  @Test
  void everyKeyMatters() {
    Set<Long> seeds = new HashSet<>();
    for (int seed = 0; seed < 10; seed++) {
      for (int iteration = 0; iteration < 10; iteration++) {
        for (int id = 0; id < 10; id++) {
          for (int sample = 0; sample < 10; sample++) {
            seeds.add(KeyedSeed.of(seed, iteration, "p" + id, sample));
          }
        }
      }
    }
    assertEquals(10_000, seeds.size());
    Set<Long> alike = Set.of(KeyedSeed.of(1, "ab", "c"), KeyedSeed.of(1, "a", "bc"), KeyedSeed.of(1, "abc"),
        KeyedSeed.of(1, "c", "ab"), KeyedSeed.of(1, "", "abc"), KeyedSeed.of(1, 0), KeyedSeed.of(1, ""),
        KeyedSeed.of(1, "0"));
    assertEquals(8, alike.size());
  }

  @Test
  void bitsAreEven() {
    int ones = 0;
    for (int sample = 0; sample < 10_000; sample++) {
      ones += Long.bitCount(KeyedSeed.of(3, 1, "p", sample));
    }
    assertEquals(320_000, ones, 2_000);   // 64 bits, half of them: mean 320000, standard deviation 400
  }

  @Test
  void otherKeysAreRefused() {
    assertEquals("KeyedSeed: a key must be an int, a long or a text, got java.lang.Double",
        assertThrows(RecipeException.class, () -> KeyedSeed.of(1, 0.5)).getMessage());
  }
}
