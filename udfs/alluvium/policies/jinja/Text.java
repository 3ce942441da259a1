package alluvium.policies.jinja;

/** Text in the making, as long as the budget allows. */
final class Text {
  private final StringBuilder characters = new StringBuilder();
  private final Budget budget;

  Text(Budget budget) {
    this.budget = budget;
  }

  Text append(String more) {
    if (!more.isEmpty()) {
      long length = (long) characters.length() + more.length();
      if (length > Budget.LENGTH) {
        budget.text(length);
      }
      budget.spend(1 + more.length() / 8);
      characters.append(more);
    }
    return this;
  }

  @Override
  public String toString() {
    return characters.toString();
  }
}
