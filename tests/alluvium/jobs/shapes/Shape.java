package alluvium.jobs.shapes;

import java.io.Serializable;

/** A slot for the tests of binding. */
public interface Shape extends Serializable {}
