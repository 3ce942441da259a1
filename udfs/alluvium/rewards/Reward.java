package alluvium.rewards;

import java.io.Serializable;

/** A reward function of the recipe. What it needs to see decides which sub-interface it has. */
public interface Reward extends Serializable {}
