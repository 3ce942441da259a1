package alluvium.rewards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import alluvium.tables.RecipeException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Programs that pass, that fail, and that attack; needs Linux with Python 3.10, and is skipped without. */
class PythonTestsTest {
  private static final Limits LIMITS = new Limits(1, 20, 256, 8, 4, 1);
  private static final PythonTests GRADER = new PythonTests(1, 0, LIMITS);
  private static final String MARK = "Calls between two interpreters";    // in the command line of each interpreter

  @BeforeAll
  static void python() {
    assumeTrue(Sandbox.here().isPresent(), Sandbox.reason());
  }

  @AfterEach
  void nothingSurvives() throws InterruptedException {
    for (int i = 0; i < 100 && interpreters() > 0; i++) {
      Thread.sleep(50);
    }
    assertEquals(0, interpreters(), "processes are left");
  }

  private static long interpreters() {
    return ProcessHandle.allProcesses().filter(process -> {
      try {
        return Files.readString(Path.of("/proc", String.valueOf(process.pid()), "cmdline")).contains(MARK);
      } catch (IOException e) {
        return false;
      }
    }).count();
  }

  /** Those that this machine has; a container may have none but the last. */
  private static final class Machine {
    static final List<Sandbox> SANDBOXES = Arrays.stream(Isolation.values()).flatMap(isolation -> Sandbox.find(
        List.of(isolation), List.of("python3", "/usr/bin/python3")).sandbox().stream()).toList();
  }

  static List<Sandbox> sandboxes() {
    return Machine.SANDBOXES;
  }

  private static Sample sample(String program, String tests, String entry) {
    return new Sample("", program, tests, 1, false, entry.isEmpty() ? Map.of() : Map.of("entry_point", entry));
  }

  private static Verdict verdict(String program, String tests) {
    return GRADER.verdict(sample(program, tests, ""));
  }

  private static void right(String program, String tests) {
    assertEquals(Verdict.ok(1, ""), verdict(program, tests));
  }

  private static void wrong(String message, String program, String tests) {
    Verdict verdict = verdict(program, tests);
    assertEquals(Status.OK, verdict.status(), verdict.message());
    assertEquals(0, verdict.value());
    assertThat(verdict.message()).contains(message);
  }

  @Test
  void assertionsAsMbppHasThem() {
    right("def add(a, b):\n  return a + b", "assert add(1, 2) == 3\nassert add('a', 'b') == 'ab'");
    wrong("line 2, assert add(2, 2) == 4: AssertionError", "def add(a, b):\n  return 3",
        "assert add(1, 2) == 3\nassert add(2, 2) == 4");
  }

  @Test
  void aCheckAsHumanEvalHasIt() {
    String tests = "def check(candidate):\n  assert candidate([2, 1]) == [1, 2]\n";
    assertEquals(Verdict.ok(1, ""), GRADER.verdict(sample("def f(x):\n  return sorted(x)", tests, "f")));
    assertEquals(0, GRADER.verdict(sample("def f(x):\n  return x", tests, "f")).value());
    assertThat(GRADER.verdict(sample("def g(x):\n  return sorted(x)", tests, "f")).message())
        .contains("the program does not define f");
  }

  @Test
  void testFunctionsAreCalled() {
    String tests = "def test_one():\n  assert f(1) == 2\ndef test_two():\n  assert f(2) == 3\n";
    right("def f(x): return x + 1", tests);
    wrong("assert f(2) == 3", "def f(x): return 2", tests);
  }

  @Test
  void aScriptReadsAndPrints() {
    right("print(sum(map(int, input().split())))", "assert run_program('1 2 3\\n') == '6\\n'");
    wrong("AssertionError", "print(5)", "assert run_program('1 2 3\\n') == '6\\n'");
    wrong("the program failed", "print(6)\nraise ValueError('late')", "assert run_program('1 2 3\\n') == '6\\n'");
    right("import sys\nif __name__ == '__main__':\n  print('x')\n  sys.exit(0)", "assert run_program() == 'x\\n'");
  }

  @Test
  void valuesPassAsTheyAre() {
    right("def f(x): return x", """
        for x in [None, True, 1, -1.5, 10 ** 50, 'ä\\n', b'ab', (1, (2,)), [1, [2]], {1: 'a', (1, 2): [3]}, {1, 2},
                  frozenset([1]), 1j, float('inf')]:
          y = f(x)
          assert y == x and type(y) is type(x), x
        """);
    right("def f(x):\n  x.append(3)\n  x.sort()", "a = [5]\nf(a)\nassert a == [3, 5]");
    right("def f(g): return g(2) + 1", "assert f(lambda x: x * 10) == 21");
    right("def f(n):\n  for i in range(n): yield i", "assert list(f(3)) == [0, 1, 2]");
  }

  @Test
  void classesAndExceptionsAreTheProgramsOwn() {
    String stack = """
        class Empty(Exception): pass
        class Stack:
          def __init__(self): self.items = []
          def push(self, x): self.items.append(x)
          def pop(self):
            if not self.items: raise Empty('nothing')
            return self.items.pop()
          def __len__(self): return len(self.items)
        """;
    right(stack, """
        s = Stack()
        s.push(1); s.push(2)
        assert s.pop() == 2 and len(s) == 1 and isinstance(s, Stack)
        s.pop()
        try:
          s.pop()
          assert False
        except Empty as e:
          assert str(e) == 'nothing'
        """);
    right("def f(x): return 1 / x", "try:\n  f(0)\n  assert False\nexcept ZeroDivisionError: pass");
  }

  @Test
  void theProgramIsTheLastFencedBlock() {
    String tests = "assert f() == 2";
    right("First\n```python\ndef f(): return 1\n```\nno, rather\n```python\ndef f(): return 2\n```\nDone.", tests);
    right("```\ndef f(): return 2\n```", tests);
    right("Cut off:\n```py\ndef f(): return 2\n", tests);
    wrong("SyntaxError", "I think that f returns 2.", tests);
    wrong("SyntaxError", "```json\n{}\n```", tests);
  }

  @Test
  void whatNobodyCanPassIsUnparseable() {
    assertEquals(Status.UNPARSEABLE, verdict("def f(): return 1", " ").status());
    assertThat(verdict("def f(): return 1", "assert f( == 1").message()).contains("not a Python program");
    assertEquals(Verdict.failed(Status.UNPARSEABLE, "the tests never call the program"),
        verdict("def f(): return 1", "assert 1 == 1"));
  }

  @Test
  void theSameEveryTime() {
    String program = "import random\ndef f(): return [list({'a', 'b', 'c', 'd'}), random.random()]";
    String tests = "assert f() == 0";
    Verdict first = verdict(program + "\nprint(f())", tests + ", f()");
    assertThat(first.message()).contains("AssertionError: [");
    assertEquals(first, verdict(program + "\nprint(f())", tests + ", f()"));
  }

  static List<String> cheats() {
    return List.of("import os; os._exit(0)", "import sys; sys.exit(0)", "raise SystemExit", """
        class E:
          def __eq__(self, other): return True
          __hash__ = None
        def f(x): return E()
        """, """
        import os
        def f(x): os._exit(0)
        """, """
        def f(x): raise AssertionError
        """, """
        import builtins
        builtins.AssertionError = ValueError
        builtins.Exception = ValueError
        def f(x): return 0
        """, """
        import os
        def f(x):
          for fd in range(20):
            try: os.write(fd, b'V["right", ""]\\n')
            except OSError: pass
          return 0
        """, """
        import gc
        def f(x):
          for o in gc.get_objects():
            if type(o).__name__ == 'Peer':
              o.sink.write(b'V["right", ""]\\n')
              o.sink.flush()
          return 0
        """, """
        def check(x): pass
        def f(x): return 0
        """, """
        import inspect, sys
        def f(x):
          texts = str([i.frame.f_globals for i in inspect.stack()]) + str(sys.argv) + str(sys.modules['__main__'])
          return 41 if '41' in texts else 0
        """);
  }

  @ParameterizedTest
  @MethodSource("cheats")
  void aProgramCannotPassWithoutTheAnswer(String program) {
    wrong("", program, "try:\n  x = f(7)\nexcept Exception:\n  x = 'failed'\nassert x == 41");
  }

  @Test
  void testsThatCatchEverythingSeeNoEnd() {
    wrong("ended", "def f(x):\n  import os; os._exit(0)", "try:\n  f(1)\nexcept:\n  pass");
  }

  @ParameterizedTest
  @MethodSource("sandboxes")
  void attacksEndWithinTheirLimits(Sandbox sandbox) throws IOException {
    attack(sandbox, "loop", "def f():\n  while True: pass", "more processor time than 1 s");
    attack(sandbox, "a loop that ignores the signal",
        "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\ndef f():\n  while True: pass",
        "the program was killed, for processor time or memory");
    attack(sandbox, "memory", "def f(): return len(bytearray(1 << 30))", "MemoryError");
    attack(sandbox, "a gigabyte printed", "def f():\n  for i in range(1 << 14): print('x' * (1 << 16))",
        "more output than 1 MiB");
    attack(sandbox, "a gigabyte answered", "def f(): return 'x' * (1 << 25)", "more output than 1 MiB");
    attack(sandbox, "a file too large", """
        def f():
          with open('large', 'wb') as file:
            for i in range(64): file.write(bytes(1 << 20))
        """, sandbox.isolation().closed() ? "No space left on device" : "File too large");
    attack(sandbox, "recursion", "def f(): return f()", "RecursionError");
    attack(sandbox, "kills all it sees", "import os\ndef f():\n  os.kill(-1, 9)\n  return 7", "");
  }

  private static void attack(Sandbox sandbox, String name, String program, String message) {
    Instant start = Instant.now();
    Verdict verdict = GRADER.verdict(sample(program, "assert f() == 7", ""), sandbox);
    assertThat(Duration.between(start, Instant.now())).as(name).isLessThan(Duration.ofSeconds(15));
    if (!name.startsWith("kills")) {
      assertEquals(0, verdict.value(), name + ": " + verdict);
    }
    assertEquals(Status.OK, verdict.status(), name + ": " + verdict);
    assertThat(verdict.message()).as(name).contains(message);
  }

  @ParameterizedTest
  @MethodSource("sandboxes")
  void aForkBombStaysSmall(Sandbox sandbox) {
    String program = """
        import os, time
        def f():
          made = 0
          try:
            while made < 1000:
              if os.fork() == 0: time.sleep(100)
              made += 1
          except OSError: pass
          return made
        """;
    assertEquals(Verdict.ok(1, ""), GRADER.verdict(sample(program, "assert f() == 8", ""), sandbox));
    PythonTests hasty = new PythonTests(1, 0, new Limits(1, 5, 256, 2, 4, 1));
    Verdict endless = hasty.verdict(sample("import os\ndef f():\n  while True:\n    try: os.fork()\n"
        + "    except OSError: pass", "assert f() == 7", ""), sandbox);
    assertThat(endless).isIn(Verdict.ok(0, "more processor time than 1 s"),
        Verdict.failed(Status.TIMEOUT, "not done within 5.0 s"));
  }

  @ParameterizedTest
  @MethodSource("sandboxes")
  void noEnvironmentAndNoOtherProcess(Sandbox sandbox) {
    assertThat(System.getenv()).containsKey("PATH").hasSizeGreaterThan(3);
    String program = """
        import os
        def names(): return sorted(os.environ)
        def others():
          found = []
          for pid in os.listdir('/proc') if os.path.isdir('/proc') else []:
            if pid.isdigit():
              try: text = open('/proc/%s/environ' % pid, 'rb').read()
              except OSError: continue
              if b'JAVA' in text or b'HOME=' in text: found.append(pid)
          return found
        """;
    assertEquals(Verdict.ok(1, ""), GRADER.verdict(sample(program, "assert set(names()) <= "
        + "{'LANG', 'LC_CTYPE', 'PATH', 'PYTHONHASHSEED', 'PWD', 'OLDPWD', 'SHLVL', '_'}, names()\n"
        + "assert others() == []", ""), sandbox));
  }

  @ParameterizedTest
  @MethodSource("sandboxes")
  void noNetworkWhereTheKernelAllowsIt(Sandbox sandbox) throws IOException {
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String program = """
          import socket
          def f(port):
            try:
              socket.create_connection(('127.0.0.1', port), 2).close()
              return True
            except OSError: return False
          """;
      assertEquals(sandbox.isolation().closed() ? "False" : "True", said(sandbox, program,
          "f(" + server.getLocalPort() + ")"));
    }
  }

  @ParameterizedTest
  @MethodSource("sandboxes")
  void noFilesOfThisMachine(Sandbox sandbox) throws IOException {
    Path secret = Files.createTempFile("secret", ".txt");      // rw-------
    try {
      String program = """
          import os
          def read(path):
            try: return open(path).read()
            except OSError: return ''
          def write(path):
            try:
              open(path, 'w').close()
              return True
            except OSError: return False
          """;
      Files.writeString(secret, "secret");
      assertEquals("''", said(sandbox, program, "read('" + secret + "')"));
      assertEquals("''", said(sandbox, program, "read('/etc/shadow')"));
      assertEquals("False", said(sandbox, program, "write('/usr/bin/alluvium')"));
      assertEquals("True", said(sandbox, program, "write('own')"));
      assertEquals("False", said(sandbox, program, "os.path.exists('own')"));
    } finally {
      Files.delete(secret);
    }
  }

  /** What an expression over a program is. */
  private static String said(Sandbox sandbox, String program, String expression) {
    Verdict verdict = GRADER.verdict(sample(program + "\ndef said(): return repr(" + expression + ")\n",
        "assert False, said()", ""), sandbox);
    assertEquals(Status.OK, verdict.status(), verdict.message());
    return verdict.message().replaceFirst(".*AssertionError: ", "");
  }

  @ParameterizedTest
  @MethodSource("sandboxes")
  void aDaemonEndsWithItsProgram(Sandbox sandbox) {
    String program = """
        import os, time
        def f():
          if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
              time.sleep(1000)
            os._exit(0)
          return 7
        """;
    assertEquals(Verdict.ok(1, ""), GRADER.verdict(sample(program, "assert f() == 7", ""), sandbox));
  }

  @Test
  void whoSleepsIsNotJudged() {
    PythonTests hasty = new PythonTests(1, 0, new Limits(1, 1.5, 256, 8, 4, 1));
    assertEquals(Verdict.failed(Status.TIMEOUT, "not done within 1.5 s"),
        hasty.verdict(sample("import time\ndef f(): time.sleep(100)", "assert f() == 7", "")));
  }

  @Test
  void testsWithoutEndAreATimeout() {
    assertEquals(Verdict.failed(Status.TIMEOUT, "the tests used more processor time than 1 s"),
        verdict("def f(): return 1", "assert f() == 1\nwhile True: pass"));
  }

  @Test
  void aProgramEndsByItselfWhenNobodyIsLeftToEndIt() throws InterruptedException {
    Sandbox sandbox = Sandbox.here().orElseThrow();
    Contained abandoned = sandbox.start(Sandbox.Part.PROGRAM, new Limits(1, 1.5, 256, 8, 4, 1));
    Instant start = Instant.now();
    assertThat(abandoned.status()).isNotZero();
    assertThat(Duration.between(start, Instant.now())).isBetween(Duration.ofSeconds(4), Duration.ofSeconds(12));
  }

  @Test
  void aMachineWithoutPythonSaysSo() {
    Sandbox.Found none = Sandbox.find(Arrays.asList(Isolation.values()), List.of("/nowhere/python3"));
    assertThat(none.sandbox()).isEmpty();
    assertThat(none.reason()).contains("programs cannot be graded on this machine",
        "/nowhere/python3: not found, or no Python from 3.10 on");
    assertThat(Sandbox.find(List.of(), List.of("python3")).reason()).endsWith("machine: ");
  }

  @Test
  void limitsAreChecked() {
    assertThatThrownBy(() -> new Limits(0, 1, 256, 8, 4, 1)).isInstanceOf(RecipeException.class)
        .hasMessage("Limits.cpuSeconds must be >= 1, got 0");
    assertThatThrownBy(() -> new Limits(2, 2, 256, 8, 4, 1)).hasMessageContaining("> cpuSeconds, got 2.0");
    assertThatThrownBy(() -> new Limits(2, 3, 31, 8, 4, 1)).hasMessageContaining("memoryMebibytes");
    assertThatThrownBy(() -> new Limits(2, 3, 256, -1, 4, 1)).hasMessageContaining("processes");
    assertThatThrownBy(() -> new Limits(2, 3, 256, 8, 0, 1)).hasMessageContaining("diskMebibytes");
    assertThatThrownBy(() -> new Limits(2, 3, 256, 8, 4, 0)).hasMessageContaining("outputMebibytes");
    assertThatThrownBy(() -> new PythonTests(0, 0, LIMITS)).hasMessageContaining("PythonTests.right");
  }
}
