package alluvium;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.jobs.Intake;
import alluvium.prompts.ColumnMapping;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.regex.Matcher;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What the README says of files, jobs and options is so. Its spark-submit commands run in SubmitIT. */
class ReadmeTest {
  private static final Pattern OPTIONS = Pattern.compile("(\\w+) arguments = new \\1\\(\\);");

  private static final Set<String> OF_SPARK = Set.of("--master", "--driver-memory", "--driver-java-options", "--class",
      "--jars");

  private static Set<String> found(String regex, String text) {
    return Pattern.compile(regex).matcher(text).results().map(m -> m.group(1))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** Lines of the shell blocks that start a job: the job's name and what follows. */
  private static List<String[]> commands() {
    return Readme.blocks("bash").stream().flatMap(String::lines).filter(line -> line.matches("alluvium [A-Z].*"))
        .map(line -> line.substring("alluvium ".length()).split("\\s+")).toList();
  }

  /** The options of a job: of the class that its main makes an object of first. */
  private static CommandLine line(String job) throws ReflectiveOperationException, IOException {
    Matcher made = OPTIONS.matcher(Files.readString(Path.of("jobs/alluvium/jobs/" + job + ".java")));
    assertThat(made.find()).as(job).isTrue();
    String type = made.group(1).equals("Arguments") ? job + "$Arguments" : made.group(1);
    Constructor<?> arguments = Class.forName("alluvium.jobs." + type).getDeclaredConstructor();
    arguments.setAccessible(true);
    return new CommandLine(arguments.newInstance());
  }

  private static Set<String> jobs() throws IOException {
    Set<String> jobs = new TreeSet<>();
    for (Path file : list(Path.of("jobs/alluvium/jobs"))) {
      if (Files.readString(file).contains("public static void main(")) {
        jobs.add(file.getFileName().toString().replace(".java", ""));
      }
    }
    return jobs;
  }

  private static List<Path> list(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }

  @Test
  void everyFileThatIsNamedIsThereAndEveryRecipeIsInTheTable() throws IOException {
    Set<String> named = found("(conf/[A-Za-z0-9./-]+\\.(?:yaml|properties))", Readme.text());
    assertThat(named).hasSizeGreaterThan(10).allMatch(name -> Files.isRegularFile(Path.of(name)));
    Set<String> table = found("`(conf/[a-z0-9-]+\\.yaml)`",
        Readme.text().lines().filter(line -> line.startsWith("|")).collect(Collectors.joining("\n")));
    assertThat(table).isEqualTo(list(Path.of("conf")).stream().map(Path::toString)
        .filter(name -> name.endsWith(".yaml"))
        .collect(Collectors.toCollection(TreeSet::new)));
  }

  @Test
  void aPaperIsTheRecipesOwn() throws IOException {
    for (String row : Readme.text().lines().filter(line -> line.matches("\\| `conf/.*https://.*")).toList()) {
      String recipe = Files.readString(Path.of(found("`(conf/[a-z0-9-]+\\.yaml)`", row).iterator().next()));
      String paper = found("https://(?:arxiv\\.org/abs/|doi\\.org/)([^)]+)\\)", row).iterator().next();
      assertThat(recipe.lines().findFirst().orElse("")).as(row).contains(paper);
    }
  }

  @Test
  void everyJobIsThereAndTakesWhatIsGiven() throws ReflectiveOperationException, IOException {
    Set<String> named = found("alluvium\\.jobs\\.([A-Z][A-Za-z]+)", Readme.text());
    assertThat(commands()).hasSizeGreaterThan(5);
    for (String[] words : commands()) {
      named.add(words[0]);
      String[] given = Stream.concat(Stream.of("--lake", "out/lake"), Arrays.stream(words).skip(1))
          .toArray(String[]::new);
      assertThatCode(() -> line(words[0]).parseArgs(given)).as(String.join(" ", words)).doesNotThrowAnyException();
    }
    for (String job : named) {
      int modifiers = Class.forName("alluvium.jobs." + job).getMethod("main", String[].class).getModifiers();
      assertThat(Modifier.isStatic(modifiers)).as(job).isTrue();
    }
    assertThatThrownBy(() -> line("Iterate").parseArgs("--lake", "x", "--iteration", "3"))
        .isInstanceOf(CommandLine.ParameterException.class);
    Set<String> all = new TreeSet<>(jobs());
    all.remove("Quickstart");
    commands().forEach(words -> all.remove(words[0]));
    try (Stream<Path> pages = Files.list(Path.of("docs"))) {
      for (Path page : pages.filter(p -> p.toString().endsWith(".md")).toList()) {
        assertThat(Readme.text()).contains("docs/" + page.getFileName());
        all.removeAll(found("alluvium\\.jobs\\.([A-Z][A-Za-z]+)", Files.readString(page)));
      }
    }
    assertThat(all).as("jobs without a command here, and without a page of docs/ that gives one").isEmpty();
  }

  @Test
  void everyOptionIsOneOfSomeJob() throws ReflectiveOperationException, IOException {
    Set<String> known = new HashSet<>(OF_SPARK);
    for (String job : jobs()) {
      known.addAll(line(job).getCommandSpec().optionsMap().keySet());
    }
    assertThat(found("(?<![-\\w])(--[a-z][a-z-]+)", Readme.text())).hasSizeGreaterThan(10).isSubsetOf(known);
  }

  @Test
  void theTwoCommands() throws IOException {
    List<String> two = Readme.blocks("Two commands", "bash").stream().map(String::strip).toList();
    assertThat(two).hasSize(2);
    assertThat(two.get(0)).endsWith("exec:exec@quickstart");
    assertThat(Files.readString(Path.of("pom.xml"))).contains("<id>quickstart</id>");
    assertThat(Files.readAllLines(Path.of(".ci/run"))).contains(two.get(1));
  }

  @Test
  void theYamlAndTheJava(@TempDir Path folder) throws IOException {
    Path intake = Files.writeString(folder.resolve("questions.yaml"), Readme.blocks("Your own data", "yaml").get(0));
    assertThat(Intake.read(intake).format()).isInstanceOf(ColumnMapping.class);
    List<String> java = Readme.blocks("java");
    assertThat(java).isNotEmpty();
    for (String block : java) {
      Path file = Files.writeString(folder.resolve(found("record ([A-Za-z]+)", block).iterator().next() + ".java"),
          "package alluvium.advantages;\nimport java.util.Arrays;\n" + block);
      assertThat(ToolProvider.getSystemJavaCompiler().run(null, null, null, "-proc:none", "-d", folder.toString(),
          "-cp",
          System.getProperty("java.class.path"), file.toString())).as(block).isZero();
    }
  }
}
