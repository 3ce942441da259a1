package alluvium.spark;

import alluvium.tables.DataException;
import alluvium.tables.RecipeException;
import java.util.function.Supplier;

/** What a task threw, under Spark's account of the job that it ended. */
public final class TaskFailure {
  private TaskFailure() {}

  /**
   * The result of a Spark action. Where a task refused its rows or the recipe, that refusal is thrown, with Spark's
   * account as its cause; anything else passes as it is.
   */
  public static <T> T surfaced(Supplier<T> action) {
    try {
      return action.get();
    } catch (Exception e) {    // Spark's own is checked, but not declared
      for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
        if (cause instanceof DataException || cause instanceof RecipeException) {
          throw new DataException(e, "%s", cause.getMessage());
        }
      }
      throw e;
    }
  }
}
