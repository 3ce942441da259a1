package alluvium.rewards;

import java.io.Serializable;

/**
 * What a reward function says of one completion. A failure is a status with a message, never a number.
 *
 * @param status how the call ended
 * @param value the reward; NaN unless status is OK
 * @param message why it failed, or what was extracted; may be empty
 */
public record Verdict(Status status, double value, String message) implements Serializable {
  public static Verdict ok(double value, String message) {
    return new Verdict(Double.isFinite(value) ? Status.OK : Status.ERROR, Double.isFinite(value) ? value : Double.NaN,
        Double.isFinite(value) ? message : "the reward is not a finite number");
  }

  public static Verdict failed(Status status, String message) {
    return new Verdict(status, Double.NaN, message);
  }
}
