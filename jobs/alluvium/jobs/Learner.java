package alluvium.jobs;

import alluvium.optimizers.Optimizer;
import alluvium.policies.Checkpoint;
import alluvium.policies.Tensors;
import alluvium.spark.PolicyFolders;
import alluvium.spark.PolicyHandle;
import alluvium.tables.DataException;
import alluvium.tables.Policies;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Row;

/**
 * What the driver holds of the policy under training.
 *
 * @param checkpoint weights and tokenizer
 * @param slots moments of the optimizer, one set per slot name
 * @param steps optimizer steps taken in the run
 * @param row of the table of policies
 * @param handle that executors load the policy by
 */
record Learner(Checkpoint checkpoint, List<Tensors> slots, long steps, Row row, PolicyHandle handle) {

  /** Loads a policy of the run with its optimizer's state; moments are zero where it has none yet. */
  static Learner load(Run run, Row row, Optimizer optimizer) {
    PolicyHandle handle = run.handle(row);
    Checkpoint checkpoint = Checkpoint.read(handle.folder());
    List<Tensors> slots = new ArrayList<>();
    if (Policies.OPTIMIZER_URI.absentIn(row)) {
      optimizer.slots().forEach(s -> slots.add(checkpoint.weights().zeros()));
    } else {
      String uri = Policies.OPTIMIZER_URI.of(row);
      if (!PolicyFolders.exists(uri)) {
        throw new DataException("policies: the optimizer's state of run %s, iteration %s is gone from %s. Maintain "
            + "keeps those of the last iterations alone: continue from one of them, or put the folder back",
            Policies.RUN_ID.of(row), Policies.ITERATION.of(row), uri);
      }
      Path folder = PolicyFolders.localCopy(uri);
      slots.addAll(OptimizerState.read(folder.resolve(OptimizerState.FILE), optimizer.slots(), checkpoint.weights()));
    }
    return new Learner(checkpoint, slots, Policies.OPTIMIZER_STEPS.of(row), row, handle);
  }

  String version() {
    return handle.version();
  }
}
