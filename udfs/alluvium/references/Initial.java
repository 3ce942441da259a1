package alluvium.references;

/** The policy that the run began with, frozen. */
public record Initial() implements Reference {
  @Override
  public int iteration(int iteration) {
    return 0;
  }
}
