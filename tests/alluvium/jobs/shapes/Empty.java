package alluvium.jobs.shapes;

public record Empty() implements Shape {}
