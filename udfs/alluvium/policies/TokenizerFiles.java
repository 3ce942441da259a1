package alluvium.policies;

import alluvium.tables.RecipeException;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The files of a Hugging Face tokenizer: the same bytes for the same contents. */
final class TokenizerFiles {
  static final String PAD = "<pad>";
  static final String EOS = "<eos>";
  static final String UNK = "<unk>";

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final double UNLIMITED = 1e30;

  private TokenizerFiles() { }

  /** The tokens that are always there, then the others; refuses empty and repeated ones. */
  static List<String> special(List<String> always, List<String> more) {
    List<String> special = new ArrayList<>(always);
    special.addAll(more);
    for (String token : more) {
      RecipeException.require(!token.isEmpty() && token.equals(WellFormed.text(token)),
          "a special token must be text that is not empty, got '%s'", token);
    }
    RecipeException.require(new HashSet<>(special).size() == special.size(),
        "special tokens must differ from each other, got %s", special);
    return special;
  }

  /**
   * The two files of a tokenizer.
   *
   * @param special by id from 0
   * @param parts pre_tokenizer, post_processor, decoder and model; a part that is not there does nothing
   */
  static Map<String, byte[]> of(List<String> special, Map<String, Object> parts) {
    List<Object> added = new ArrayList<>();
    for (int id = 0; id < special.size(); id++) {
      Map<String, Object> token = new LinkedHashMap<>();
      token.put("id", id);
      token.put("content", special.get(id));
      for (String property : List.of("single_word", "lstrip", "rstrip", "normalized")) {
        token.put(property, false);
      }
      token.put("special", true);
      added.add(token);
    }
    Map<String, Object> tokenizer = new LinkedHashMap<>();
    tokenizer.put("version", "1.0");
    tokenizer.put("truncation", Optional.empty());
    tokenizer.put("padding", Optional.empty());
    tokenizer.put("added_tokens", added);
    for (String part : List.of("normalizer", "pre_tokenizer", "post_processor", "decoder", "model")) {
      tokenizer.put(part, parts.getOrDefault(part, Optional.empty()));
    }
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("tokenizer_class", "PreTrainedTokenizerFast");
    config.put("model_max_length", UNLIMITED);
    config.put("padding_side", "left");
    config.put("clean_up_tokenization_spaces", false);
    config.put("pad_token", PAD);
    config.put("eos_token", EOS);
    if (special.contains(UNK)) {
      config.put("unk_token", UNK);
    }
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put(Tokenizer.TOKENIZER, bytes(tokenizer));
    files.put(Tokenizer.CONFIG, bytes(config));
    return files;
  }

  private static byte[] bytes(Map<String, Object> json) {
    try {
      return JSON.writeValueAsBytes(written(json));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The same with JSON's null where a value is absent. */
  private static Map<String, Object> written(Map<String, Object> json) {
    Map<String, Object> written = new LinkedHashMap<>();
    json.forEach((key, value) -> written.put(key, value instanceof Optional ? JSON.nullNode() : value));
    return written;
  }
}
