package alluvium.policies;

import alluvium.tables.RecipeException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A byte-level byte-pair tokenizer trained on some texts: every text has ids and comes back to the byte.
 *
 * <p>Texts are cut into words as GPT-2 cuts them; each byte is a symbol; then, until the vocabulary has the size asked
 * for, the two neighbouring symbols that occur most often become one. Of pairs that occur equally often the one with
 * the smaller ids goes first. A pair that occurs once is not merged (ours), so few texts give a smaller vocabulary; a
 * word longer than {@value #LONGEST} bytes is counted in pieces (ours).
 *
 * <p>Ids: 0 is the padding {@code <pad>}, 1 the end {@code <eos>}, then further special tokens, the 256 bytes in the
 * order of the characters that stand for them, and the merged symbols in the order of their merges.
 * @see <a href="https://arxiv.org/abs/1508.07909">Sennrich et al. 2016</a>, algorithm 1
 */
public final class BytePairs {
  static final int LONGEST = 256;
  private static final String SPACE = "\\p{IsWhite_Space}";
  private static final Pattern WORD = Pattern.compile("'(?:[stmd]|re|ve|ll)| ?\\p{L}++| ?\\p{N}++| ?[^" + SPACE
      + "\\p{L}\\p{N}]++|[" + SPACE + "]+(?![^" + SPACE + "])|[" + SPACE + "]++");

  private final List<String> special;
  private final List<String> symbols = new ArrayList<>();
  private final Map<String, Integer> ids = new LinkedHashMap<>();
  private final List<String> merges = new ArrayList<>();
  private final List<int[]> words = new ArrayList<>();
  private final List<Long> counts = new ArrayList<>();
  private final Map<Long, Long> pairs = new HashMap<>();
  private final Map<Long, Set<Integer>> places = new HashMap<>();
  private final PriorityQueue<Candidate> queue = new PriorityQueue<>(
      Comparator.comparingLong(Candidate::count).reversed().thenComparingLong(Candidate::pair));

  /** A pair and how often it occurred when it entered the queue. */
  private record Candidate(long pair, long count) { }

  private BytePairs(List<String> special) {
    this.special = special;
    special.forEach(this::add);
    alphabet().stream().sorted().forEach(this::add);
  }

  /**
   * The files tokenizer.json and tokenizer_config.json of a vocabulary of at most the size, special tokens included.
   */
  public static Map<String, byte[]> train(Iterable<String> texts, int size) {
    return train(texts, size, List.of());
  }

  /** The same with further special tokens, such as a chat template's marks of turns. */
  public static Map<String, byte[]> train(Iterable<String> texts, int size, List<String> moreSpecial) {
    List<String> special = TokenizerFiles.special(List.of(TokenizerFiles.PAD, TokenizerFiles.EOS), moreSpecial);
    int smallest = special.size() + 256;
    RecipeException.require(size >= smallest,
        "a vocabulary of %s is too small for %s special tokens and 256 bytes: ask for %s or more", size, special.size(),
        smallest);
    BytePairs training = new BytePairs(special);
    training.count(texts);
    training.merge(size);
    return training.files();
  }

  /** The characters that stand for the bytes 0 to 255: printable ones for themselves, others from U+0100 on. */
  static List<String> alphabet() {
    List<String> alphabet = new ArrayList<>();
    int others = 0;
    for (int b = 0; b < 256; b++) {
      boolean printable = b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae;
      alphabet.add(Character.toString(printable ? b : 256 + others++));
    }
    return alphabet;
  }

  private int add(String symbol) {
    if (!ids.containsKey(symbol)) {
      ids.put(symbol, symbols.size());
      symbols.add(symbol);
    }
    return ids.get(symbol);
  }

  private void count(Iterable<String> texts) {
    TreeMap<String, Long> found = new TreeMap<>();
    for (String text : texts) {
      Matcher word = WORD.matcher(WellFormed.text(text));
      while (word.find()) {
        found.merge(word.group(), 1L, Long::sum);
      }
    }
    int[] bytes = alphabet().stream().mapToInt(ids::get).toArray();
    found.forEach((word, count) -> {
      byte[] utf8 = word.getBytes(StandardCharsets.UTF_8);
      for (int from = 0; from < utf8.length; from += LONGEST) {
        int[] piece = new int[Math.min(LONGEST, utf8.length - from)];
        for (int i = 0; i < piece.length; i++) {
          piece[i] = bytes[utf8[from + i] & 0xff];
        }
        words.add(piece);
        counts.add(count);
      }
    });
    Map<Long, Long> before = new HashMap<>();
    for (int w = 0; w < words.size(); w++) {
      enter(w, before);
    }
    offer(before);
  }

  private static long pair(int left, int right) {
    return (long) left << 32 | right;
  }

  /** Counts the pairs of the word, and notes how many there were before. */
  private void enter(int w, Map<Long, Long> before) {
    int[] word = words.get(w);
    for (int i = 0; i + 1 < word.length; i++) {
      long pair = pair(word[i], word[i + 1]);
      before.putIfAbsent(pair, pairs.getOrDefault(pair, 0L));
      pairs.merge(pair, counts.get(w), Long::sum);
      places.computeIfAbsent(pair, p -> new HashSet<>()).add(w);
    }
  }

  private void leave(int w, Map<Long, Long> before) {
    int[] word = words.get(w);
    for (int i = 0; i + 1 < word.length; i++) {
      long pair = pair(word[i], word[i + 1]);
      before.putIfAbsent(pair, pairs.get(pair));
      pairs.merge(pair, -counts.get(w), Long::sum);
      places.get(pair).remove(w);
    }
  }

  /** Queues the pairs whose counts are no longer what they were. */
  private void offer(Map<Long, Long> before) {
    before.forEach((pair, was) -> {
      long count = pairs.get(pair);
      if (count > 1 && count != was) {
        queue.add(new Candidate(pair, count));
      }
    });
  }

  private void merge(int size) {
    while (symbols.size() < size && !queue.isEmpty()) {
      Candidate best = queue.poll();
      if (pairs.get(best.pair()) == best.count()) {
        merge(best.pair());
      }
    }
  }

  private void merge(long pair) {
    int left = (int) (pair >> 32);
    int right = (int) pair;
    merges.add(symbols.get(left) + " " + symbols.get(right));
    int merged = add(symbols.get(left) + symbols.get(right));
    Map<Long, Long> before = new HashMap<>();
    for (int w : List.copyOf(places.get(pair))) {
      leave(w, before);
      words.set(w, merged(words.get(w), left, right, merged));
      enter(w, before);
    }
    offer(before);
  }

  private static int[] merged(int[] word, int left, int right, int merged) {
    int[] result = new int[word.length];
    int n = 0;
    for (int i = 0; i < word.length; i++) {
      boolean here = word[i] == left && i + 1 < word.length && word[i + 1] == right;
      result[n++] = here ? merged : word[i];
      i += here ? 1 : 0;
    }
    return Arrays.copyOf(result, n);
  }

  private Map<String, byte[]> files() {
    Map<String, Object> level = new LinkedHashMap<>();
    level.put("type", "ByteLevel");
    level.put("add_prefix_space", false);
    level.put("trim_offsets", true);
    level.put("use_regex", true);
    Map<String, Object> model = new LinkedHashMap<>();
    model.put("type", "BPE");
    model.put("fuse_unk", false);
    model.put("byte_fallback", false);
    model.put("vocab", ids);
    model.put("merges", merges);
    Map<String, Object> parts = new LinkedHashMap<>();
    parts.put("pre_tokenizer", level);
    parts.put("decoder", level);
    parts.put("model", model);
    return TokenizerFiles.of(special, parts);
  }
}
