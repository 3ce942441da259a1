package alluvium.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.tables.DataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class RunLockTest {
  private final Path folder = TestSession.newFolder().resolve("lake");
  private final Lake lake = Lake.open(TestSession.spark(), folder.toString());
  private final Path file = folder.resolve("_locks/run.json");

  private void write(String content) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, content);
    Files.deleteIfExists(file.resolveSibling(".run.json.crc"));
  }

  private static String holder(String machine, long process, String started) {
    return "{\"token\":\"t\",\"host\":\"elsewhere\",\"machine\":\"" + machine + "\",\"process\":" + process
        + ",\"process_started\":\"" + started + "\",\"user\":\"ada\",\"beats\":7,\"seconds\":7384}";
  }

  private String machineOfThis() throws IOException {
    try (RunLock lock = RunLock.take(lake, "run")) {
      lock.require();
      String text = Files.readString(file);
      return text.replaceAll(".*\"machine\":\"([^\"]*)\".*", "$1");
    }
  }

  @Test
  void aSecondProcessStopsWithTheHoldersNameAndAge() {
    try (RunLock first = RunLock.take(lake, "run")) {
      assertThatThrownBy(() -> RunLock.take(lake, "run")).isInstanceOf(DataException.class).hasMessageMatching(
          "run run is held by .*@.*, process " + ProcessHandle.current().pid() + ", for 0 s\\. Wait until it ends or"
              + " stop it, or use another --run\\.");
      RunLock.take(lake, "another").close();
      first.require();
    }
    assertThat(file).doesNotExist();
    RunLock.take(lake, "run").close();
  }

  @Test
  void theLockOfAProcessThatIsGoneIsTakenAtOnce() throws Exception {
    String machine = machineOfThis();
    Process gone = new ProcessBuilder("true").start();
    assertThat(gone.waitFor(10, TimeUnit.SECONDS)).isTrue();
    write(holder(machine, gone.pid(), "123"));
    RunLock.take(lake, "run", Long.MAX_VALUE).close();

    write(holder(machine, ProcessHandle.current().pid(), "123"));    // the number is in use again, by another process
    RunLock.take(lake, "run", Long.MAX_VALUE).close();
  }

  @Test
  void aHolderOnAnotherMachineIsWatched() throws Exception {
    write(holder("another machine", 1, "1"));
    RunLock.take(lake, "run", 400).close();    // its count stands still

    write(holder("another machine", 1, "1"));
    Thread beats = new Thread(() -> {
      try {
        Thread.sleep(300);
        write(holder("another machine", 1, "1").replace("7,", "8,"));
      } catch (IOException | InterruptedException e) {
        throw new IllegalStateException(e);
      }
    });
    beats.start();
    assertThatThrownBy(() -> RunLock.take(lake, "run", 60_000)).isInstanceOf(DataException.class).hasMessage(
        "run run is held by ada@elsewhere, process 1, for 2 h 03 min. Wait until it ends or stop it, or use another"
            + " --run.");
    beats.join();
  }

  @Test
  void aFileThatIsNoLockHoldsNobodyUpForEver() throws IOException {
    write("");
    RunLock.take(lake, "run", 300).close();
    write("[1]");
    RunLock.take(lake, "run", 300).close();
  }

  @Test
  void whoLostItsLockMayNotWrite() throws Exception {
    RunLock slow = RunLock.take(lake, "run");
    assertThatCode(slow::require).doesNotThrowAnyException();
    write(holder("another machine", 1, "1"));
    for (int i = 0; i < 100; i++) {
      try {
        slow.require();
        Thread.sleep(100);
      } catch (DataException e) {
        break;
      }
    }
    assertThatThrownBy(slow::require).isInstanceOf(DataException.class)
        .hasMessageContaining("ada@elsewhere, process 1 has taken the run over");
    slow.close();
    assertThat(file).as("the other's lock stays").exists();
  }
}
