package alluvium.jobs;

import alluvium.spark.Lake;
import alluvium.tables.Advantages;
import alluvium.tables.Policies;
import alluvium.tables.Prompts;
import alluvium.tables.Rewards;
import alluvium.tables.Rollouts;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The questions of provenance as SQL that stands alone: with the tables' places in it, it can be pasted anywhere that
 * reads them.
 */
public final class TraceQuery {
  static final String RUN = "run";
  static final String PROMPT = "prompt";
  static final String COMPLETION = "completion";
  static final String REWARDS = "rewards";
  static final String STATUS = "status";
  static final String TRAINED = "trained";
  static final String COMPLETIONS = "completions";

  /** One row per completion of an update batch, whether it trained or was dropped. */
  private static final String ROWS = """
      WITH judged AS (
        SELECT run_id, iteration, wave, group_id, sample,
          map_from_entries(sort_array(collect_list(struct(name, value)))) AS rewards,
          map_from_entries(sort_array(collect_list(struct(name, status)))) AS status
        FROM %1$s WHERE %6$s
        GROUP BY run_id, iteration, wave, group_id, sample)
      SELECT m.policy_version, a.run_id AS run, a.iteration, a.wave, a.prompt_id,
        coalesce(p.text, to_json(p.messages)) AS prompt, a.sample, r.text AS completion, r.tokens, j.rewards, j.status,
        a.reward, a.advantage, a.token_advantages, a.dropped, a.group_id, r.policy_version AS sampled_by,
        r.prompt_tokens, r.logp, r.roles, a.token_weights
      FROM (SELECT * FROM %2$s WHERE %6$s) a
      JOIN (SELECT * FROM %3$s WHERE %6$s) r
        ON r.run_id = a.run_id AND r.iteration = a.iteration AND r.wave = a.wave AND r.group_id = a.group_id
        AND r.sample = a.sample
      LEFT JOIN judged j
        ON j.run_id = a.run_id AND j.iteration = a.iteration AND j.wave = a.wave AND j.group_id = a.group_id
        AND j.sample = a.sample
      LEFT JOIN %4$s p ON p.prompt_id = a.prompt_id
      LEFT JOIN %5$s m ON m.run_id = a.run_id AND m.iteration = a.iteration + 1 AND m.role = 'main'
      ORDER BY run, iteration, wave, group_id, sample""";

  private TraceQuery() {}

  /** The completions behind some updates. */
  static String behind(Lake lake, List<Lineage.Stretch> stretches) {
    return rows(lake, stretches.stream().map(s -> "(run_id = " + text(s.run()) + " AND iteration BETWEEN " + s.first()
        + " AND " + s.last() + ")").collect(Collectors.joining(" OR ", "(", ")")));
  }

  /** The completions of a prompt in all updates. */
  static String of(Lake lake, String promptId) {
    return rows(lake, "prompt_id = " + text(promptId));
  }

  /** How many completions, trained ones and tokens each update has among rows that a query gives. */
  static String counts(String rows) {
    return """
        SELECT policy_version, run, iteration, count(*) AS completions, count_if(dropped IS NULL) AS trained,
          sum(size(tokens)) AS tokens
        FROM (%s)
        GROUP BY policy_version, run, iteration
        ORDER BY run, iteration""".formatted(rows);
  }

  /** The policies of main lines from an iteration on. */
  static String policies(Lake lake, Map<String, Integer> first) {
    return """
        SELECT policy_version, run_id AS run, iteration, parent
        FROM %s
        WHERE role = 'main' AND %s
        ORDER BY run, iteration""".formatted(lake.sqlName(Policies.TABLE), first.entrySet().stream()
            .map(e -> "(run_id = " + text(e.getKey()) + " AND iteration >= " + e.getValue() + ")")
            .collect(Collectors.joining(" OR ", "(", ")")));
  }

  private static String rows(Lake lake, String condition) {
    return ROWS.formatted(lake.sqlName(Rewards.TABLE), lake.sqlName(Advantages.TABLE), lake.sqlName(Rollouts.TABLE),
        lake.sqlName(Prompts.TABLE), lake.sqlName(Policies.TABLE), condition);
  }

  private static String text(String value) {
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'";
  }
}
