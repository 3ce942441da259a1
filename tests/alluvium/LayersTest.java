package alluvium;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.syntax.elements.ClassesShould;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The house rules that a machine can see: who imports whom, and the smells. */
class LayersTest {
  private static final String TABLES = "alluvium.tables..";
  private static final String SPARK = "alluvium.spark..";
  private static final String JOBS = "alluvium.jobs..";
  private static final String[] SLOTS = {"alluvium.prompts..", "alluvium.rollouts..", "alluvium.rewards..",
      "alluvium.preferences..", "alluvium.selections..", "alluvium.advantages..", "alluvium.objectives..",
      "alluvium.normalizers..", "alluvium.regularizers..", "alluvium.references..", "alluvium.optimizers..",
      "alluvium.merges..", "alluvium.evaluations..", "alluvium.policies.."};

  private static final ArchRule NAMES = noClasses().should().haveNameMatching(".*(Util|Utils|Helper|Helpers|Manager)")
      .because("a class is named after what it computes");
  private static final ArchRule SILENCE = noClasses().should().accessField(System.class, "out")
      .orShould().accessField(System.class, "err").because("logs go to SLF4J, metrics to their table");
  private static final ArchRule STAYING = noClasses().should().callMethod(System.class, "exit", int.class)
      .orShould().callMethod(Runtime.class, "exit", int.class).orShould().callMethod(Runtime.class, "halt", int.class)
      .because("it would kill an executor");
  private static final ArchRule SEEDS = noClasses().should().callConstructor(Random.class)
      .orShould().callMethod(Math.class, "random").orShould().callMethod(ThreadLocalRandom.class, "current")
      .because("seeds come from keys");

  private static final Pattern STRINGLY = Pattern.compile("\\b(col|getAs|select)\\(\\s*\"");
  private static final Pattern SWITCHED = Pattern.compile("(?:\\bcase|\\bequals\\()\\s*\"([A-Za-z0-9]+)\"");

  private static JavaClasses ours;

  @BeforeAll
  static void read() {
    ours = new ClassFileImporter().withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
        .importPackages("alluvium");
    assertThat(ours).hasSizeGreaterThan(50);
  }

  @Test
  void everyPackageHasItsPlace() {
    classes().should().resideInAnyPackage(Stream.concat(Stream.of(TABLES, SPARK, JOBS), Stream.of(SLOTS))
        .toArray(String[]::new)).check(ours);
  }

  @Test
  void importsGoDownOnly() {
    never(TABLES).dependOnClassesThat(resideInAnyPackage("alluvium..").and(resideOutsideOfPackages(TABLES)))
        .check(ours);
    never(SLOTS).dependOnClassesThat().resideInAnyPackage(SPARK, JOBS).check(ours);
    never(SPARK).dependOnClassesThat().resideInAnyPackage(JOBS).allowEmptyShould(true).check(ours);
  }

  @Test
  void sparkStaysOutOfTheAlgorithms() {
    never(SLOTS).dependOnClassesThat().resideInAnyPackage("org.apache.spark..", "io.delta..", "scala..").check(ours);
    never(TABLES).dependOnClassesThat(resideInAnyPackage("org.apache.spark..")
        .and(resideOutsideOfPackages("org.apache.spark.sql..", "org.apache.spark.annotation.."))).check(ours);
  }

  @Test
  void tensorsStayWithThePolicyAndTheLosses() {
    noClasses().that().resideOutsideOfPackages("alluvium.policies..", "alluvium.objectives..",
        "alluvium.regularizers..").should().dependOnClassesThat().resideInAnyPackage("ai.djl..").check(ours);
  }

  @Test
  void smellsInTheClasses() {
    for (ArchRule rule : List.of(NAMES, SILENCE, STAYING, SEEDS)) {
      rule.check(ours);
    }
  }

  @Test
  void theRulesSeeTheSmells() {
    JavaClasses bad = new ClassFileImporter().importClasses(SmellyHelper.class);
    for (ArchRule rule : List.of(NAMES, SILENCE, STAYING, SEEDS)) {
      assertThat(rule.evaluate(bad).hasViolation()).as(rule.getDescription()).isTrue();
    }
    assertThat(STRINGLY.matcher("row.getAs(\"tokens\")").find()).isTrue();
    assertThat(STRINGLY.matcher("functions.col( \"tokens\")").find()).isTrue();
    assertThat(STRINGLY.matcher("protocol(\"http\")").find()).isFalse();
    assertThat(SWITCHED.matcher("case \"Grpo\" -> 1;").find()).isTrue();
    assertThat(SWITCHED.matcher("name.equals(\"ClipHigher\")").find()).isTrue();
  }

  @Test
  void smellsInTheSources() throws IOException {
    Set<String> algorithms = ours.stream().filter(c -> c.isRecord() && c.getAllRawInterfaces().stream()
        .anyMatch(i -> i.getPackageName().equals(c.getPackageName()))).map(JavaClass::getSimpleName)
        .collect(Collectors.toSet());
    assertThat(algorithms).contains("Grpo", "ClipHigher", "K3", "AdamW");
    List<String> found = new ArrayList<>();
    for (String root : List.of("udfs", "jobs")) {
      for (Path file : javaFiles(Path.of(root))) {
        String text = Files.readString(file);
        STRINGLY.matcher(text).results().forEach(m -> found.add(file + ": " + m.group()));
        SWITCHED.matcher(text).results().filter(m -> algorithms.contains(m.group(1)))
            .forEach(m -> found.add(file + ": " + m.group()));
        Pattern.compile("printStackTrace\\(").matcher(text).results().forEach(m -> found.add(file + ": " + m.group()));
      }
    }
    assertThat(found).as("columns are fields of schemas/, algorithms are classes").isEmpty();
  }

  private static List<Path> javaFiles(Path root) throws IOException {
    try (Stream<Path> files = Files.walk(root)) {
      List<Path> java = files.filter(f -> f.toString().endsWith(".java")).sorted().toList();
      assertThat(java).as("sources under %s", root).isNotEmpty();
      return java;
    }
  }

  private static ClassesShould never(String... packages) {
    return noClasses().that().resideInAnyPackage(packages).should();
  }

  /** All that the rules forbid. */
  @SuppressWarnings("unused")
  private static final class SmellyHelper {
    void smell() {
      System.out.println(new Random().nextInt() + Math.random() + ThreadLocalRandom.current().nextInt());
      System.exit(1);
    }
  }
}
