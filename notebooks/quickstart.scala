// Databricks notebook source
// MAGIC %md
// MAGIC # What a run leaves behind
// MAGIC
// MAGIC A language model, here called a **policy**, was trained by reinforcement learning, and every step of it is a row in a Delta table.
// MAGIC This notebook reads these tables with plain Spark. It needs no class of Alluvium, changes nothing, and works on any run;
// MAGIC the explanations fit the quickstart, which teaches a small policy sums of two-digit numbers.
// MAGIC
// MAGIC The loop, one **iteration** of it:
// MAGIC
// MAGIC 1. **Generate**: draw some **prompts** (`47+38=`) and let the policy answer each one several times. The answers are **completions**,
// MAGIC    a completion with what the sampler knew of it is a **rollout**, and the completions of one prompt are a **group**.
// MAGIC 2. **Score**: a reward function judges each completion. In the quickstart: **reward** 1 for the right number, 0 for anything else.
// MAGIC 3. **Estimate**: turn rewards into **advantages**: how much better was this completion than the others of its group?
// MAGIC 4. **Update**: change the weights so that completions with a positive advantage become more probable and those with a negative one
// MAGIC    less. The result is the next **policy version**, and the next iteration starts from it.
// MAGIC
// MAGIC Now and then **Evaluate** asks the policy prompts that are never trained on. Before the loop, **Supervise** trained a first policy on
// MAGIC worked answers: a policy that is never right gets no reward, and without any reward there is nothing to learn from.

// COMMAND ----------

// MAGIC %md
// MAGIC ## Where the tables are
// MAGIC
// MAGIC Fill in `lake` as it was given to `--lake`: catalog.schema or schema, or the absolute path of a folder of tables. `run` is the run
// MAGIC to look at, since one lake holds many. The widgets are at the top of the notebook; run the cell again after a change.

// COMMAND ----------

dbutils.widgets.text("lake", "main.quickstart", "path or catalog.schema of the tables")
dbutils.widgets.text("run", "main", "key of the run")
val lake = dbutils.widgets.get("lake")
val run = dbutils.widgets.get("run")

import org.apache.spark.sql.functions._
import spark.implicits._

def name(table: String) = if (lake.contains("/") || lake.contains(":")) s"delta.`$lake/$table`" else s"$lake.$table"

// one temporary view per table, cut to the run
Seq("policies", "rollouts", "rewards", "advantages", "metrics", "evaluations", "stages").foreach { table =>
  spark.table(name(table)).where(col("run_id") === run).createOrReplaceTempView(table)
}
// evaluations keep their completions and verdicts apart from those that train
Seq("rollouts", "rewards").foreach { table =>
  spark.table(name(table)).where(col("run_id") === s"$run.heldout").createOrReplaceTempView(s"heldout_$table")
}
// a prompt is a text or, for chat models, a list of messages
spark.table(name("prompts")).withColumn("prompt", coalesce(col("text"), to_json(col("messages"))))
  .createOrReplaceTempView("prompts")

// COMMAND ----------

// MAGIC %md
// MAGIC ## What a run is
// MAGIC
// MAGIC | table | one row is | written by |
// MAGIC | --- | --- | --- |
// MAGIC | `prompts` | a task: what is asked, and the reference answer | Ingest |
// MAGIC | `policies` | a policy version, named by the digest of its files | Supervise, Update |
// MAGIC | `rollouts` | a completion: text, tokens, and the log-probability of each token when it was sampled | Generate |
// MAGIC | `rewards` | one reward function's verdict on one completion | Score |
// MAGIC | `advantages` | a completion's credit, or the reason why it does not train | Estimate |
// MAGIC | `metrics` | one number of one iteration | Update, Supervise |
// MAGIC | `evaluations` | one measure of one policy on held-out prompts | Evaluate |
// MAGIC | `stages` | a finished stage, the manifest: what it read, what it wrote, how long it took | all |
// MAGIC
// MAGIC `run_id`, `iteration`, `wave`, `group_id`, `sample` identify a completion in `rollouts`, `rewards` and `advantages`, so these three join
// MAGIC without guessing. (A recipe may generate more than once per iteration; `wave` counts that and is 0 in the quickstart.)
// MAGIC
// MAGIC The manifest says what was done. A stage's row comes last, after its tables are committed, so a run that was killed continues behind
// MAGIC the last row here.

// COMMAND ----------

// MAGIC %sql
// MAGIC SELECT stage, count(*) AS times, min(iteration) AS first_iteration, max(iteration) AS last_iteration,
// MAGIC        sum(rows) AS rows_written
// MAGIC FROM stages
// MAGIC GROUP BY stage
// MAGIC ORDER BY min(finished_at)

// COMMAND ----------

// MAGIC %md
// MAGIC Policies form a line. The policy with `iteration` k is the one that iteration k starts from; Update of iteration k makes the one with
// MAGIC k + 1, and `parent` says from which. `base` is the policy before supervised training, with random weights in the quickstart. `uri` is
// MAGIC a Hugging Face folder (config, safetensors, tokenizer) that other tools load as it is.

// COMMAND ----------

// MAGIC %sql
// MAGIC SELECT iteration, role, left(policy_version, 8) AS version, left(parent, 8) AS parent, optimizer_steps, uri
// MAGIC FROM policies
// MAGIC ORDER BY iteration, role

// COMMAND ----------

// MAGIC %md
// MAGIC ## How the reward moved
// MAGIC
// MAGIC First the supervised part. Its loss is the mean negative log-probability of the answers' tokens, in nats: exp(-loss) is the probability
// MAGIC that the policy gives to the right next token, averaged geometrically.
// MAGIC
// MAGIC ```
// MAGIC loss = -(1/T) Σ ln p(y_t | prompt, y_1 .. y_t-1)        T: tokens of all answers of a step
// MAGIC ```

// COMMAND ----------

// MAGIC %sql
// MAGIC SELECT iteration AS step, round(value, 4) AS loss
// MAGIC FROM metrics
// MAGIC WHERE stage = 'supervise' AND name = 'loss'
// MAGIC ORDER BY step

// COMMAND ----------

// MAGIC %md
// MAGIC Then the loop. `reward_mean` is what it tries to raise. For a reward of 0 or 1 it is the share of right completions. Every iteration
// MAGIC asks other prompts, so the curve is noisy: for a true share p and N completions expect swings of about sqrt(p (1 - p) / N), and more,
// MAGIC since the completions of one prompt are alike. Metrics are folds of the other tables; the last column recomputes this one.

// COMMAND ----------

// MAGIC %sql
// MAGIC SELECT m.iteration, round(m.value, 6) AS reward_mean, a.completions, round(a.reward_of_rows, 6) AS reward_of_rows
// MAGIC FROM metrics m
// MAGIC JOIN (SELECT iteration, count(reward) AS completions, avg(reward) AS reward_of_rows
// MAGIC       FROM advantages
// MAGIC       WHERE dropped IS NULL
// MAGIC       GROUP BY iteration) a ON a.iteration = m.iteration
// MAGIC WHERE m.stage = 'update' AND m.name = 'reward_mean'
// MAGIC ORDER BY m.iteration

// COMMAND ----------

// MAGIC %md
// MAGIC The reward alone does not say whether training is healthy. Look at these beside it:
// MAGIC
// MAGIC - `entropy`, nats per token: how undecided the policy is. It should fall slowly; near 0 all completions are alike and learning ends.
// MAGIC - `length`, tokens, and `truncated`, the share cut off at the limit: a limit that is often met decides the rewards.
// MAGIC - `gradient_norm`: steady within a factor of ten; 0 means that no group had a difference in rewards.
// MAGIC - `ratio` and `clipped`: how far the optimizer steps of one iteration moved the policy from the one that sampled (1: not at all), and the
// MAGIC   share of tokens whose gradient the objective cut off for that reason. One step per iteration, as here: exactly 1 and 0 but for rounding.

// COMMAND ----------

// MAGIC %sql
// MAGIC SELECT *
// MAGIC FROM (SELECT iteration, name, round(value, 4) AS value FROM metrics WHERE stage = 'update')
// MAGIC PIVOT (max(value) FOR name IN ('entropy' AS entropy, 'length_mean' AS length, 'truncated_share' AS truncated,
// MAGIC                                'gradient_norm' AS gradient_norm, 'ratio_mean' AS ratio, 'clip_fraction' AS clipped))
// MAGIC ORDER BY iteration

// COMMAND ----------

// MAGIC %md
// MAGIC ## Best and worst groups
// MAGIC
// MAGIC The completions of one prompt, with the reward of each, for the three best and the three worst groups of the last iteration. Read some
// MAGIC of them in every run: a reward function that is gamed, or too strict, is seen here before any curve shows it.

// COMMAND ----------

// MAGIC %sql
// MAGIC WITH means AS (
// MAGIC   SELECT iteration, wave, group_id, prompt_id, avg(reward) AS mean_reward
// MAGIC   FROM advantages
// MAGIC   WHERE iteration = (SELECT max(iteration) FROM advantages)
// MAGIC   GROUP BY iteration, wave, group_id, prompt_id
// MAGIC   HAVING avg(reward) IS NOT NULL),
// MAGIC places AS (
// MAGIC   SELECT *, row_number() OVER (ORDER BY mean_reward DESC, group_id, wave) AS from_top, count(*) OVER () AS groups
// MAGIC   FROM means)
// MAGIC SELECT if(g.from_top <= 3, 'best', 'worst') AS place, p.prompt, p.answer, round(g.mean_reward, 3) AS mean_reward,
// MAGIC        array_join(transform(sort_array(collect_list(struct(r.sample, r.text, a.reward))),
// MAGIC                             c -> concat(c.text, ' (', coalesce(string(c.reward), 'not judged'), ')')), ',  ') AS completions
// MAGIC FROM places g
// MAGIC JOIN rollouts r ON r.iteration = g.iteration AND r.wave = g.wave AND r.group_id = g.group_id
// MAGIC JOIN advantages a ON a.iteration = r.iteration AND a.wave = r.wave AND a.group_id = r.group_id AND a.sample = r.sample
// MAGIC JOIN prompts p ON p.prompt_id = g.prompt_id
// MAGIC WHERE g.from_top <= 3 OR g.from_top > g.groups - 3
// MAGIC GROUP BY g.from_top, p.prompt, p.answer, g.mean_reward
// MAGIC ORDER BY g.from_top

// COMMAND ----------

// MAGIC %md
// MAGIC The best group may have taught nothing. An advantage compares completions of the same prompt, so a group whose rewards are all equal,
// MAGIC all right or all wrong, has advantages of 0 and moves no weight. Only **mixed** groups teach. A healthy run has many; nearly none means
// MAGIC that the prompts are too hard or too easy for this policy.

// COMMAND ----------

// MAGIC %sql
// MAGIC SELECT iteration, count_if(best <= 0) AS all_wrong, count_if(worst < best) AS mixed,
// MAGIC        count_if(worst = best AND best > 0) AS all_right
// MAGIC FROM (SELECT iteration, wave, group_id, min(reward) AS worst, max(reward) AS best
// MAGIC       FROM advantages
// MAGIC       GROUP BY iteration, wave, group_id)
// MAGIC GROUP BY iteration
// MAGIC ORDER BY iteration

// COMMAND ----------

// MAGIC %md
// MAGIC ## One completion, from its prompt to the weights
// MAGIC
// MAGIC The completion with the largest advantage of the run (its absolute value, so it may be a bad one): commonly the one right answer among
// MAGIC wrong ones. The cell keeps its row as the view `traced`; replace the condition to follow any other.

// COMMAND ----------

val traced = spark.table("advantages").where(col("advantage").isNotNull && col("dropped").isNull)
  .orderBy(abs(col("advantage")).desc, col("iteration"), col("wave"), col("group_id"), col("sample")).limit(1)
traced.createOrReplaceTempView("traced")
display(traced.select("iteration", "prompt_id", "sample", "reward", "advantage"))

// COMMAND ----------

// MAGIC %md
// MAGIC Its way through the tables. `policies` appears twice: the version that sampled it and the version that it helped to make, which is
// MAGIC the child of the first.

// COMMAND ----------

// MAGIC %sql
// MAGIC SELECT stack(9,
// MAGIC          1, 'prompts', 'prompt', p.prompt,
// MAGIC          2, 'prompts', 'answer', p.answer,
// MAGIC          3, 'policies', 'sampled by', r.policy_version,
// MAGIC          4, 'rollouts', 'text', r.text,
// MAGIC          5, 'rollouts', 'finish_reason', r.finish_reason,
// MAGIC          6, 'rewards', v.name, concat_ws(', ', string(v.value), v.status, v.message),
// MAGIC          7, 'advantages', 'reward', string(t.reward),
// MAGIC          8, 'advantages', 'advantage', string(t.advantage),
// MAGIC          9, 'policies', concat('made, for iteration ', made.iteration), made.policy_version)
// MAGIC        AS (step, table, what, value)
// MAGIC FROM traced t
// MAGIC JOIN prompts p ON p.prompt_id = t.prompt_id
// MAGIC JOIN rollouts r ON r.iteration = t.iteration AND r.wave = t.wave AND r.group_id = t.group_id AND r.sample = t.sample
// MAGIC JOIN rewards v ON v.iteration = t.iteration AND v.wave = t.wave AND v.group_id = t.group_id AND v.sample = t.sample
// MAGIC JOIN policies made ON made.role = 'main' AND made.iteration = t.iteration + 1 AND made.parent = r.policy_version
// MAGIC ORDER BY step

// COMMAND ----------

// MAGIC %md
// MAGIC **Reward to advantage.** The quickstart's recipe names `Grpo`: the advantage is the z-score of a reward within its group,
// MAGIC
// MAGIC ```
// MAGIC A_i = (r_i - mean(r)) / (std(r) + eps)        std with divisor G - 1, eps = 1e-6, G completions
// MAGIC ```
// MAGIC
// MAGIC No second model has to guess what a prompt is worth: the other completions tell. Worked by hand for the group of the traced completion:

// COMMAND ----------

val group = spark.table("advantages").join(traced.select("iteration", "wave", "group_id"), Seq("iteration", "wave", "group_id"))
  .join(spark.table("rollouts"), Seq("iteration", "wave", "group_id", "sample")).where(col("reward").isNotNull)
  .orderBy("sample").select("sample", "text", "reward", "advantage").as[(Int, String, Double, Double)].collect().toSeq
val rewards = group.map(_._3)
val mean = rewards.sum / rewards.size
val std = math.sqrt(rewards.map(r => (r - mean) * (r - mean)).sum / (rewards.size - 1))
val byHand = group.map { case (sample, text, reward, advantage) =>
  (sample, text, reward, if (std == 0) 0.0 else (reward - mean) / (std + 1e-6), advantage)
}
display(byHand.toDF("sample", "completion", "reward", "by_hand", "in_the_table"))

// COMMAND ----------

// MAGIC %md
// MAGIC **Advantage to weights.** All tokens of a completion share its advantage. The quickstart's objective is `ClipHigher`, its normalizer
// MAGIC `PerToken`, so Update minimizes
// MAGIC
// MAGIC ```
// MAGIC loss = (1/T) Σ -min(rho_t A, clip(rho_t, 1 - 0.2, 1 + 0.28) A)        rho_t = p_now(y_t) / p_when_sampled(y_t)
// MAGIC ```
// MAGIC
// MAGIC over the T tokens of all completions. At rho = 1 the gradient of one term is -A times that of ln p(y_t): with A > 0 a step makes the
// MAGIC token more probable, with A < 0 less. The clip stops the push once the token's probability has moved far enough. p_when_sampled is kept in
// MAGIC `rollouts.logp`, here also as a probability. A token with a small one had the
// MAGIC most to gain or to lose. The last token of a completion that stopped by itself is end-of-text.

// COMMAND ----------

// MAGIC %sql
// MAGIC SELECT position, token, round(exp(logp[position]), 4) AS probability, round(logp[position], 4) AS logp,
// MAGIC        round(entropies[position], 4) AS entropy
// MAGIC FROM (SELECT posexplode(r.tokens) AS (position, token), r.logp, r.entropies
// MAGIC       FROM traced t
// MAGIC       JOIN rollouts r ON r.iteration = t.iteration AND r.wave = t.wave AND r.group_id = t.group_id AND r.sample = t.sample)
// MAGIC ORDER BY position

// COMMAND ----------

// MAGIC %md
// MAGIC **And back.** The manifest keeps which table versions each stage read and wrote, so the other direction works as well: from a policy
// MAGIC version to the rows that made it, as they were then. `digest` is a fingerprint of the rows a stage wrote, independent of their order: the
// MAGIC same recipe, seed and inputs give the same one.

// COMMAND ----------

// MAGIC %sql
// MAGIC SELECT stage, to_json(inputs) AS versions_read, to_json(outputs) AS versions_written, rows, left(digest, 12) AS digest,
// MAGIC        left(recipe_digest, 12) AS recipe
// MAGIC FROM stages
// MAGIC WHERE iteration = (SELECT iteration FROM traced) AND stage IN ('generate', 'score', 'estimate', 'update')
// MAGIC ORDER BY finished_at

// COMMAND ----------

// MAGIC %md
// MAGIC Delta's time travel reads a table at such a version. The rollouts that Generate of this iteration committed are the difference between
// MAGIC its version and the one before:

// COMMAND ----------

val version = spark.sql("""
  SELECT max(outputs['rollouts']) FROM stages
  WHERE stage = 'generate' AND iteration = (SELECT iteration FROM traced)""").head.getLong(0)
def rowsAt(version: Long) = spark.sql(s"SELECT count(*) FROM ${name("rollouts")} VERSION AS OF $version").head.getLong(0)
display(Seq(version - 1, version).map(v => (v, rowsAt(v))).toDF("version", "rows"))

// COMMAND ----------

// MAGIC %md
// MAGIC ## Where the time went
// MAGIC
// MAGIC Seconds of wall clock per part of an iteration, all iterations added up. `commit` is what is left of an iteration beside its four stages:
// MAGIC Spark's scheduling, Delta, loading weights. Commits run beside the next stage's compute, so most of their own time is not in it.

// COMMAND ----------

// MAGIC %sql
// MAGIC SELECT substring(name, 9) AS part, round(sum(value), 2) AS seconds,
// MAGIC        round(100 * sum(value) / sum(sum(value)) OVER (), 1) AS percent
// MAGIC FROM metrics
// MAGIC WHERE stage = 'update' AND startswith(name, 'seconds_') AND name <> 'seconds_total'
// MAGIC GROUP BY name
// MAGIC ORDER BY seconds DESC

// COMMAND ----------

// MAGIC %sql
// MAGIC SELECT iteration, substring(name, 9) AS part, round(value, 3) AS seconds
// MAGIC FROM metrics
// MAGIC WHERE stage = 'update' AND startswith(name, 'seconds_') AND name <> 'seconds_total'
// MAGIC ORDER BY iteration, part

// COMMAND ----------

// MAGIC %md
// MAGIC The manifest has the same by stage and phase, with what lies outside of the loop (supervise, evaluate) and with each stage's commit.

// COMMAND ----------

// MAGIC %sql
// MAGIC SELECT stage, phase, count(*) AS times, round(sum(seconds), 2) AS seconds, round(avg(seconds), 3) AS seconds_each
// MAGIC FROM (SELECT stage, explode(seconds) AS (phase, seconds) FROM stages)
// MAGIC GROUP BY stage, phase
// MAGIC ORDER BY seconds DESC, stage, phase

// COMMAND ----------

// MAGIC %md
// MAGIC ## Verdicts
// MAGIC
// MAGIC A reward function either gives a number or says why it cannot: `status` is ok, error, timeout, unparseable or skipped. **A failed reward is
// MAGIC not a zero.** Zero would teach the policy that its answer was bad when nobody knows; such a completion is left out and counted instead.
// MAGIC An answer without a number is another matter: there the policy failed, and the verdict is ok with value 0.

// COMMAND ----------

// MAGIC %sql
// MAGIC SELECT name, status, value, count(*) AS verdicts, round(100 * count(*) / sum(count(*)) OVER (PARTITION BY name), 2) AS percent,
// MAGIC        min(struct(message, text)).text AS an_example, min(struct(message, text)).message AS its_message
// MAGIC FROM (SELECT v.name, v.status, v.value, v.message, r.text
// MAGIC       FROM rewards v
// MAGIC       JOIN rollouts r ON r.iteration = v.iteration AND r.wave = v.wave AND r.group_id = v.group_id AND r.sample = v.sample)
// MAGIC GROUP BY name, status, value
// MAGIC ORDER BY verdicts DESC, name, status, value

// COMMAND ----------

// MAGIC %sql
// MAGIC SELECT iteration, count_if(value > 0) AS right, count_if(value <= 0 AND message <> 'no number') AS another_number,
// MAGIC        count_if(value <= 0 AND message = 'no number') AS no_number, count_if(status <> 'ok') AS not_judged
// MAGIC FROM rewards
// MAGIC WHERE name = 'correct'
// MAGIC GROUP BY iteration
// MAGIC ORDER BY iteration

// COMMAND ----------

// MAGIC %md
// MAGIC What became of the completions: they train, or `dropped` says why not (a failed reward, a group that the recipe's selection left out).

// COMMAND ----------

// MAGIC %sql
// MAGIC SELECT coalesce(dropped, 'trains') AS fate, count(*) AS completions, count(DISTINCT iteration, wave, group_id) AS of_groups
// MAGIC FROM advantages
// MAGIC GROUP BY dropped
// MAGIC ORDER BY completions DESC

// COMMAND ----------

// MAGIC %md
// MAGIC ## Prompts that were never solved
// MAGIC
// MAGIC How much of the training data the run has seen, and how much of that it got right at least once:

// COMMAND ----------

// MAGIC %sql
// MAGIC SELECT count(*) AS training_prompts, count(tries) AS tried, count_if(best > 0) AS solved, count_if(best <= 0) AS never_solved
// MAGIC FROM prompts
// MAGIC LEFT JOIN (SELECT prompt_id, count(*) AS tries, max(reward) AS best FROM advantages GROUP BY prompt_id) USING (prompt_id)
// MAGIC WHERE split = 'train'

// COMMAND ----------

// MAGIC %md
// MAGIC The prompts on which all completions failed, those with the most tries first. Wrong reference answers collect here too, so this is also
// MAGIC where to look for bad data.

// COMMAND ----------

// MAGIC %sql
// MAGIC SELECT p.prompt, p.answer, count(*) AS tries, max(a.iteration) AS last_tried,
// MAGIC        array_join(slice(array_sort(collect_set(r.text)), 1, 6), ',  ') AS some_completions
// MAGIC FROM advantages a
// MAGIC JOIN rollouts r ON r.iteration = a.iteration AND r.wave = a.wave AND r.group_id = a.group_id AND r.sample = a.sample
// MAGIC JOIN prompts p ON p.prompt_id = a.prompt_id
// MAGIC GROUP BY p.prompt_id, p.prompt, p.answer
// MAGIC HAVING max(a.reward) <= 0
// MAGIC ORDER BY tries DESC, p.prompt
// MAGIC LIMIT 20

// COMMAND ----------

// MAGIC %md
// MAGIC Are they of one kind? For `47+38=` two things may matter: how long the answer is, and whether the last digits carry.

// COMMAND ----------

// MAGIC %sql
// MAGIC SELECT length(answer) AS answer_length, carries, count(*) AS tried, count_if(best <= 0) AS never_solved,
// MAGIC        round(100 * count_if(best <= 0) / count(*), 1) AS percent
// MAGIC FROM (SELECT p.answer, max(a.reward) AS best,
// MAGIC              try_cast(substring(p.prompt, 2, 1) AS int) + try_cast(substring(p.prompt, 5, 1) AS int) >= 10 AS carries
// MAGIC       FROM advantages a
// MAGIC       JOIN prompts p ON p.prompt_id = a.prompt_id
// MAGIC       GROUP BY p.prompt_id, p.prompt, p.answer)
// MAGIC GROUP BY answer_length, carries
// MAGIC ORDER BY answer_length, carries

// COMMAND ----------

// MAGIC %md
// MAGIC ## Accuracy before and after
// MAGIC
// MAGIC On held-out prompts, the same ones before and after:
// MAGIC
// MAGIC - `greedy_accuracy`: one completion per prompt, always the most probable token. Interval: Wilson's for c right of n, with p = c / n,
// MAGIC - `sampled_accuracy`: the mean share of right completions per prompt, sampled as in training. Interval: mean ± 1.96 std / sqrt(n),
// MAGIC - `pass@k`: the chance that at least one of k samples is right, from n samples of which c are right. Interval as for the mean.
// MAGIC
// MAGIC ```
// MAGIC Wilson:  (p + z²/2n ± z sqrt(p (1 - p) / n + z²/4n²)) / (1 + z²/n)        z = 1.96
// MAGIC pass@k = 1 - C(n - c, k) / C(n, k)
// MAGIC ```
// MAGIC
// MAGIC All in percent, intervals of 95% over prompts. `gain` is the difference on the same prompts, with an interval from drawing prompts again
// MAGIC (paired bootstrap). **Judge by the gain.** Two intervals that overlap do not mean that nothing changed: both sides contain the same easy and
// MAGIC hard prompts, and the difference does not. The change is real, at 95%, where the gain's interval lies on one side of 0.

// COMMAND ----------

// MAGIC %sql
// MAGIC WITH measures AS (
// MAGIC   SELECT source, split, iteration, name, round(100 * value, 1) AS value,
// MAGIC          concat('[', round(100 * low, 1), ', ', round(100 * high, 1), ']') AS interval, prompt_count
// MAGIC   FROM evaluations),
// MAGIC ends AS (SELECT min(iteration) AS first, max(iteration) AS last FROM evaluations)
// MAGIC SELECT b.source, b.name, b.prompt_count AS prompts, b.value AS before, b.interval AS before_interval, a.value AS after,
// MAGIC        a.interval AS after_interval, g.value AS gain, g.interval AS gain_interval
// MAGIC FROM ends e
// MAGIC JOIN measures b ON b.iteration = e.first
// MAGIC JOIN measures a ON a.iteration = e.last AND a.source = b.source AND a.split = b.split AND a.name = b.name
// MAGIC LEFT JOIN measures g ON g.iteration = e.last AND g.source = b.source AND g.split = b.split AND g.name = concat(b.name, '_gain')
// MAGIC ORDER BY b.source, b.name

// COMMAND ----------

// MAGIC %md
// MAGIC Behind the greedy gain are prompts that were won and prompts that were lost:
// MAGIC
// MAGIC ```
// MAGIC gain = (won - lost) / held-out prompts
// MAGIC ```
// MAGIC
// MAGIC An update that wins 30 and loses 28 is not the same as one that wins 2.

// COMMAND ----------

// MAGIC %sql
// MAGIC WITH greedy AS (SELECT iteration, prompt_id, value > 0 AS right FROM heldout_rewards WHERE wave = 1),
// MAGIC ends AS (SELECT min(iteration) AS first, max(iteration) AS last FROM greedy)
// MAGIC SELECT if(b.right, 'right', 'wrong') AS before, if(a.right, 'right', 'wrong') AS after, count(*) AS held_out_prompts
// MAGIC FROM ends e
// MAGIC JOIN greedy b ON b.iteration = e.first
// MAGIC JOIN greedy a ON a.iteration = e.last AND a.prompt_id = b.prompt_id
// MAGIC WHERE a.right IS NOT NULL AND b.right IS NOT NULL
// MAGIC GROUP BY b.right, a.right
// MAGIC ORDER BY before, after

// COMMAND ----------

// MAGIC %md
// MAGIC Some of the answers themselves, what was won first:

// COMMAND ----------

// MAGIC %sql
// MAGIC WITH answers AS (
// MAGIC   SELECT r.iteration, r.prompt_id, r.text, v.value
// MAGIC   FROM heldout_rollouts r
// MAGIC   JOIN heldout_rewards v ON v.iteration = r.iteration AND v.wave = r.wave AND v.group_id = r.group_id AND v.sample = r.sample
// MAGIC   WHERE r.wave = 1),
// MAGIC ends AS (SELECT min(iteration) AS first, max(iteration) AS last FROM answers)
// MAGIC SELECT p.prompt, p.answer, b.text AS before, b.value AS reward_before, a.text AS after, a.value AS reward_after
// MAGIC FROM ends e
// MAGIC JOIN answers b ON b.iteration = e.first
// MAGIC JOIN answers a ON a.iteration = e.last AND a.prompt_id = b.prompt_id
// MAGIC JOIN prompts p ON p.prompt_id = b.prompt_id
// MAGIC ORDER BY a.value - b.value DESC, p.prompt
// MAGIC LIMIT 20

// COMMAND ----------

// MAGIC %md
// MAGIC ## Where to go from here
// MAGIC
// MAGIC - Rerun with another recipe under another `--run` into the same lake: the same cells compare them, since `run_id` is in every table.
// MAGIC - Judge old completions by a new reward function: join `rollouts` with `prompts`; nothing has to be generated again.
// MAGIC - Collect training data: completions with reward 1 are demonstrations, a right and a wrong completion of one group are a preference pair.
// MAGIC - Set an alarm: the queries on `groups`, `not_judged` and `entropy` make good nightly checks.
