package alluvium.policies.jinja;

/** What stands after a | and makes one value of another. */
interface Filter {
  Object apply(Object value, Arguments arguments);
}
