package alluvium.rewards;

import static alluvium.rewards.NumericAnswerTest.sample;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import alluvium.tables.RecipeException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ByClassTest {
  static final AtomicInteger CREATED = new AtomicInteger();
  static final AtomicInteger LOADED = new AtomicInteger();

  public static final class Bare implements CompletionReward {
    public Bare() {
      CREATED.incrementAndGet();
    }

    @Override
    public Verdict verdict(Sample sample) {
      return Verdict.ok(sample.completion().length(), "");
    }
  }

  public record Scaled(double factor) implements CompletionReward {
    public Scaled(Map<String, String> settings) {
      this(Double.parseDouble(settings.get("factor")));
    }

    @Override
    public Verdict verdict(Sample sample) {
      return Verdict.ok(factor * sample.completion().length(), "");
    }
  }

  public abstract static class Unfinished implements CompletionReward {}

  /** Says that its static initialiser has run. */
  public static final class Loud {
    static {
      LOADED.incrementAndGet();
    }
  }

  public static final class Doomed implements CompletionReward {
    static final int LENGTH = Integer.parseInt("no number");

    @Override
    public Verdict verdict(Sample sample) {
      return Verdict.ok(LENGTH, "");
    }
  }

  static final class Hidden implements CompletionReward {
    @Override
    public Verdict verdict(Sample sample) {
      return Verdict.ok(0, "");
    }
  }

  private static String name(Class<?> type) {
    return type.getName();
  }

  @Test
  void oneInstancePerMachine() {
    ByClass first = new ByClass(name(Bare.class), Map.of());
    ByClass second = new ByClass(name(Bare.class), Map.of());
    assertEquals(Verdict.ok(3, ""), first.verdict(sample("abc", "")));
    assertEquals(Verdict.ok(2, ""), second.verdict(sample("ab", "")));
    assertEquals(1, CREATED.get());
  }

  @Test
  void settingsReachTheConstructor() throws Exception {
    ByClass twice = new ByClass(name(Scaled.class), Map.of("factor", "2"));
    assertEquals(Verdict.ok(6, ""), twice.verdict(sample("abc", "")));
    assertEquals(Verdict.ok(9, ""), new ByClass(name(Scaled.class), Map.of("factor", "3")).verdict(sample("abc", "")));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(twice);
    }
    try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      assertEquals(Verdict.ok(6, ""), ((ByClass) in.readObject()).verdict(sample("abc", "")));
    }
  }

  @Test
  void everythingElseIsRefusedWithTheReason() {
    assertEquals("ByClass.className com.example.Missing is not on the class path. Add its jar to the job",
        refusal("com.example.Missing", Map.of()));
    assertEquals("ByClass.className java.lang.String does not implement alluvium.rewards.CompletionReward",
        refusal("java.lang.String", Map.of()));
    assertEquals("ByClass.className " + name(Unfinished.class) + " must be a public class that is not abstract",
        refusal(name(Unfinished.class), Map.of()));
    assertEquals("ByClass.className " + name(Hidden.class) + " must be a public class that is not abstract",
        refusal(name(Hidden.class), Map.of()));
    assertEquals("ByClass.className " + name(Bare.class) + " has no public constructor with a Map<String, String>",
        refusal(name(Bare.class), Map.of("a", "b")));
    assertEquals("ByClass.className " + name(Scaled.class)
            + ": its constructor throws java.lang.NumberFormatException: For input string: \"x\"",
        refusal(name(Scaled.class), Map.of("factor", "x")));
  }

  @Test
  void nothingOfAClassThatDoesNotFitIsRun() {
    assertEquals("ByClass.className " + name(Loud.class) + " does not implement alluvium.rewards.CompletionReward",
        refusal(name(Loud.class), Map.of()));
    assertEquals(0, LOADED.get());
    new Loud();
    assertEquals(1, LOADED.get());
    assertEquals("ByClass.className " + name(Doomed.class) + " cannot be initialised: java.lang.NumberFormatException: "
        + "For input string: \"no number\"", refusal(name(Doomed.class), Map.of()));
  }

  @Test
  void namesThatNameNoClass() {
    String rule = "ByClass.className must be the full name of a class, as com.example.Mine or "
        + "com.example.Mine$Inner, got ";
    assertEquals(rule + "\"../Evil\"", refusal("../Evil", Map.of()));
    assertEquals(rule + "\"[Ljava.lang.String;\"", refusal("[Ljava.lang.String;", Map.of()));
    assertEquals(rule + "\"a?b\"", refusal("a\u0000b", Map.of()));
    assertEquals(rule + "\"?\"", refusal("\u202e", Map.of()));
    assertEquals(rule + "\"\"", refusal("", Map.of()));
    assertEquals(rule + '"' + "x".repeat(60) + "...\"", refusal("x".repeat(501), Map.of()));
    assertEquals("ByClass.className int is not on the class path. Add its jar to the job", refusal("int", Map.of()));
  }

  private static String refusal(String className, Map<String, String> settings) {
    return assertThrows(RecipeException.class, () -> new ByClass(className, settings)).getMessage();
  }
}
