package alluvium.spark;

import alluvium.tables.Rejects;
import alluvium.tables.Rollouts;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.Row;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finished generation shards as files beside the lake's tables, until their wave is committed: a crash costs the shards
 * in flight. A file is found again only by the same code, policy, sampling, seeds and prompts, and is believed only
 * with its digest; whatever is wrong with one, its shard is generated again, with the same result.
 *
 * @param folder Hadoop path of the wave's files
 * @param code version of the code that generates
 */
public record KeptShards(String folder, String code) implements Serializable {
  private static final Logger LOG = LoggerFactory.getLogger(KeptShards.class);
  private static final int DIGEST_BYTES = 32;
  private static final long MOST_BYTES = 1L << 30;

  /** Those of one wave of a run's iteration. */
  public static KeptShards of(Lake lake, String run, int iteration, int wave, String code) {
    return new KeptShards(lake.beside("_shards") + "/" + run + "/" + iteration + "." + wave, code);
  }

  /** What one shard made. */
  record Rows(List<Row> rollouts, List<Row> rejects) {}

  /** The rows of a shard that was finished under the same key. */
  Optional<Rows> read(int shard, String key) {
    Path file = file(shard, key);
    try {
      FileSystem files = files(file);
      if (!files.exists(file) || files.getFileStatus(file).getLen() > MOST_BYTES) {
        return Optional.empty();
      }
      byte[] all;
      try (FSDataInputStream in = files.open(file)) {
        all = in.readAllBytes();
      }
      int length = all.length - DIGEST_BYTES;
      if (length < 0 || !Arrays.equals(sha256(Arrays.copyOf(all, length)),
          Arrays.copyOfRange(all, length, all.length))) {
        LOG.warn("{} is damaged; its shard is generated again", file);
        return Optional.empty();
      }
      DataInputStream in = new DataInputStream(new ByteArrayInputStream(all, 0, length));
      return Optional.of(new Rows(RowBytes.read(Rollouts.TABLE, in), RowBytes.read(Rejects.TABLE, in)));
    } catch (FileNotFoundException e) {
      return Optional.empty();
    } catch (IOException e) {
      LOG.warn("{} cannot be read; its shard is generated again: {}", file, e.getMessage());
      return Optional.empty();
    }
  }

  /** Keeps a finished shard: whole or not at all. Where it cannot, a crash costs more, and nothing else does. */
  void write(int shard, String key, Rows rows) {
    Path file = file(shard, key);
    TaskContext task = TaskContext.get();
    Path partial = file.suffix(".partial-" + (task == null ? 0 : task.taskAttemptId()));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 16);
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      RowBytes.write(rows.rollouts(), Rollouts.TABLE, out);
      RowBytes.write(rows.rejects(), Rejects.TABLE, out);
      byte[] content = bytes.toByteArray();
      FileSystem files = files(file);
      try (FSDataOutputStream kept = files.create(partial, true)) {
        kept.write(content);
        kept.write(sha256(content));
      }
      if (!files.rename(partial, file)) {
        files.delete(partial, false);
      }
    } catch (IOException e) {
      LOG.warn("{} cannot be kept: {}", file, e.getMessage());
    }
  }

  /** Forgets the wave's files, once it is committed. */
  public void delete() {
    Path path = new Path(folder);
    try {
      files(path).delete(path, true);
    } catch (IOException e) {
      throw new UncheckedIOException(folder + " cannot be deleted", e);
    }
  }

  /** What the result of a shard depends on, in 16 hexadecimal digits. */
  String key(String work) {
    return HexFormat.of().formatHex(sha256((code + "\n" + work).getBytes(StandardCharsets.UTF_8))).substring(0, 16);
  }

  private Path file(int shard, String key) {
    return new Path(folder, String.format("%06d-%s.shard", shard, key));
  }

  private static FileSystem files(Path path) throws IOException {
    return path.getFileSystem(PolicyFolders.configuration());
  }

  private static byte[] sha256(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }
}
