package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.jobs.shapes.Circle;
import alluvium.jobs.shapes.Drawing;
import alluvium.jobs.shapes.Empty;
import alluvium.jobs.shapes.Framed;
import alluvium.jobs.shapes.Ink;
import alluvium.jobs.shapes.Shape;
import alluvium.jobs.shapes.Square;
import alluvium.tables.RecipeException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BindingTest {
  private static final String GOOD = """
      # a comment
      shape:   {Framed: {inner: {Circle: {radius: 1.0e-6}}, width: 0.28, ink: {Ink: {color: red}}}}
      ink:     {Ink: {color: "3"}}
      shapes:  [{Empty: {}}, {Square: {side: -7, count: 4294967296}}]
      named:
        second: {Circle: {radius: 2}}
        first:  {Empty: {}}
      sizes:   [3, 1, 2]
      weights: {b: 1, a: 0.5}
      words:   ["\\n", no, "\\U0001F600"]
      """;

  private static Drawing bind(String text) {
    return Binding.bind(Drawing.class, text, "conf/x.yaml");
  }

  /** The good text with one line replaced, by its key. */
  private static String with(String line) {
    String key = line.substring(0, line.indexOf(':') + 1);
    StringBuilder text = new StringBuilder();
    boolean inside = false;
    for (String old : GOOD.split("\n")) {
      inside = old.startsWith(key) || inside && old.startsWith(" ");
      if (!inside) {
        text.append(old).append('\n');
      }
    }
    return text + line + '\n';
  }

  private static void refused(String line, String message) {
    assertThatThrownBy(() -> bind(with(line))).isInstanceOf(RecipeException.class)
        .hasMessage(message);
  }

  @Test
  void everyKindOfComponent() {
    Drawing drawing = bind(GOOD);
    assertThat(drawing.shape()).isEqualTo(new Framed(new Circle(1e-6), 0.28f, new Ink("red")));
    assertThat(drawing.ink()).isEqualTo(new Ink("3"));
    assertThat(drawing.shapes()).containsExactly(new Empty(), new Square(-7, 1L << 32));
    assertThat(drawing.named()).isEqualTo(Map.of("first", new Empty(), "second", new Circle(2)));
    assertThat(drawing.sizes()).containsExactly(3, 1, 2);
    assertThat(drawing.weights()).isEqualTo(Map.of("a", 0.5, "b", 1.0));
    assertThat(drawing.words()).containsExactly("\n", "no", "\uD83D\uDE00");
  }

  @Test
  void mapsAreBoundInTheOrderOfTheirKeys() {
    assertThat(bind(GOOD).named().keySet()).containsExactly("first", "second");
    assertThat(bind(GOOD).weights().keySet()).containsExactly("a", "b");
  }

  @Test
  void collectionsCannotBeChanged() {
    assertThatThrownBy(() -> bind(GOOD).sizes().add(1)).isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> bind(GOOD).weights().put("c", 1.0)).isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void unknownClass() {
    refused("shape: {Circel: {radius: 1}}", "conf/x.yaml: shape.Circel is not a class of shapes. "
        + "Did you mean Circle? Known: Broken, Circle, Empty, Framed, Square.");
    refused("shape: {Zzzzzzzz: {}}", "conf/x.yaml: shape.Zzzzzzzz is not a class of shapes. "
        + "Known: Broken, Circle, Empty, Framed, Square.");
    refused("ink: {Inc: {color: red}}", "conf/x.yaml: ink.Inc is not a class of shapes. Did you mean Ink? Known: Ink.");
  }

  @ParameterizedTest
  @ValueSource(strings = {"Plain", "Hidden", "Shape", "java.lang.Runtime", "Drawing$1", "../Circle", "circle", "String",
      "[I", "", " Circle"})
  void onlyPublicRecordsOfThePackageFillASlot(String name) {
    assertThatThrownBy(() -> bind(with("shape: {\"" + name + "\": {}}"))).isInstanceOf(RecipeException.class)
        .hasMessageContaining("is not a class of shapes");
  }

  @Test
  void recordsOfThePackageThatAreForAnotherSlot() {
    refused("shape: {Ink: {color: red}}", "conf/x.yaml: shape.Ink is in shapes, but not for this slot. "
        + "Known: Broken, Circle, Empty, Framed, Square.");
  }

  @Test
  void unknownComponent() {
    assertThatThrownBy(() -> bind(with("shape: {Circle: {radius: 1, radus: 2}}")))
        .hasMessage("conf/x.yaml: shape.Circle.radus is not a component of Circle. Did you mean radius? "
            + "Known: radius.");
    refused("shape: {Empty: {q: 1}}", "conf/x.yaml: shape.Empty.q is not a component of Empty. Known: none.");
    assertThatThrownBy(() -> bind(GOOD + "shap: 1\n")).hasMessage("conf/x.yaml: shap is not a component of Drawing. "
        + "Did you mean shape? Known: shape, ink, shapes, named, sizes, weights, words.");
  }

  @Test
  void missingComponent() {
    refused("shape: {Circle: {}}",
        "conf/x.yaml: shape.Circle.radius is missing. Add it: a number; there are no defaults.");
    assertThatThrownBy(() -> bind(GOOD.replaceFirst("\nink: .*\n", "\n")))
        .hasMessage("conf/x.yaml: ink is missing. Add it: a class of shapes, one of Ink; there are no defaults.");
  }

  @Test
  void theRecordsOwnRule() {
    refused("shape: {Circle: {radius: 0}}", "conf/x.yaml: shape.Circle.radius must be > 0, got 0.0");
    refused("shapes: [{Empty: {}}, {Circle: {radius: -1}}]",
        "conf/x.yaml: shapes[1].Circle.radius must be > 0, got -1.0");
    refused("named: {a: {Circle: {radius: -1}}}", "conf/x.yaml: named.a.Circle.radius must be > 0, got -1.0");
    refused("shape: {Broken: {text: \"%s\\n\"}}", "conf/x.yaml: shape.Broken: never %s\\u000a");
    refused("shape: {Broken: {text: deep}}", "conf/x.yaml: shape.Broken: a component is nested too deeply");
    refused("shape: {Broken: {text: silent}}", "conf/x.yaml: shape.Broken: NoSuchElementException");
    assertThatThrownBy(() -> bind(with("shape: {Broken: {text: " + "x".repeat(5000) + "}}")))
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(700));
  }

  @Test
  void severalErrorsAtOnceOneToALine() {
    assertThatThrownBy(() -> bind("shape: {Circel: {radius: 1}}\nink: {Ink: {color: 3}}\nshapes: []\nnamed: {}\n"
        + "sizes: [1, x]\nweights: {}\nwords: []\n")).hasMessage(
        "conf/x.yaml: shape.Circel is not a class of shapes. Did you mean Circle? "
            + "Known: Broken, Circle, Empty, Framed, Square.\n"
            + "conf/x.yaml: ink.Ink.color must be text, got 3. Put it in quotes.\n"
            + "conf/x.yaml: sizes[1] must be an integer, got text \"x\".");
  }

  @Test
  void atMostTwentyErrors() {
    String many = "x, ".repeat(30);
    assertThatThrownBy(() -> bind(with("sizes: [" + many + "]")))
        .hasMessageEndingWith("sizes[19] must be an integer, got text \"x\".\nconf/x.yaml: there may be more.");
  }

  @Test
  void wrongShapes() {
    refused("shape: Circle", "conf/x.yaml: shape must name one class of shapes, as in {Class: {component: value}}, "
        + "got text \"Circle\". Known: Broken, Circle, Empty, Framed, Square.");
    refused("ink: {}", "conf/x.yaml: ink must name one class of shapes, as in {Class: {component: value}}, "
        + "got {}. Known: Ink.");
    refused("ink: {Ink: {color: a}, Pen: {}}", "conf/x.yaml: ink must name one class of shapes, "
        + "as in {Class: {component: value}}, got a map of Ink, Pen. Known: Ink.");
    refused("ink:", "conf/x.yaml: ink must name one class of shapes, as in {Class: {component: value}}, "
        + "got nothing. Known: Ink.");
    refused("ink: {Ink: red}",
        "conf/x.yaml: ink.Ink must be a map of its components, got text \"red\". Known: color.");
    refused("shape: {Empty: }", "conf/x.yaml: shape.Empty must be a map of its components, got nothing. Write {}.");
    refused("sizes: 3", "conf/x.yaml: sizes must be a list, got 3. Write [] for none.");
    refused("weights: [1]", "conf/x.yaml: weights must be a map, got a list of 1. Write {} for none.");
    refused("words: [true]", "conf/x.yaml: words[0] must be text, got true. Put it in quotes.");
    refused("words: [~]", "conf/x.yaml: words[0] must be text, got nothing. Put it in quotes.");
    refused("weights: {a: [1]}", "conf/x.yaml: weights.a must be a number, got a list of 1.");
    assertThatThrownBy(() -> bind("- 1")).hasMessage("conf/x.yaml: the recipe must be a map of its components, "
        + "got a list of 1. Known: shape, ink, shapes, named, sizes, weights, words.");
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
      "3"                  | an integer, got text "3". Write 3, without quotes.
      3.0                  | an integer, got 3.0. Write decimal digits without a point.
      2147483648           | an integer, got 2147483648, which does not fit one.
      99999999999999999999 | an integer, got 99999999999999999999, which does not fit one.
      1_000                | an integer, got 1_000. Write decimal digits without a point.
      0x10                 | an integer, got 0x10. Write decimal digits without a point.
      010                  | an integer, got 010. Write decimal digits without a point.
      true                 | an integer, got true. Write decimal digits without a point.
      ~                    | an integer, got nothing. Write decimal digits without a point.
      {}                   | an integer, got {}.
      """)
  void integersAreStrict(String written, String message) {
    refused("sizes: [" + written + "]", "conf/x.yaml: sizes[0] must be " + message);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
      "1e-6"  | a number, got text "1e-6". Write 1.0E-6, without quotes.
      "1.0e10"| a number, got text "1.0e10". Write 1.0E+10, without quotes.
      "0.5"   | a number, got text "0.5". Write 0.5, without quotes.
      .nan    | a number, got .nan. Write decimal digits.
      .inf    | a number, got .inf. Write decimal digits.
      NaN     | a number, got text "NaN".
      Infinity| a number, got text "Infinity".
      1.0e+400| a number, got 1.0e+400, which does not fit one.
      1.0e-400| a number, got 1.0e-400, which does not fit one.
      1_0.5   | a number, got 1_0.5. Write decimal digits.
      0x1p3   | a number, got text "0x1p3".
      1.0f    | a number, got text "1.0f".
      """)
  void numbersAreStrict(String written, String message) {
    refused("weights: {a: " + written + "}", "conf/x.yaml: weights.a must be " + message);
  }

  @ParameterizedTest
  @CsvSource({"1.0e-6, 1e-6", "1e-6, 1e-6", "1.0e6, 1e6", "1.0e+6, 1e6", "5, 5", "-3, -3", "+2, 2", "0, 0", "-0.0, 0",
      "0.0e-400, 0",
      "9007199254740993, 9007199254740992", "1.7976931348623157e+308, 1.7976931348623157e308"})
  void numbers(String written, double value) {
    assertThat(bind(with("weights: {a: " + written + "}")).weights()).isEqualTo(Map.of("a", value));
  }

  @Test
  void onlyQuotesMakeAnEmptyText() {
    assertThat(bind(with("words: [\"\", '']")).words()).containsExactly("", "");
    assertThat(bind(with("ink: {Ink: {color: ''}}")).ink()).isEqualTo(new Ink(""));
    refused("ink: {Ink: {color: }}", "conf/x.yaml: ink.Ink.color must be text, got nothing. Put it in quotes.");
  }

  @Test
  void floatsAreReadAsFloats() {
    assertThatThrownBy(() -> bind(GOOD.replace("0.28", "1.0e-60"))).hasMessage(
        "conf/x.yaml: shape.Framed.width must be a number, got 1.0e-60, which does not fit one.");
    // 1 + 2^-24 + 2^-60 is above the midpoint of two floats; read as a double first it would be rounded twice
    String tricky = "1.000000059604644776257986";
    Framed framed = (Framed) bind(GOOD.replace("0.28", tricky)).shape();
    assertThat(framed.width()).isEqualTo(Math.nextUp(1f)).isNotEqualTo((float) Double.parseDouble(tricky));
  }

  @Test
  void theDangerousAndTheAmbiguousOfYaml() {
    assertThatThrownBy(() -> bind(GOOD + "shape: {Empty: {}}\n"))
        .hasMessage("conf/x.yaml: line 11 has the key shape a second time. Keep one.");
    assertThatThrownBy(() -> bind(with("shape: {Circle: {radius: 1, radius: 1}}")))
        .hasMessageContaining("has the key radius a second time. Keep one.");
    assertThatThrownBy(() -> bind(with("sizes: &a [1]"))).hasMessageContaining("has an anchor or an alias");
    assertThatThrownBy(() -> bind("a: &a [1]\nb: *a")).hasMessageContaining("line 1 has an anchor or an alias. "
        + "Write the value out.");
    assertThatThrownBy(() -> bind("*a : 1")).isInstanceOf(RecipeException.class);
    assertThatThrownBy(() -> bind("a: *b")).hasMessageContaining("has an anchor or an alias");
    assertThatThrownBy(() -> bind("&k a: 1")).hasMessageContaining("has an anchor or an alias");
    assertThatThrownBy(() -> bind(with("sizes: !!int \"3\"")))
        .hasMessageContaining("has a tag. Write the value without it.");
    assertThatThrownBy(() -> bind("a: !!javax.script.ScriptEngineManager [1]")).hasMessageContaining("has a tag");
    assertThatThrownBy(() -> bind(GOOD + "---\na: 1\n")).hasMessageContaining("starts a second document. Keep one.");
    assertThatThrownBy(() -> bind("")).hasMessage("conf/x.yaml: is empty. Write one component per line.");
    assertThatThrownBy(() -> bind("# only a comment\n")).hasMessageContaining("is empty");
    assertThatThrownBy(() -> bind("a: [1, 2")).hasMessageStartingWith("conf/x.yaml: line 1 is not YAML: ");
    assertThatThrownBy(() -> bind("a: \"\\q\"")).isInstanceOf(RecipeException.class);
    assertThatThrownBy(() -> bind("a: \u0000")).isInstanceOf(RecipeException.class);
    assertThatThrownBy(() -> bind("? [a]\n: 1")).isInstanceOf(RecipeException.class);
  }

  @Test
  void bombs() {
    Assertions.assertTimeoutPreemptively(Duration.ofSeconds(10), () -> {
      StringBuilder laughs = new StringBuilder("a0: &a0 [lol]\n");
      for (int i = 1; i < 10; i++) {
        laughs.append("a" + i + ": &a" + i + " [" + ("*a" + (i - 1) + ", ").repeat(9) + "]\n");
      }
      assertThatThrownBy(() -> bind(laughs.toString())).hasMessageContaining("has an anchor or an alias");
      assertThatThrownBy(() -> bind("[".repeat(200_000))).hasMessageContaining("is nested deeper than 24 levels");
      assertThatThrownBy(() -> bind("{a: ".repeat(50_000))).hasMessageContaining("is nested deeper than 24 levels");
      assertThatThrownBy(() -> bind("- ".repeat(100_000))).isInstanceOf(RecipeException.class);
      assertThatThrownBy(() -> bind("? ".repeat(100_000))).isInstanceOf(RecipeException.class);
      assertThatThrownBy(() -> bind("a: " + "9".repeat(200_000))).isInstanceOf(RecipeException.class);
      assertThatThrownBy(() -> bind(with("sizes: [" + "9".repeat(200_000) + "]")))
          .isInstanceOf(RecipeException.class);
      assertThatThrownBy(() -> bind(with("sizes: [0x" + "f".repeat(200_000) + "]")))
          .isInstanceOf(RecipeException.class);
      assertThatThrownBy(() -> bind(with("shape: {" + "C".repeat(200_000) + ": {}}")))
          .isInstanceOf(RecipeException.class);
      StringBuilder unknown = new StringBuilder("shapes: [");
      for (int i = 0; i < 15_000; i++) {
        unknown.append("{C").append(i).append(": {}}, ");
      }
      assertThatThrownBy(() -> bind(with(unknown + "]"))).isInstanceOf(RecipeException.class);
      assertThat(bind(with("shapes: [" + "{Empty: {}}, ".repeat(15_000) + "]")).shapes()).hasSize(15_000);
      assertThatThrownBy(() -> bind("a".repeat(StrictYaml.LARGEST + 1)))
          .hasMessage("conf/x.yaml: is larger than 262144 bytes. Leave out what is no recipe.");
      // nesting of slots within the limit of levels, then beyond
      String framed = "{Framed: {width: 1, ink: {Ink: {color: a}}, inner: ";
      bind(with("shape: " + framed.repeat(10) + "{Empty: {}}" + "}}".repeat(10)));
      assertThatThrownBy(() -> bind(with("shape: " + framed.repeat(14) + "{Empty: {}}" + "}}".repeat(14))))
          .hasMessageContaining("is nested deeper than 24 levels");
    });
  }

  @Test
  void textFromTheFileIsPrintedSafely() {
    assertThatThrownBy(() -> bind(GOOD + "\"\\e[31m\\n%s%n" + "k".repeat(500) + "\": 1\n"))
        .hasMessageContaining("\\u001b[31m\\u000a%s%nkkk").hasMessageContaining("kkk... is not a component")
        .satisfies(e -> assertThat(e.getMessage().lines()).hasSize(1));
  }

  @Test
  void files(@TempDir Path folder) throws IOException {
    assertThatThrownBy(() -> StrictYaml.text(folder.resolve("none.yaml"))).hasMessage(folder.resolve("none.yaml")
        + ": there is no such file. Name a file of conf/ or write one.");
    assertThatThrownBy(() -> StrictYaml.text(folder)).hasMessageContaining("there is no such file");
    Path latin = Files.write(folder.resolve("latin.yaml"), new byte[] {'a', ':', ' ', (byte) 0xe4});
    assertThatThrownBy(() -> StrictYaml.text(latin)).hasMessage(latin + ": is not UTF-8 text. Save it as UTF-8.");
    Path large = Files.write(folder.resolve("large.yaml"), new byte[StrictYaml.LARGEST + 1]);
    assertThatThrownBy(() -> StrictYaml.text(large)).hasMessageContaining("is larger than 262144 bytes");
    Path good = Files.writeString(folder.resolve("good.yaml"), GOOD);
    assertThat(StrictYaml.text(good)).isEqualTo(GOOD);
  }

  @Test
  void theCanonicalSpellingBindsToTheSame() {
    Drawing drawing = bind(GOOD);
    String text = Canonical.text(drawing);
    assertThat(text).isEqualTo("""
        shape: {Framed: {inner: {Circle: {radius: 1.0E-6}}, width: 0.28, ink: {Ink: {color: "red"}}}}
        ink: {Ink: {color: "3"}}
        shapes: [{Empty: {}}, {Square: {side: -7, count: 4294967296}}]
        named: {"first": {Empty: {}}, "second": {Circle: {radius: 2.0}}}
        sizes: [3, 1, 2]
        weights: {"a": 0.5, "b": 1.0}
        words: ["\\u000a", "no", "\\U0001f600"]
        """);
    assertThat(bind(text)).isEqualTo(drawing);
    Drawing big = bind(with("weights: {a: 123456789012.0, b: 1.0e+300, c: 4.9e-324}"));
    assertThat(bind(Canonical.text(big))).isEqualTo(big);
  }

  @Test
  void theDigestSeesWhatCountsAndNothingElse() {
    String digest = Canonical.digest(bind(GOOD));
    assertThat(digest).matches("[0-9a-f]{64}");
    String respelt = """
        words: ["\\
          \\n", 'no', "\\ud83d\\ude00"]
        weights:
          a: 0.50
          b: 1.0
        sizes: [3, 1, +2]
        named: {first: {Empty: {}}, second: {Circle: {radius: 2.0e+0}}}
        shapes:
          - Empty: {}
          - Square: {count: 4294967296, side: -7}   # another comment
        ink: {Ink: {color: '3'}}
        shape: {Framed: {ink: {Ink: {color: "red"}}, width: 2.8e-1, inner: {Circle: {radius: 0.000001}}}}
        """;
    assertThat(Canonical.digest(bind(respelt))).isEqualTo(digest);
    for (String change : List.of("shape: {Empty: {}}", "sizes: [3, 2, 1]", "weights: {b: 1, a: 0.25}",
        "words: []", "ink: {Ink: {color: '4'}}", "named: {}", "shapes: [{Empty: {}}]")) {
      assertThat(Canonical.digest(bind(with(change)))).isNotEqualTo(digest);
    }
  }

  @Test
  void namesAreFoundInAJarWithoutFolderEntries(@TempDir Path folder) throws IOException, ReflectiveOperationException {
    Path jar = folder.resolve("a b+c%20.jar");
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
      for (String name : List.of("Shape", "Circle", "Empty", "Plain")) {
        String entry = "alluvium/jobs/shapes/" + name + ".class";
        out.putNextEntry(new JarEntry(entry));
        try (InputStream in = Shape.class.getClassLoader().getResourceAsStream(entry)) {
          in.transferTo(out);
        }
        out.closeEntry();
      }
    }
    try (URLClassLoader loader = new URLClassLoader(new URL[] {jar.toUri().toURL()},
        new Excluding(BindingTest.class.getClassLoader()))) {
      SlotClasses classes = new SlotClasses(loader.loadClass(Shape.class.getName()));
      assertThat(classes.slot()).isNotSameAs(Shape.class);
      assertThat(classes.names()).containsExactly("Circle", "Empty");
      assertThat(classes.named("Circle")).hasValue(loader.loadClass(Circle.class.getName()));
      assertThat(classes.named("Square")).isEmpty();
    }
  }

  /** Sees all but the shapes. */
  private static final class Excluding extends ClassLoader {
    Excluding(ClassLoader parent) {
      super(parent);
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (name.startsWith("alluvium.jobs.shapes.")) {
        throw new ClassNotFoundException(name);
      }
      return super.loadClass(name, resolve);
    }

    @Override
    public URL getResource(String name) {
      return name.startsWith("alluvium/jobs/shapes") ? null : super.getResource(name);
    }
  }

  @Test
  void spelling() {
    assertThat(Spelling.edits("grppo", "grpo")).isEqualTo(1);
    assertThat(Spelling.edits("circel", "circle")).isEqualTo(1);
    assertThat(Spelling.edits("kitten", "sitting")).isEqualTo(3);
    assertThat(Spelling.edits("", "abc")).isEqualTo(3);
    assertThat(Spelling.nearest("Grppo", List.of("Gae", "Grpo", "Opo", "Rloo"))).hasValue("Grpo");
    assertThat(Spelling.nearest("Quark", List.of("Gae", "Grpo"))).isEmpty();
  }

  @Test
  void mutationsGiveARecipeExceptionOrAValue() {
    Random random = new Random(20260101);
    String alphabet = "{}[]:,#&*!|>'\"%@`-?\\ \n\t0123456789.eE+_~abcCircleShape\u0000\u00e4\u2028\ud83d\ufeff";
    int valid = 0;
    for (int i = 0; i < 6000; i++) {
      StringBuilder text = new StringBuilder(GOOD);
      for (int edits = 1 + random.nextInt(4); edits > 0; edits--) {
        int at = random.nextInt(text.length());
        int to = Math.min(text.length(), at + random.nextInt(12));
        char c = alphabet.charAt(random.nextInt(alphabet.length()));
        switch (random.nextInt(5)) {
          case 0 -> text.insert(at, c);
          case 1 -> text.setCharAt(at, c);
          case 2 -> text.delete(at, Math.max(at + 1, to));
          case 3 -> text.insert(random.nextInt(text.length()), text.substring(at, to));
          default -> text.insert(at, String.valueOf(c).repeat(random.nextInt(40)));
        }
      }
      String mutated = text.toString();
      try {
        Drawing drawing = Assertions.assertTimeout(Duration.ofSeconds(5), () -> bind(mutated));
        assertThat(bind(Canonical.text(drawing))).isEqualTo(drawing);
        valid++;
      } catch (RecipeException e) {
        assertThat(e.getMessage()).startsWith("conf/x.yaml: ");
      }
    }
    assertThat(valid).isBetween(50, 5900);
  }
}
