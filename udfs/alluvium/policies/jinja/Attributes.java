package alluvium.policies.jinja;

/** A value with attributes of its own, such as loop or a namespace. */
interface Attributes {
  /** The attribute, or an {@link Undefined}. */
  Object attribute(String name);
}
