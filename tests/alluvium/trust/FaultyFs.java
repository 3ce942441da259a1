package alluvium.trust;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.DelegateToFileSystem;

/** The same for those who ask by Hadoop's newer interface, Delta's log among them. */
public final class FaultyFs extends DelegateToFileSystem {
  public FaultyFs(URI uri, Configuration conf) throws IOException, URISyntaxException {
    super(uri, initialized(conf), conf, FaultyFileSystem.SCHEME, false);
  }

  private static FaultyFileSystem initialized(Configuration conf) throws IOException {
    FaultyFileSystem files = new FaultyFileSystem();
    files.initialize(files.getUri(), conf);
    return files;
  }

  @Override
  public int getUriDefaultPort() {
    return -1;
  }
}
