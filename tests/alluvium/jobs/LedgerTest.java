package alluvium.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.spark.Lake;
import alluvium.spark.TestSession;
import alluvium.tables.DataException;
import alluvium.tables.Metrics;
import alluvium.tables.Prompts;
import alluvium.tables.Stages;
import alluvium.tables.States;
import alluvium.tables.Table;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.junit.jupiter.api.Test;

class LedgerTest {
  private final Lake lake = Lake.open(TestSession.spark(), TinyRuns.LAKE.toString());

  private static Ledger.Entry entry(String stage, int iteration, List<Ledger.Output> outputs, Runnable after) {
    return new Ledger.Entry(stage, iteration, 0, outputs, List.of(Prompts.TABLE), Map.of("total", 0.5), after);
  }

  private static List<Ledger.Output> metric(String run, int iteration, double value) {
    return List.of(new Ledger.Rows(Metrics.TABLE, Measured.rows(run, iteration, "s", Map.of("m", value))));
  }

  private static List<Ledger.Output> broken() {
    return List.of(new Ledger.Rows(Metrics.TABLE, List.of(RowFactory.create("too short"))));
  }

  private List<Row> rows(Table table, String run) {
    return lake.read(table).filter(Stages.RUN_ID.col().equalTo(run)).collectAsList();
  }

  @Test
  void aStageIsDoneOnceItsTablesAndItsRowAreThere() {
    try (Ledger ledger = new Ledger(lake, "ledger-done", "digest", () -> { })) {
      assertThat(ledger.done("s", 0, 0)).isFalse();
      long version = ledger.pin(Prompts.TABLE);
      List<String> freed = new ArrayList<>();
      ledger.submit(entry("s", 0, metric("ledger-done", 0, 2), () -> freed.add("freed")));
      ledger.await();
      assertThat(ledger.done("s", 0, 0)).isTrue();
      assertThat(freed).containsExactly("freed");
      Row row = rows(Stages.TABLE, "ledger-done").get(0);
      assertThat(row.<String, Long>getJavaMap(row.fieldIndex(Stages.INPUTS.name()))).isEqualTo(Map.of("prompts",
          version));
      assertThat(row.<String, Long>getJavaMap(row.fieldIndex(Stages.OUTPUTS.name()))).containsOnlyKeys("metrics");
      assertThat(Stages.ROWS.<Long>of(row)).isEqualTo(1);
      assertThat(Stages.DIGEST.<String>of(row)).startsWith("1-");
      assertThat(Stages.RECIPE_DIGEST.<String>of(row)).isEqualTo("digest");
      assertThat(ledger.commitSeconds()).isPositive();
    }
    try (Ledger again = new Ledger(lake, "ledger-done", "digest", () -> { })) {
      assertThat(again.done("s", 0, 0)).isTrue();
      assertThat(again.done("s", 1, 0)).isFalse();
    }
  }

  @Test
  void aStageCommittedTwiceIsThereOnce() {
    for (int time = 0; time < 2; time++) {
      try (Ledger ledger = new Ledger(lake, "ledger-twice", "digest", () -> { })) {
        ledger.submit(entry("s", 0, metric("ledger-twice", 0, time), () -> { }));
      }
    }
    assertThat(rows(Metrics.TABLE, "ledger-twice")).hasSize(1);
    assertThat(rows(Stages.TABLE, "ledger-twice")).hasSize(1);
  }

  @Test
  void aFailedCommitStopsTheRunAtTheNextHandIn() {
    Ledger ledger = new Ledger(lake, "ledger-failed", "digest", () -> { });
    ledger.submit(entry("first", 0, broken(), () -> { }));
    assertThatThrownBy(() -> {
      for (int i = 0; i < 1000; i++) {
        Thread.sleep(20);
        ledger.submit(entry("second", i, metric("ledger-failed", i, 1), () -> { }));
      }
    }).isInstanceOf(DataException.class).hasMessageContaining("metrics: a row has 1 columns");
    assertThatThrownBy(ledger::close).isInstanceOf(DataException.class);
    assertThat(rows(Stages.TABLE, "ledger-failed")).isEmpty();
  }

  @Test
  void whatWasHandedInBehindAFailedCommitIsNotCommitted() {
    CountDownLatch handedIn = new CountDownLatch(1);
    Ledger ledger = new Ledger(lake, "ledger-behind", "digest", () -> { });
    ledger.submit(entry("a", 0, metric("ledger-behind", 0, 1), () -> {
      try {
        handedIn.await();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }));
    ledger.submit(entry("b", 0, broken(), () -> { }));
    ledger.submit(entry("c", 0, metric("ledger-behind", 1, 1), () -> { }));
    handedIn.countDown();
    assertThatThrownBy(ledger::await).isInstanceOf(DataException.class).hasMessageContaining("a row has 1 columns");
    assertThatThrownBy(ledger::close).isInstanceOf(DataException.class);
    assertThat(rows(Stages.TABLE, "ledger-behind")).extracting(r -> Stages.STAGE.<String>of(r)).containsExactly("a");
  }

  /** Spark, written in Scala, throws IOException and its own checked exceptions from methods that declare none. */
  @SuppressWarnings("unchecked")
  private static <E extends Exception> void undeclared(Exception thrown) throws E {
    throw (E) thrown;
  }

  @Test
  void anUndeclaredCheckedExceptionStopsWhatWaitsToo() {
    CountDownLatch handedIn = new CountDownLatch(1);
    Ledger ledger = new Ledger(lake, "ledger-checked", "digest", () -> { });
    ledger.submit(entry("a", 0, metric("ledger-checked", 0, 1), () -> {
      try {
        handedIn.await();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
      LedgerTest.<RuntimeException>undeclared(new IOException("No space left on device"));
    }));
    ledger.submit(entry("b", 0, metric("ledger-checked", 1, 1), () -> { }));
    handedIn.countDown();
    assertThatThrownBy(ledger::await).isInstanceOf(CompletionException.class)
        .hasRootCauseMessage("No space left on device");
    assertThatThrownBy(ledger::close).hasRootCauseMessage("No space left on device");
    assertThat(rows(Stages.TABLE, "ledger-checked")).extracting(r -> Stages.STAGE.<String>of(r)).containsExactly("a");
  }

  @Test
  void theMainTableComesLast() {
    Ledger ledger = new Ledger(lake, "ledger-order", "digest", () -> { });
    ledger.submit(entry("s", 0, List.of(metric("ledger-order", 0, 1).get(0),
        new Ledger.Rows(States.TABLE, List.of(RowFactory.create("too short")))), () -> { }));
    assertThatThrownBy(ledger::close).isInstanceOf(DataException.class);
    assertThat(rows(Metrics.TABLE, "ledger-order")).isEmpty();
  }
}
