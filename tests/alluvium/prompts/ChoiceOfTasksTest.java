package alluvium.prompts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import alluvium.rollouts.KeyedSeed;
import alluvium.tables.RecipeException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ChoiceOfTasksTest {
  private static final List<String> IDS = IntStream.range(0, 100).mapToObj(i -> String.format("p%03d", i)).toList();

  @Test
  void wavesCutTheRanksOfAnIteration() {
    Uniform uniform = new Uniform(30, 8);
    List<String> ranked = IDS.stream().sorted(Comparator.comparingLong(id -> KeyedSeed.of(5, 2, id))).toList();
    assertEquals(ranked.subList(0, 30), uniform.choose(IDS, 5, 2, 0));
    assertEquals(ranked.subList(30, 60), uniform.choose(IDS, 5, 2, 1));
    assertEquals(ranked.subList(90, 100), uniform.choose(IDS, 5, 2, 3));
    assertEquals(List.of(), uniform.choose(IDS, 5, 2, 4));
    assertEquals(List.of(), uniform.choose(IDS, 5, 2, Integer.MAX_VALUE));
    assertEquals(8, uniform.samples());
    List<String> shuffled = new ArrayList<>(IDS);
    Collections.reverse(shuffled);
    assertEquals(uniform.choose(IDS, 5, 2, 1), uniform.choose(shuffled, 5, 2, 1));
    assertNotEquals(uniform.choose(IDS, 5, 2, 0), uniform.choose(IDS, 5, 3, 0));
    assertNotEquals(uniform.choose(IDS, 5, 2, 0), uniform.choose(IDS, 6, 2, 0));
    assertEquals(100, new Uniform(Integer.MAX_VALUE, 1).choose(IDS, 5, 2, 0).size());
  }

  @Test
  void everyTaskIsChosenEquallyOften() {
    int[] chosen = new int[100];
    for (int iteration = 0; iteration < 1000; iteration++) {
      new Uniform(10, 1).choose(IDS, 1, iteration, 0).forEach(id -> chosen[Integer.parseInt(id.substring(1))]++);
    }
    for (int count : chosen) {
      assertEquals(100, count, 50);   // mean 1000 * 10 / 100, standard deviation 9.5
    }
  }

  @Test
  void parametersAreChecked() {
    assertEquals("Uniform.perIteration must be >= 1, got 0",
        assertThrows(RecipeException.class, () -> new Uniform(0, 1)).getMessage());
    assertThrows(RecipeException.class, () -> new Uniform(1, 0));
    assertThrows(RecipeException.class, () -> new Uniform(1, 1).choose(IDS, 0, 0, -1));
  }

  @Test
  void heldOutIdsDependOnTheIdsAlone() {
    List<String> held = Split.heldOut(IDS, 20, 7);
    assertEquals(20, new HashSet<>(held).size());
    List<String> twice = new ArrayList<>(IDS);
    Collections.reverse(twice);
    twice.addAll(IDS);
    assertEquals(held, Split.heldOut(twice, 20, 7));
    assertEquals(held.subList(0, 5), Split.heldOut(IDS, 5, 7));
    assertNotEquals(held, Split.heldOut(IDS, 20, 8));
    // of fewer ids, those that were held out still are
    Set<String> fewer = new HashSet<>(Split.heldOut(IDS.subList(0, 60), 20, 7));
    assertTrue(fewer.containsAll(held.stream().filter(IDS.subList(0, 60)::contains).toList()));
    assertEquals(List.of(), Split.heldOut(List.of(), 0, 7));
    assertEquals("heldOut must be in 0..100, the number of tasks, got 101",
        assertThrows(RecipeException.class, () -> Split.heldOut(IDS, 101, 7)).getMessage());
    assertThrows(RecipeException.class, () -> Split.heldOut(IDS, -1, 7));
  }

  @Test
  void arithmeticIsRightAndDistinct() {
    List<Task> tasks = new Arithmetic(2, "+-", 16_200, 3).tasks();   // 90 * 90 pairs, two operators: all there are
    Set<String> prompts = new HashSet<>();
    for (Task task : tasks) {
      String text = task.text().orElseThrow();
      assertTrue(text.matches("[1-9][0-9][+-][1-9][0-9]="), text);
      int a = Integer.parseInt(text.substring(0, 2));
      int b = Integer.parseInt(text.substring(3, 5));
      String answer = Integer.toString(text.charAt(2) == '+' ? a + b : a - b);
      assertEquals(answer, task.answer().orElseThrow());
      assertEquals(answer, task.solution().orElseThrow());
      prompts.add(text);
    }
    assertEquals(16_200, prompts.size());
    assertTrue(prompts.containsAll(Set.of("47+38=", "12-47=", "10-10=", "99+99=")));
  }

  @Test
  void arithmeticDependsOnTheSeedAlone() {
    List<Task> tasks = new Arithmetic(2, "+-", 50, 3).tasks();
    assertEquals(tasks, new Arithmetic(2, "+-", 50, 3).tasks());
    assertEquals(tasks.subList(0, 20), new Arithmetic(2, "+-", 20, 3).tasks());
    assertNotEquals(tasks, new Arithmetic(2, "+-", 50, 4).tasks());
    assertTrue(new Arithmetic(1, "+", 100, 3).tasks().stream().anyMatch(t -> t.text().orElseThrow().equals("0+9=")));
    assertTrue(new Arithmetic(9, "-", 5, 3).tasks().stream()
        .allMatch(t -> t.text().orElseThrow().matches("[1-9]\\d{8}-[1-9]\\d{8}=")));
    assertEquals("Arithmetic.count must be in 1..100, got 101",
        assertThrows(RecipeException.class, () -> new Arithmetic(1, "+", 101, 3)).getMessage());
    assertThrows(RecipeException.class, () -> new Arithmetic(10, "+", 1, 3));
    assertThrows(RecipeException.class, () -> new Arithmetic(2, "*", 1, 3));
  }
}
