package alluvium.policies.jinja;

/** A template that cannot be parsed or rendered; the line is added where the template is known. */
final class Fault extends RuntimeException {
  private static final long serialVersionUID = 1L;

  Fault(String message, Object... arguments) {
    super(arguments.length == 0 ? message : String.format(message, arguments));
  }

  /** None: what matters is the template's line. */
  @Override
  public synchronized Throwable fillInStackTrace() {
    return this;
  }
}
