package alluvium.jobs.shapes;

public record Square(int side, long count) implements Shape {}
