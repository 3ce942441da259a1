package alluvium.rewards;

import static alluvium.tables.RecipeException.require;

import java.io.Serializable;

/**
 * What a program that nobody trusts may use.
 *
 * @param cpuSeconds processor time of each process, >= 1, whole seconds are what the kernel counts
 * @param wallSeconds time from start to verdict, > cpuSeconds; a program that is not done is a TIMEOUT
 * @param memoryMebibytes address space of each process, >= 32
 * @param processes processes and threads that it may have beside its first, >= 0
 * @param diskMebibytes files that it may keep, together where there is a file system of its own, else each; >= 1
 * @param outputMebibytes what it may print, and what it may answer to the tests, >= 1
 */
public record Limits(int cpuSeconds, double wallSeconds, int memoryMebibytes, int processes, int diskMebibytes,
    int outputMebibytes) implements Serializable {
  private static final int LEAST_MEMORY = 32;

  public Limits {
    require(cpuSeconds >= 1, "Limits.cpuSeconds must be >= 1, got %s", cpuSeconds);
    require(wallSeconds > cpuSeconds && Double.isFinite(wallSeconds),
        "Limits.wallSeconds must be finite and > cpuSeconds, got %s", wallSeconds);
    require(memoryMebibytes >= LEAST_MEMORY, "Limits.memoryMebibytes must be >= %s, got %s", LEAST_MEMORY,
        memoryMebibytes);
    require(processes >= 0, "Limits.processes must be >= 0, got %s", processes);
    require(diskMebibytes >= 1, "Limits.diskMebibytes must be >= 1, got %s", diskMebibytes);
    require(outputMebibytes >= 1, "Limits.outputMebibytes must be >= 1, got %s", outputMebibytes);
  }
}
