package alluvium.policies.jinja;

/** Python's None: there is a value, and it is nothing. */
public enum None {
  NONE
}
