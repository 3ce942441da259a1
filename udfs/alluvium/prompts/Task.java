package alluvium.prompts;

import static alluvium.tables.RecipeException.require;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What the policy is asked and what a verifier needs to judge the answer: a row of Prompts. Either text or messages.
 *
 * @param id digest of source, prompt and answer, or the source's own id
 * @param source name of the data set
 * @param split train or heldout
 * @param text plain prompt
 * @param messages chat turns, empty where text is given
 * @param answer reference answer for verifiers
 * @param solution demonstration for supervised training
 * @param metadata whatever else the source said
 */
public record Task(String id, String source, String split, Optional<String> text, List<Turn> messages,
    Optional<String> answer, Optional<String> solution, Map<String, String> metadata) {
  private static final int DIGITS = 16;

  /** One message of a conversation. */
  public record Turn(String role, String content) {}

  public Task {
    require(!id.isBlank(), "Task.id must not be blank");
    require(!source.isBlank(), "Task.source must not be blank");
    require(Split.TRAIN.equals(split) || Split.HELDOUT.equals(split),
        "Task.split must be train or heldout, got '%.80s'", split);
    require(text.isPresent() == messages.isEmpty(), "Task %s must have either text or messages", id);
    messages = List.copyOf(messages);
    metadata = Collections.unmodifiableMap(new TreeMap<>(metadata));
  }

  /** A task of plain text for training, named by its content. */
  public static Task of(String source, String text, Optional<String> answer) {
    return new Task(digest(source, List.of(new Turn("", text)), answer), source, Split.TRAIN, Optional.of(text),
        List.of(), answer, Optional.empty(), Map.of());
  }

  /** A task of chat turns for training, named by its content. */
  public static Task of(String source, List<Turn> messages, Optional<String> answer) {
    return new Task(digest(source, messages, answer), source, Split.TRAIN, Optional.empty(), messages, answer,
        Optional.empty(), Map.of());
  }

  public Task withId(String own) {
    return new Task(own, source, split, text, messages, answer, solution, metadata);
  }

  public Task withSplit(String other) {
    return new Task(id, source, other, text, messages, answer, solution, metadata);
  }

  public Task withSolution(Optional<String> demonstration) {
    return new Task(id, source, split, text, messages, answer, demonstration, metadata);
  }

  public Task withMetadata(Map<String, String> more) {
    return new Task(id, source, split, text, messages, answer, solution, more);
  }

  /** The first 16 hex digits of SHA-256 over source, turns and answer, each with its length, so that none runs over. */
  private static String digest(String source, List<Turn> turns, Optional<String> answer) {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      add(sha, source);
      for (Turn turn : turns) {
        add(sha, turn.role());
        add(sha, turn.content());
      }
      sha.update((byte) (answer.isPresent() ? 1 : 0));
      answer.ifPresent(text -> add(sha, text));
      return HexFormat.of().formatHex(sha.digest()).substring(0, DIGITS);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);   // every Java platform has SHA-256
    }
  }

  private static void add(MessageDigest sha, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    sha.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).array());
    sha.update(bytes);
  }
}
