package alluvium.policies;

import java.util.Map;
import java.util.TreeSet;

public record Characters() implements Vocabulary {
  @Override
  public Map<String, byte[]> files(Iterable<String> texts) {
    TreeSet<String> chars = new TreeSet<>();
    texts.forEach(t -> t.chars().forEach(c -> chars.add("" + (char) c)));
    StringBuilder v = new StringBuilder("\"<pad>\":0,\"<eos>\":1,\"<bos>\":2");
    int i = 3;
    for (String c : chars) {
      v.append(",\"" + c + "\":" + i++);
    }
    String head = "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":["
        + "{\"id\":0,\"content\":\"<pad>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":true},"
        + "{\"id\":1,\"content\":\"<eos>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":true},"
        + "{\"id\":2,\"content\":\"<bos>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":true}],"
        + "\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"\"},\"behavior\":\"Isolated\",\"invert\":false},"
        + "\"post_processor\":null,\"decoder\":{\"type\":\"Fuse\"},\"model\":{\"type\":\"WordLevel\",\"vocab\":{" + v + "},\"unk_token\":\"<pad>\"}}";
    return Map.of("tokenizer.json", head.getBytes());
  }
}
