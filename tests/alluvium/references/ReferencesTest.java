package alluvium.references;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ReferencesTest {
  @Test
  void theIterationWhoseStartingPolicyIsTheReference() {
    assertEquals(0, new Initial().iteration(7));
    assertEquals(7, new Previous().iteration(7));
    assertEquals(-1, new NoReference().iteration(7));
  }
}
