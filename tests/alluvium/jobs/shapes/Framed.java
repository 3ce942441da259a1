package alluvium.jobs.shapes;

public record Framed(Shape inner, float width, Ink ink) implements Shape {}
