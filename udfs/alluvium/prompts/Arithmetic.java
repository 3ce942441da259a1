package alluvium.prompts;

import static alluvium.tables.RecipeException.require;

import alluvium.rollouts.KeyedSeed;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Sums and differences of two numbers of so many digits: "47+38=" is answered "85", "12-47=" "-35". All distinct, in an
 * order that the seed decides; the same seed with a larger count begins with the same tasks. The solution is the
 * answer.
 *
 * @param digits of both operands, 1 to 9; the first of several is never 0
 * @param operators one or both of + and -, each drawn equally often on average
 * @param count tasks, 1 to a million, at most all that there are
 * @param seed decides which and in what order
 */
public record Arithmetic(int digits, String operators, int count, long seed) implements TaskGenerator {
  private static final int MAX_COUNT = 1_000_000;

  public Arithmetic {
    require(digits >= 1 && digits <= 9, "Arithmetic.digits must be in 1..9, got %s", digits);
    require(Set.of("+", "-", "+-", "-+").contains(operators), "Arithmetic.operators must be of + and -, got '%s'",
        operators);
    long most = Math.min(MAX_COUNT, distinct(digits, operators));
    require(count >= 1 && count <= most, "Arithmetic.count must be in 1..%s, got %s", most, count);
  }

  @Override
  public List<Task> tasks() {
    Set<Long> drawn = new HashSet<>();
    List<Task> tasks = new ArrayList<>();
    for (long draw = 0; tasks.size() < count; draw++) {
      long index = Long.remainderUnsigned(KeyedSeed.of(seed, draw), distinct(digits, operators));
      if (drawn.add(index)) {
        tasks.add(task(index));
      }
    }
    return tasks;
  }

  private Task task(long index) {
    long operands = operands(digits);
    long a = smallest(digits) + index % operands;
    long b = smallest(digits) + index / operands % operands;
    char operator = operators.charAt((int) (index / operands / operands));
    Optional<String> answer = Optional.of(Long.toString(operator == '+' ? a + b : a - b));
    return Task.of("arithmetic", "" + a + operator + b + "=", answer).withSolution(answer)
        .withMetadata(Map.of("operator", String.valueOf(operator)));
  }

  /** How many tasks there are. */
  private static long distinct(int digits, String operators) {
    return Math.multiplyExact(operands(digits) * operands(digits), operators.length());
  }

  private static long operands(int digits) {
    return pow10(digits) - smallest(digits);
  }

  private static long smallest(int digits) {
    return digits == 1 ? 0 : pow10(digits - 1);
  }

  private static long pow10(int exponent) {
    return Math.round(Math.pow(10, exponent));
  }
}
