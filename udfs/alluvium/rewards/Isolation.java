package alluvium.rewards;

import java.util.Locale;

/** How a machine can keep a program from everything else, the strongest first. */
public enum Isolation {
  /** For root, where the kernel lets any user have namespaces: those, under a user id of its own. */
  USER_NAMESPACES_OF_ROOT(4),
  /** For root: namespaces that root makes, under a user id of its own. */
  ROOT_NAMESPACES(1),
  /** For other users, where the kernel lets them have namespaces. */
  USER_NAMESPACES(4),
  /** For root without namespaces, as in most containers: a user id of its own. Network and public files stay open. */
  OTHER_USER(2);

  private final int processes;

  Isolation(int processes) {
    this.processes = processes;
  }

  /** How many processes of the program's user there are at its start: it and those that wait for it. */
  int processes() {
    return processes;
  }

  /** The word for it in scripts and messages. */
  public String word() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Whether the program has no network, and sees no files but its own and the system's programs. */
  public boolean closed() {
    return this != OTHER_USER;
  }
}
