package alluvium.policies.jinja;

/** A value that can be called: a macro, a global function, a method bound to its object. */
interface Function {
  Object call(Arguments arguments);
}
