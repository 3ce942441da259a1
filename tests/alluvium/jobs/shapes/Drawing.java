package alluvium.jobs.shapes;

import java.util.List;
import java.util.Map;

/** Stands for a recipe: every kind of component that binding knows. */
public record Drawing(Shape shape, Ink ink, List<Shape> shapes, Map<String, Shape> named, List<Integer> sizes,
    Map<String, Double> weights, List<String> words) {}
