package alluvium.jobs.shapes;

import java.util.NoSuchElementException;

/** A record whose constructor throws what no recipe should ever show. */
public record Broken(String text) implements Shape {
  public Broken {
    if (text.equals("deep")) {
      throw new StackOverflowError();
    }
    if (text.equals("silent")) {
      throw new NoSuchElementException();
    }
    throw new IllegalArgumentException("never " + text);
  }
}
