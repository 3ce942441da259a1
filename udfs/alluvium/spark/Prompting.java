package alluvium.spark;

import alluvium.policies.Message;
import alluvium.policies.Tokenizer;
import alluvium.tables.Prompts;
import java.util.List;
import org.apache.spark.sql.Row;

/** The token ids of a task's prompt: its text as it is, or its messages rendered by the policy's chat template. */
final class Prompting {
  private Prompting() {}

  static int[] ids(Row prompt, Tokenizer tokenizer) {
    return tokenizer.encode(rendered(prompt, tokenizer));
  }

  static String rendered(Row prompt, Tokenizer tokenizer) {
    if (Prompts.MESSAGES.absentIn(prompt)) {
      return Prompts.TEXT.of(prompt);
    }
    return tokenizer.renderForReply(messages(prompt));
  }

  /** What a verifier sees as the prompt: the text, or the last message's content. */
  static String text(Row prompt) {
    if (Prompts.MESSAGES.absentIn(prompt)) {
      return Prompts.TEXT.of(prompt);
    }
    List<Message> messages = messages(prompt);
    return messages.isEmpty() ? "" : messages.get(messages.size() - 1).content();
  }

  private static List<Message> messages(Row prompt) {
    List<Row> turns = prompt.getList(prompt.fieldIndex(Prompts.MESSAGES.name()));
    return turns.stream().map(t -> new Message(t.getString(0), t.getString(1))).toList();
  }
}
