package alluvium.selections;

/** Every group trains, and one wave of prompts is the update batch. */
public record EveryGroup() implements Selection {
  @Override
  public int maxRounds() {
    return 1;
  }
}
