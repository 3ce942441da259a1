package alluvium.policies.jinja;

/**
 * What a name or an attribute stands for that nobody defined: prints as nothing, is false and empty; all else fails.
 *
 * @param what the name, for the message
 */
record Undefined(String what) {
  Fault fault() {
    return new Fault("%s is undefined", what);
  }
}
