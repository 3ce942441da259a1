package alluvium.rewards;

import static alluvium.tables.RecipeException.require;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Whether the completion chooses the reference letter of a multiple-choice question.
 *
 * <p>The last stated choice wins: the last of \boxed{B}, "answer is (B)", "Answer: **B**" and their like. Only where
 * there is none, the last letter set apart: (B), **B**, "B." or "B)" at the start of a line, or a line that is nothing
 * but the letter. Letters count in capitals; in parentheses and boxes also small. "A" within a sentence is no choice.
 * No choice is wrong; a reference that is no letter of the question is UNPARSEABLE.
 *
 * @param letters the choices, two or more different capitals: ABCD
 * @param right reward of the reference letter
 * @param wrong reward of any other completion, < right
 */
public record ChoiceAnswer(String letters, double right, double wrong) implements Verifier, Bounded {
  public ChoiceAnswer {
    Outcome.check("ChoiceAnswer", right, wrong);
    require(letters.matches("[A-Z]{2,26}") && letters.chars().distinct().count() == letters.length(),
        "ChoiceAnswer.letters must be two or more different capitals, got '%s'", letters);
  }

  @Override
  public Verdict verdict(Sample sample) {
    Optional<String> reference = chosen(sample.answer());
    if (reference.isEmpty()) {
      return Verdict.failed(Status.UNPARSEABLE,
          String.format("the reference answer is none of %s: '%.40s'", letters, sample.answer()));
    }
    Optional<String> stated = chosen(sample.completion());
    if (stated.isEmpty()) {
      return Verdict.ok(wrong, "no choice");
    }
    return stated.equals(reference) ? Verdict.ok(right, stated.get())
        : Verdict.ok(wrong, stated.get() + ", not " + reference.get());
  }

  private Optional<String> chosen(String text) {
    return last(stating(), text).or(() -> last(settingApart(), text));
  }

  /** All quantifiers are bounded: time is linear in the text. */
  private Pattern stating() {
    String small = letters.toLowerCase(Locale.ROOT);
    return Pattern.compile("\\\\boxed\\{[ (]{0,2}(?:\\\\(?:text|textbf|mathrm|mathbf)\\{)?[ (]{0,2}([" + letters + small
        + "])(?![A-Za-z0-9])"
        + "|(?i:\\b(?:answer|choice|option)\\b)(?i:[ *]{1,4}(?:is|would be|must be|should be))?[ *:]{0,4}\\s{0,2}"
        + "(?i:option |choice )?(?:[*$\"]{0,3}\\(([" + letters + small + "])\\)|[*$\"\\[]{0,3}([" + letters
        + "])(?![A-Za-z0-9'’]))");
  }

  private Pattern settingApart() {
    String small = letters.toLowerCase(Locale.ROOT);
    return Pattern.compile("\\(([" + letters + small + "])\\)|\\*\\*([" + letters + "])[.):]?\\*\\*"
        + "|(?m:^[ \\t]{0,8}([" + letters + "])(?:[.):]|[ \\t]{0,8}$))");
  }

  private static Optional<String> last(Pattern pattern, String text) {
    Optional<String> last = Optional.empty();
    for (Matcher matcher = pattern.matcher(text); matcher.find();) {
      for (int group = 1; group <= matcher.groupCount(); group++) {
        if (matcher.start(group) >= 0) {
          last = Optional.of(matcher.group(group).toUpperCase(Locale.ROOT));
        }
      }
    }
    return last;
  }
}
