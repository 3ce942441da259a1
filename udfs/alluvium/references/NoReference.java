package alluvium.references;

/** No reference policy is evaluated. */
public record NoReference() implements Reference {
  @Override
  public int iteration(int iteration) {
    return -1;
  }
}
