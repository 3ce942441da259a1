package alluvium.policies;

/** Keeps the tensor library and the tokenizers' from calling out: no downloads, no report of use. */
final class Offline {
  private Offline() {}

  /** To be called before either library is touched, on whatever machine that is; what a user has set stays. */
  static void settle() {
    System.getProperties().putIfAbsent("ai.djl.offline", "true");
    System.getProperties().putIfAbsent("OPT_OUT_TRACKING", "true");
  }
}
