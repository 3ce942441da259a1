package alluvium.spark;

/**
 * What a commit did.
 *
 * @param version of the table that holds the rows
 * @param rows committed under the key
 * @param digest of those rows
 * @param repeated true where the key had been committed before: then the numbers are that commit's, and nothing was
 * written
 */
public record Commit(long version, long rows, String digest, boolean repeated) {}
