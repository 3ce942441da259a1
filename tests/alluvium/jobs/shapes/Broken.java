package alluvium.jobs.shapes;

/** A record whose constructor throws what no recipe should ever show. */
public record Broken(String text) implements Shape {
  public Broken {
    throw new IllegalArgumentException("never " + text);
  }
}
