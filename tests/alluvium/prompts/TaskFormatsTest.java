package alluvium.prompts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import alluvium.prompts.Task.Turn;
import alluvium.tables.DataException;
import alluvium.tables.RecipeException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TaskFormatsTest {
  private static final List<Map<String, String>> CHAT = List.of(
      Map.of("role", "system", "content", "Be brief."), Map.of("role", "user", "content", "2 + 2?"));
  private static final List<Turn> TURNS = List.of(new Turn("system", "Be brief."), new Turn("user", "2 + 2?"));

  static Task only(TaskFormat format, Map<String, Object> row) {
    List<Task> tasks = format.tasks(row);
    assertEquals(1, tasks.size());
    return tasks.get(0);
  }

  static String refusal(TaskFormat format, Map<String, Object> row) {
    return assertThrows(DataException.class, () -> format.tasks(row)).getMessage();
  }

  @Test
  void aTaskIsNamedByItsContent() {
    Task task = Task.of("s", "p", Optional.of("a"));
    // sha256(00000001 's' 00000000 00000001 'p' 01 00000001 'a'), computed apart
    assertEquals("9ac438cde4990701", task.id());
    assertEquals(task.id(), Task.of("s", "p", Optional.of("a")).id());
    assertNotEquals(task.id(), Task.of("t", "p", Optional.of("a")).id());
    assertNotEquals(task.id(), Task.of("s", "q", Optional.of("a")).id());
    assertNotEquals(task.id(), Task.of("s", "p", Optional.of("b")).id());
    assertNotEquals(task.id(), Task.of("s", "pa", Optional.of("")).id());
    assertNotEquals(Task.of("s", "p", Optional.of("")).id(), Task.of("s", "p", Optional.empty()).id());
    assertNotEquals(task.id(), Task.of("s", List.of(new Turn("user", "p")), Optional.of("a")).id());
    assertEquals("mine", task.withId("mine").id());
    assertEquals("Task.split must be train or heldout, got 'test'",
        assertThrows(RecipeException.class, () -> task.withSplit("test")).getMessage());
  }

  @Test
  void promptAndAnswer() {
    Task plain = only(new PromptAnswer("sums"), Map.of("prompt", "2 + 2?", "answer", 4, "level", 1.50,
        "tags", List.of("a")));
    assertEquals(Task.of("sums", "2 + 2?", Optional.of("4")).withMetadata(Map.of("level", "1.5", "tags", "[\"a\"]")),
        plain);
    assertEquals(Split.TRAIN, plain.split());
    Task chat = only(new PromptAnswer("sums"), Map.of("prompt", CHAT, "answer", "4"));
    assertEquals(TURNS, chat.messages());
    assertEquals(Optional.empty(), chat.text());
  }

  @Test
  void promptAndAnswerRefuse() {
    PromptAnswer format = new PromptAnswer("sums");
    assertEquals("prompt is missing", refusal(format, Map.of("answer", "4")));
    assertEquals("answer is missing", refusal(format, Map.of("prompt", "2 + 2?")));
    assertEquals("prompt is empty", refusal(format, Map.of("prompt", " \n", "answer", "4")));
    assertEquals("prompt is empty", refusal(format, Map.of("prompt", List.of(), "answer", "4")));
    assertEquals("answer is empty", refusal(format, Map.of("prompt", "2 + 2?", "answer", "  ")));
    assertEquals("prompt must be a text, got a number: 7", refusal(format, Map.of("prompt", 7, "answer", "4")));
    assertEquals("answer must be a text or a number, got a list: [4, 5]",
        refusal(format, Map.of("prompt", "p", "answer", List.of(4, 5))));
    assertEquals("prompt[0] must be named values, got a text: hi",
        refusal(format, Map.of("prompt", List.of("hi"), "answer", "4")));
    assertEquals("prompt[0].role is missing",
        refusal(format, Map.of("prompt", List.of(Map.of("content", "hi")), "answer", "4")));
    assertEquals("prompt[0].content must be a text, got a number: 5",
        refusal(format, Map.of("prompt", List.of(Map.of("role", "user", "content", 5)), "answer", "4")));
    assertEquals("prompt is empty",
        refusal(format, Map.of("prompt", List.of(Map.of("role", "user", "content", " ")), "answer", "4")));
    Map<String, Object> absent = new HashMap<>(Map.of("prompt", "p"));
    absent.put("answer", Map.of().get("none"));
    assertEquals("answer is missing", refusal(format, absent));
    assertTrue(refusal(format, Map.of("prompt", Arrays.asList("x".repeat(9999)), "answer", "4")).length() < 200);
    assertThrows(RecipeException.class, () -> new PromptAnswer(" "));
  }

  @Test
  void mappedColumns() {
    ColumnMapping format = new ColumnMapping("lab", Map.of("prompt", "q", "answer", "gold", "solution", "worked", "id",
        "uid", "split", "part"));
    Map<String, Object> row = Map.of("q", "2 + 2?", "gold", 4.0, "worked", "2 and 2 is 4", "uid", 17L, "part", "Test",
        "topic", "sums", "seen", true);
    assertEquals(new Task("17", "lab", "heldout", Optional.of("2 + 2?"), List.of(), Optional.of("4"),
        Optional.of("2 and 2 is 4"), Map.of("topic", "sums", "seen", "true")), only(format, row));
    Task bare = only(format, Map.of("q", CHAT, "gold", "4"));
    assertEquals(Task.of("lab", TURNS, Optional.of("4")), bare);
    assertEquals(Optional.empty(), only(new ColumnMapping("lab", Map.of("prompt", "q")), Map.of("q", "hi")).answer());
    assertEquals("gold is missing", refusal(format, Map.of("q", "2 + 2?")));
    assertEquals("split must be train or one of [dev, eval, heldout, test, val, valid, validation], got 'rest'",
        refusal(format, Map.of("q", "2 + 2?", "gold", "4", "part", "rest")));
    assertEquals("ColumnMapping.columns must name the column of the prompt, got {answer=gold}",
        assertThrows(RecipeException.class, () -> new ColumnMapping("lab", Map.of("answer", "gold"))).getMessage());
    assertEquals("ColumnMapping.columns.label is none of [answer, id, prompt, solution, split], or names no column",
        assertThrows(RecipeException.class, () -> new ColumnMapping("lab", Map.of("prompt", "q", "label", "gold")))
            .getMessage());
  }

  @Test
  void conversations() {
    Messages format = new Messages("chats");
    List<Object> solved = List.of(CHAT.get(0), CHAT.get(1), Map.of("role", "assistant", "content", "4"));
    Task task = only(format, Map.of("messages", solved, "rating", 5));
    assertEquals(Task.of("chats", TURNS, Optional.empty()).withSolution(Optional.of("4")).withMetadata(Map.of("rating",
        "5")),
        task);
    Task open = only(format, Map.of("messages", CHAT, "answer", "4"));
    assertEquals(Task.of("chats", TURNS, Optional.of("4")), open);
    assertEquals("messages is empty",
        refusal(format, Map.of("messages", List.of(Map.of("role", "assistant", "content", "4")))));
    assertEquals("messages is empty", refusal(format, Map.of("messages", List.of())));
    assertEquals("messages[1].content is empty, but the last turn is the solution", refusal(format,
        Map.of("messages", List.of(CHAT.get(1), Map.of("role", "assistant", "content", "")))));
    assertEquals("messages must be a list of {role, content}, got a text: hi", refusal(format, Map.of("messages",
        "hi")));
  }

  @Test
  void verlRows() {
    Map<String, Object> row = Map.of("data_source", "openai/gsm8k", "prompt", CHAT, "ability", "math",
        "reward_model", Map.of("style", "rule", "ground_truth", "4"),
        "extra_info", Map.of("split", "test", "index", 12L, "question", "2 + 2?"));
    Task task = only(new VerlRow(), row);
    assertEquals(Task.of("openai/gsm8k", TURNS, Optional.of("4")).withSplit("heldout")
        .withMetadata(Map.of("ability", "math", "style", "rule", "index", "12", "question", "2 + 2?")), task);
    Map<String, Object> small = new HashMap<>(row);
    small.remove("extra_info");
    small.put("reward_model", Map.of("ground_truth", List.of(1, 2)));
    assertEquals(Optional.of("[1,2]"), only(new VerlRow(), small).answer());
    assertEquals("train", only(new VerlRow(), small).split());
    small.put("reward_model", Map.of("style", "rule"));
    assertEquals("reward_model.ground_truth is missing", refusal(new VerlRow(), small));
    small.put("reward_model", "rule");
    assertEquals("reward_model must be named values, got a text: rule", refusal(new VerlRow(), small));
    small.remove("reward_model");
    assertEquals("reward_model is missing", refusal(new VerlRow(), small));
    Map<String, Object> text = new HashMap<>(row);
    text.put("prompt", "2 + 2?");
    assertEquals("prompt must be a list of {role, content}, got a text: 2 + 2?", refusal(new VerlRow(), text));
  }

  @Test
  void gsm8k() {
    Map<String, Object> row = Map.of("question", "Tom has 48 pens and buys half as many. How many now?",
        "answer", "He buys 48/2 = <<48/2=24>>24 pens.\nNow 48+24 = <<48+24=72>>72.\n#### 1,072");
    assertEquals(Task.of("gsm8k", "Tom has 48 pens and buys half as many. How many now?", Optional.of("1,072"))
            .withSolution(Optional.of("He buys 48/2 = 24 pens.\nNow 48+24 = 72.\n#### 1,072")),
        only(new Gsm8k("gsm8k"), row));
    assertEquals("answer must end with #### and the result, got '...72'",
        refusal(new Gsm8k("gsm8k"), Map.of("question", "q", "answer", "72")));
    assertEquals("answer must end with #### and the result, got '...72\n#### '",
        refusal(new Gsm8k("gsm8k"), Map.of("question", "q", "answer", "72\n#### ")));
    assertEquals("question is empty", refusal(new Gsm8k("gsm8k"), Map.of("question", "", "answer", "#### 7")));
  }
}
