package alluvium.jobs.shapes;

import static alluvium.tables.RecipeException.require;

public record Circle(double radius) implements Shape {
  public Circle {
    require(radius > 0, "Circle.radius must be > 0, got %s", radius);
  }
}
