package alluvium.jobs.shapes;

/** Implements the slot, but is no record. */
public final class Plain implements Shape {
  private static final long serialVersionUID = 1L;
}
