package alluvium.tables;

/** Rows, files or tables that break a rule: names the place, the key, the value found and the way out. */
public final class DataException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public DataException(String message, Object... arguments) {
    super(arguments.length == 0 ? message : String.format(message, arguments));
  }

  public DataException(Throwable cause, String message, Object... arguments) {
    super(arguments.length == 0 ? message : String.format(message, arguments), cause);
  }
}
