package alluvium.prompts;

import alluvium.prompts.Task.Turn;
import alluvium.tables.DataException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Rows as verl and SkyRL keep them in Parquet: data_source, prompt (a list of {role, content}), ability, reward_model
 * {style, ground_truth} and extra_info {split, index, ...}.
 *
 * <p>data_source is the source, ground_truth the answer (a list or named values as JSON), extra_info.split the split,
 * train where absent. ability, reward_model.style as style, the rest of extra_info and other columns become metadata.
 */
public record VerlRow() implements TaskFormat {
  private static final Set<String> READ = Set.of("data_source", "prompt", "reward_model", "extra_info");

  @Override
  public List<Task> tasks(Map<String, Object> row) {
    RawRow raw = RawRow.of(row);
    RawRow reward = raw.nested("reward_model");
    String answer = reward.value("ground_truth").map(RawRow::render).filter(text -> !text.isBlank())
        .orElseThrow(() -> new DataException("reward_model.ground_truth is missing"));
    Map<String, String> metadata = new TreeMap<>(raw.rest(READ));
    reward.scalar("style").ifPresent(style -> metadata.put("style", style));
    Optional<RawRow> extra = raw.value("extra_info").map(value -> raw.nested("extra_info"));
    extra.ifPresent(info -> metadata.putAll(info.rest(Set.of("split"))));
    List<Turn> prompt = ColumnMapping.asked(raw.turns("prompt"), "prompt");
    return List.of(Task.of(raw.text("data_source"), prompt, Optional.of(answer))
        .withSplit(extra.flatMap(info -> info.scalar("split")).map(Split::of).orElse(Split.TRAIN))
        .withMetadata(metadata));
  }
}
