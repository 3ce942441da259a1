package alluvium.policies;

import java.util.Map;

public interface Vocabulary extends java.io.Serializable {
  String EOS = "<eos>";
  String PAD = "<pad>";

  Map<String, byte[]> files(Iterable<String> texts);
}
