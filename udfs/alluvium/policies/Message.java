package alluvium.policies;

public record Message(String role, String content) {}
