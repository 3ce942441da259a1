package alluvium.policies;

import alluvium.tables.DataException;
import java.io.Serializable;

/**
 * One turn of a conversation.
 *
 * @param role who speaks, such as system, user or assistant; not blank
 * @param content what is said; may be empty
 */
public record Message(String role, String content) implements Serializable {
  public Message {
    if (role.isBlank()) {
      throw new DataException("a message has a blank role: name who says '%s'", content);
    }
  }
}
