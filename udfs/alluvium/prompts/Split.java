package alluvium.prompts;

import static alluvium.tables.RecipeException.require;

import alluvium.rollouts.KeyedSeed;
import alluvium.tables.DataException;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.ToLongFunction;

/** The part of the tasks that trains and the part that is held out for evaluation. */
public final class Split {
  public static final String TRAIN = "train";
  public static final String HELDOUT = "heldout";
  private static final Set<String> HELD = Set.of(HELDOUT, "test", "validation", "valid", "val", "dev", "eval");

  private Split() {}

  /** The split that a source's own name stands for: train, or any of the usual names of data that does not train. */
  public static String of(String name) {
    String plain = name.strip().toLowerCase(Locale.ROOT);
    if (!plain.equals(TRAIN) && !HELD.contains(plain)) {
      throw new DataException("split must be train or one of %s, got '%.80s'", HELD.stream().sorted().toList(), name);
    }
    return plain.equals(TRAIN) ? TRAIN : HELDOUT;
  }

  /**
   * The ids to hold out: those with the smallest seeds of (seed, "heldout", id), in that order. More ids do not change
   * which of two is held out first.
   *
   * @param ids any order; ids given twice count once
   * @param count how many, 0 to the number of ids
   */
  public static List<String> heldOut(List<String> ids, int count, long seed) {
    List<String> distinct = ids.stream().distinct().toList();
    require(count >= 0 && count <= distinct.size(), "heldOut must be in 0..%s, the number of tasks, got %s",
        distinct.size(), count);
    return ranked(distinct, id -> KeyedSeed.of(seed, HELDOUT, id)).subList(0, count);
  }

  /** The ids by the key, ties by the id itself. */
  static List<String> ranked(List<String> ids, ToLongFunction<String> key) {
    record Ranked(long key, String id) {}

    return ids.stream().map(id -> new Ranked(key.applyAsLong(id), id))
        .sorted(Comparator.comparingLong(Ranked::key).thenComparing(Ranked::id)).map(Ranked::id).toList();
  }
}
