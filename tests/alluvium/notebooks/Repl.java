package alluvium.notebooks;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.apache.spark.repl.SparkILoop;
import scala.Option;
import scala.collection.JavaConverters;
import scala.tools.nsc.Settings;
import scala.tools.nsc.interpreter.Results;

/** Spark's Scala interpreter, set up as notebooks do it: one class per line, names bound from outside. */
final class Repl implements AutoCloseable {
  private final StringWriter said = new StringWriter();
  private final SparkILoop loop = new SparkILoop(Option.empty(), new PrintWriter(said, true));

  Repl() {
    Settings settings = new Settings();
    settings.processArguments(scala(List.of("-Yrepl-class-based", "-classpath", System.getProperty("java.class.path"))),
        true);
    loop.settings_$eq(settings);
    loop.createInterpreter();
    loop.intp().initializeSynchronous();
  }

  void bind(String name, String type, Object value) {
    check(loop.intp().bind(name, type, value, scala(List.of("@transient"))), name);
  }

  void run(String code) {
    check(loop.intp().interpret(code), code);
  }

  private void check(Results.Result result, String code) {
    String output = said.toString();
    said.getBuffer().setLength(0);
    if (result != Results.Success$.MODULE$) {
      throw new AssertionError(result + ":\n" + output + "\nof\n" + code);
    }
  }

  private static <T> scala.collection.immutable.List<T> scala(List<T> list) {
    return JavaConverters.asScalaBuffer(list).toList();
  }

  @Override
  public void close() {
    loop.intp().close();
  }
}
