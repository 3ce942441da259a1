package alluvium.selections;

/** A selection that judges each group by one of its rewards. */
public interface GroupSelection extends Selection {
  /** The reward looked at, by its key in the recipe. */
  String metric();

  /** Whether a group trains, by the values of {@link #metric}, one per ok completion, in any order. */
  boolean keeps(double[] values);
}
