package alluvium.jobs;

/** The version of the product that is written beside everything it makes. */
final class Code {
  static final String VERSION = "0.1.0";

  private Code() {}
}
