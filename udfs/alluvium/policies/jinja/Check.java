package alluvium.policies.jinja;

/** What stands after an is: a yes or a no. */
interface Check {
  boolean holds(Object value, Arguments arguments);
}
