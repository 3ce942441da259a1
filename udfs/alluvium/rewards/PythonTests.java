package alluvium.rewards;

import java.util.Optional;
import java.util.Set;

/**
 * Whether a Python program passes the task's tests, which are the reference answer.
 *
 * <pre>  right if every test ends without an exception and the program was asked at least once, else wrong </pre>
 *
 * The program is the last fenced block marked python, py or nothing, else the whole completion. The tests are Python:
 * statements (assertions as MBPP has them), functions {@code test_...} without arguments, or HumanEval's
 * {@code check(candidate)} with the function's name in the metadata's {@code entry_point}; each that the tests do not
 * call themselves is called. What the program defines has its own name there; {@code run_program(text)} runs the
 * program as a script with a standard input instead and returns what it prints. The standard library is there and
 * nothing else.
 *
 * <p>Program and tests run in two interpreters, each in a {@link Sandbox}, and exchange plain values: the program can
 * read no test, replace nothing that tests use, answer no comparison and end no test. What it does to itself is wrong,
 * whatever it is: an exception, an early end, too much processor time, memory, output. A program that is not done in
 * wallSeconds is a TIMEOUT, for that may be the machine's fault. Tests that are no Python, or that never ask the
 * program, are UNPARSEABLE; a machine without Python or without a way to keep programs in is an ERROR that says so.
 *
 * @param right reward of a program that passes
 * @param wrong reward of any other completion, < right
 * @param limits of the program; the tests have the same
 */
public record PythonTests(double right, double wrong, Limits limits) implements Verifier {
  private static final String ENTRY_POINT = "entry_point";
  private static final Set<String> WORDS = Set.of("python", "python3", "py", "");

  public PythonTests {
    Outcome.check("PythonTests", right, wrong);
  }

  @Override
  public Verdict verdict(Sample sample) {
    if (sample.answer().isBlank()) {
      return Verdict.failed(Status.UNPARSEABLE, "the task has no tests");
    }
    Optional<Sandbox> sandbox = Sandbox.here();
    return sandbox.isPresent() ? verdict(sample, sandbox.get()) : Verdict.failed(Status.ERROR, Sandbox.reason());
  }

  Verdict verdict(Sample sample, Sandbox sandbox) {
    String program = Fenced.last(sample.completion(), WORDS).orElse(sample.completion());
    try (Examination examination = new Examination(sandbox, limits, program, sample.answer(),
        sample.metadata().getOrDefault(ENTRY_POINT, ""))) {
      return examination.verdict(right, wrong);
    }
  }
}
