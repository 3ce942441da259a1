package alluvium.tables;

/** A recipe or an argument that cannot be run: names the file, the key, the value found and the way out. */
public final class RecipeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public RecipeException(String message, Object... arguments) {
    super(arguments.length == 0 ? message : String.format(message, arguments));
  }

  /** Throws with the message, formatted by the arguments, unless the rule holds. */
  public static void require(boolean holds, String message, Object... arguments) {
    if (!holds) {
      throw new RecipeException(message, arguments);
    }
  }
}
