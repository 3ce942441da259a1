package alluvium.policies;

import java.io.Serializable;
import java.util.Map;

/** How a policy made from scratch learns its vocabulary. Pure: the same texts give the same files. */
public interface Vocabulary extends Serializable {
  /** The end-of-text token of every vocabulary made here. */
  String EOS = "<eos>";

  /** The padding token of every vocabulary made here. */
  String PAD = "<pad>";

  /** Files of a Hugging Face tokenizer by name, trained on the texts in their order. */
  Map<String, byte[]> files(Iterable<String> texts);
}
