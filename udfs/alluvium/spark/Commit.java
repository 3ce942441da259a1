package alluvium.spark;

/**
 * What a commit did.
 *
 * @param version of the table that holds the rows
 * @param rows committed under the key
 * @param digest of those rows
 * @param repeated true where an earlier process had committed under this key, and nothing was written now
 */
public record Commit(long version, long rows, String digest, boolean repeated) {}
