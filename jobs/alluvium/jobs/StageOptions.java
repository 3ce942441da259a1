package alluvium.jobs;

import picocli.CommandLine.Option;

/** What the command line of a stage of one iteration names. */
class StageOptions extends Options {
  @Option(names = "--recipe", required = true, description = "recipe, such as conf/grpo.yaml")
  String recipe;

  @Option(names = "--iteration", required = true, description = "0-based iteration")
  int iteration;
}
