package alluvium.jobs;

import picocli.CommandLine.Option;

/** What the command line of a stage of one wave of prompts names. */
final class WaveOptions extends StageOptions {
  @Option(names = "--source", required = true, description = "source of the prompts, as given to Ingest")
  String source;

  @Option(names = "--wave", defaultValue = "0", description = "0-based wave (default: ${DEFAULT-VALUE})")
  int wave;
}
