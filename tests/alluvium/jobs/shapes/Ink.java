package alluvium.jobs.shapes;

/** A slot that is itself a record. */
public record Ink(String color) {}
