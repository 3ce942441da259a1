package alluvium.advantages;

import java.io.Serializable;

/** Turns rewards into credit. What it compares a completion with decides which sub-interface it has. */
public interface AdvantageEstimator extends Serializable {}
