package alluvium.jobs;

import alluvium.tables.RecipeException;
import java.util.Arrays;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** What the command line of every stage names. */
class Options {
  @Option(names = "--lake", required = true, description = "path or catalog.schema of the tables")
  String lake;

  @Option(names = "--run", defaultValue = "main", description = "key of the run (default: ${DEFAULT-VALUE})")
  String run;

  @Option(names = "--seed", defaultValue = "0", description = "seed of everything random (default: ${DEFAULT-VALUE})")
  long seed;

  @Option(names = "--cluster", defaultValue = "conf/clusters/local.yaml",
      description = "machine settings (default: ${DEFAULT-VALUE})")
  String cluster;

  @Option(names = {"-h", "--help"}, usageHelp = true, description = "says this")
  boolean help;

  /** Throws unless a number is large enough. */
  static void atLeast(long least, String option, long value) {
    RecipeException.require(value >= least, "%s must be >= %s, got %s", option, least, value);
  }

  /**
   * Fills the options from arguments; a wrong one is a RecipeException that says what is known.
   *
   * @return false where only help was asked for, which has then been given
   */
  boolean parse(String name, String... arguments) {
    CommandLine line = new CommandLine(this).setCommandName(name);
    usualLake().ifPresent(lake -> {
      OptionSpec required = line.getCommandSpec().findOption("--lake");
      line.getCommandSpec().remove(required).addOption(OptionSpec.builder(required).required(false).defaultValue(lake)
          .description(required.description()[0] + " (default: ${DEFAULT-VALUE})").build());
    });
    try {
      line.parseArgs(arguments);
    } catch (ParameterException e) {
      throw new RecipeException("%s: %s (arguments: %s)%n%s", name, e.getMessage(), Arrays.toString(arguments),
          line.getUsageMessage());
    }
    if (line.isUsageHelpRequested()) {
      Console.line(line.getUsageMessage());
    }
    if (!help) {
      check();
    }
    return !help;
  }

  /** Throws where an option has a value that it cannot have. */
  void check() {
    runName("--run", run);
  }

  static void runName(String option, String name) {
    RecipeException.require(name.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,99}"),
        "%s must be letters, digits, '.', '_', '-', at most 100, got \"%s\"", option, name);
  }

  /** The lake where none is named; empty where one must be. */
  Optional<String> usualLake() {
    return Optional.empty();
  }
}
