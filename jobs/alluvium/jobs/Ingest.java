package alluvium.jobs;

import alluvium.prompts.Split;
import alluvium.prompts.Task;
import alluvium.prompts.TaskFormat;
import alluvium.spark.RawRows;
import alluvium.spark.TaskRows;
import alluvium.tables.Prompts;
import alluvium.tables.Rejects;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import picocli.CommandLine.Option;

/**
 * Reads a data set into the table of prompts. A row that breaks a rule, or repeats an id, goes to the table of
 * rejects with its
 * position and the reason.
 */
public final class Ingest {
  static final String STAGE = "ingest";
  private static final int REASONS = 5;

  private Ingest() {}

  static final class Arguments extends Options {
    @Option(names = "--intake", required = true, description = "how rows become tasks, such as conf/sources/gsm8k.yaml")
    String intake;

    @Option(names = "--input", required = true,
        description = "path of .jsonl, .json, .gz of either or .parquet, path of a Delta table, or table:NAME")
    String input;

    @Option(names = "--batch", defaultValue = "0",
        description = "number of this delivery; one that is done is not read again (default: ${DEFAULT-VALUE})")
    int batch;
  }

  public static void main(String... args) {
    Arguments arguments = new Arguments();
    if (!arguments.parse("Ingest", args)) {
      return;
    }
    Options.atLeast(0, "--batch", arguments.batch);
    Intake intake = Intake.read(Path.of(arguments.intake));
    arguments.run = "ingest." + Path.of(arguments.intake).getFileName().toString().replaceAll("\\.ya?ml$", "");
    try (Run run = Run.open("ingest", arguments, intake.digest())) {
      if (run.ledger().done(STAGE, arguments.batch, 0)) {
        Console.line("ingest     batch %d is already done", arguments.batch);
        return;
      }
      ingest(run, RawRows.read(run.spark(), arguments.input), intake, arguments.batch);
    }
  }

  /** Reads raw rows into the tables of prompts and rejects. */
  static void ingest(Run run, Dataset<Row> raw, Intake intake, int batch) {
    TaskFormat format = intake.format();
    commit(run, TaskRows.read(raw, format), intake.heldOut(), batch);
  }

  /** Puts tasks that the product made itself into the table of prompts. */
  static void ingest(Run run, List<Task> tasks, int heldOut, int batch) {
    commit(run, TaskRows.of(run.spark(), tasks), heldOut, batch);
  }

  private static void commit(Run run, TaskRows read, int heldOut, int batch) {
    long start = System.nanoTime();
    TaskRows unique = read.unique(run.lake().read(Prompts.TABLE).select(Prompts.PROMPT_ID.col()));
    Console.Bar bar = new Console.Bar(STAGE, 2);
    List<String> keys = unique.promptKeys();
    bar.at(1, "read");
    Dataset<Row> prompts = unique.prompts(heldOut == 0 ? List.of()
        : Split.heldOut(keys, Math.min(heldOut, keys.size()), run.seed())).cache();
    Dataset<Row> rejects = unique.rejects().cache();
    long kept = prompts.count();
    long refused = rejects.count();
    bar.at(2, "split");
    run.ledger().submit(new Ledger.Entry(STAGE, batch, 0,
        List.of(new Ledger.Data(Prompts.TABLE, prompts), new Ledger.Data(Rejects.TABLE, rejects)), List.of(),
        Map.of("ingest", (System.nanoTime() - start) / 1e9), () -> {
          prompts.unpersist(false);
          rejects.unpersist(false);
          unique.close();
        }));
    Console.line("ingest     %d tasks, %d of them held out; %d rows refused", kept,
        prompts.filter(Prompts.SPLIT.col().equalTo(Split.HELDOUT)).count(), refused);
    reasons(rejects).forEach(r -> Console.line("           %6d  %s", r.getLong(1), r.getString(0)));
    run.ledger().await();
  }

  /** The most frequent reasons, without the values in them. */
  private static List<Row> reasons(Dataset<Row> rejects) {
    Column reason = functions.regexp_replace(Rejects.REASON.col(), " [0-9a-f]{16}:.*|['\"].*|[0-9].*", " ...");
    return rejects.groupBy(reason).count().orderBy(functions.desc("count")).limit(REASONS).collectAsList();
  }
}
