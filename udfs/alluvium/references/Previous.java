package alluvium.references;

/** The policy that the current iteration began with, which also sampled its completions. */
public record Previous() implements Reference {
  @Override
  public int iteration(int iteration) {
    return iteration;
  }
}
