package alluvium.rewards;

import static alluvium.tables.RecipeException.require;

import alluvium.tables.RecipeException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Whether what a pattern captures last in the completion is the reference answer. Both are compared as text, blanks
 * around them cut and runs of blanks counted as one. With group 0 a match anywhere is enough and the answer is not
 * looked at. No match, or a group that took no part in the match, is wrong. A pattern that reads more than 20 million
 * characters of the completion is a TIMEOUT.
 *
 * @param pattern a java.util.regex pattern
 * @param group the group that holds the answer, 0 for a match alone
 * @param right reward of the reference answer
 * @param wrong reward of any other completion, < right
 */
public record RegexAnswer(String pattern, int group, double right, double wrong) implements Verifier, Bounded {
  public RegexAnswer {
    Outcome.check("RegexAnswer", right, wrong);
    int groups = compile("RegexAnswer.pattern", pattern).matcher("").groupCount();
    require(group >= 0 && group <= groups, "RegexAnswer.group must be in 0..%s, the groups of '%s', got %s", groups,
        pattern, group);
  }

  static Pattern compile(String place, String pattern) {
    try {
      return Pattern.compile(pattern);
    } catch (PatternSyntaxException e) {
      throw new RecipeException("%s '%s' is not a pattern: %s at character %s", place, pattern,
          e.getDescription(), e.getIndex());
    }
  }

  @Override
  public Verdict verdict(Sample sample) {
    try {
      Matcher matcher = Pattern.compile(pattern).matcher(new MeteredText(sample.completion(), MeteredText.budget()));
      return group == 0 ? presence(matcher) : comparison(matcher, ExactAnswer.collapse(sample.answer()));
    } catch (MeteredText.Exhausted e) {
      return Verdict.failed(Status.TIMEOUT, e.getMessage());
    }
  }

  private Verdict presence(Matcher matcher) {
    return matcher.find() ? Verdict.ok(right, String.format("%.40s", matcher.group())) : Verdict.ok(wrong, "no match");
  }

  private Verdict comparison(Matcher matcher, String reference) {
    if (reference.isEmpty()) {
      return Verdict.failed(Status.UNPARSEABLE, "the task has no reference answer");
    }
    Optional<String> last = Optional.empty();
    while (matcher.find()) {
      last = Optional.ofNullable(matcher.group(group)).map(ExactAnswer::collapse);
    }
    if (last.isEmpty()) {
      return Verdict.ok(wrong, "no match");
    }
    return last.get().equals(reference) ? Verdict.ok(right, String.format("%.40s", reference))
        : Verdict.ok(wrong, String.format("'%.40s', not '%.40s'", last.get(), reference));
  }
}
