package dev.hyaline.weights.hub;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The name of a model on the hub.
 *
 * @param repository {@code owner/name}, or a bare name for a repository from before owners were introduced
 * @param revision a branch, tag, commit, or a pull request's {@code refs/pr/N}
 */
public record HubName(String repository, String revision) {
    /** The revision if none is named. */
    public static final String MAIN = "main";

    private static final Map<String, String> SHORT = new LinkedHashMap<>();

    static {
        SHORT.put("gpt2", "openai-community/gpt2");
        SHORT.put("gpt2-medium", "openai-community/gpt2-medium");
        SHORT.put("gpt2-large", "openai-community/gpt2-large");
        SHORT.put("gpt2-xl", "openai-community/gpt2-xl");
        SHORT.put("distilgpt2", "distilbert/distilgpt2");
    }

    // Both become parts of file names, so neither may lead out of its folder.
    private static final Pattern REPOSITORY = Pattern.compile("(\\w[\\w.-]{0,95}/)?\\w[\\w.-]{0,95}");
    private static final Pattern REVISION = Pattern.compile("[\\w+-][\\w.+-]*(/[\\w+-][\\w.+-]*)*");
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    private static final Pattern FILE =
            Pattern.compile(".*\\.(safetensors|bin|pth?|gguf|ckpt|index|json|git)", Pattern.CASE_INSENSITIVE);
    private static final int MAX_REVISION_LENGTH = 200;

    public HubName {
        if (!isRepository(repository)) {
            throw new IllegalArgumentException("no repository of the hub can be called " + repository);
        }
        if (!isRevision(revision)) {
            throw new IllegalArgumentException("no revision can be called " + revision);
        }
    }

    /**
     * Parses {@code REPOSITORY} or {@code REPOSITORY@REVISION}, where the repository may be a {@linkplain #shortNames
     * short name}. Empty if no repository or revision can have that name, as with most file paths.
     */
    public static Optional<HubName> parse(String text) {
        int at = text.indexOf('@');
        String repository = at < 0 ? text : text.substring(0, at);
        String revision = at < 0 ? MAIN : text.substring(at + 1);
        return isRepository(repository) && isRevision(revision)
                ? Optional.of(new HubName(SHORT.getOrDefault(repository, repository), revision))
                : Optional.empty();
    }

    /** The short names of repositories with an owner, such as {@code gpt2}. */
    public static List<String> shortNames() {
        return List.copyOf(SHORT.keySet());
    }

    /** The names of the repository in the cache: its own, then the one from before it had an owner. */
    public List<String> cachedAs() {
        return SHORT.entrySet().stream()
                .filter(entry -> entry.getValue().equals(repository))
                .map(entry -> List.of(repository, entry.getKey()))
                .findFirst()
                .orElse(List.of(repository));
    }

    /** Returns whether the repository has an owner; hardly any on the hub has none. */
    public boolean hasOwner() {
        return repository.indexOf('/') >= 0;
    }

    /** Returns whether the revision is a full commit hash, whose meaning cannot change. */
    public boolean isPinned() {
        return COMMIT.matcher(revision).matches();
    }

    /** The same repository at another revision. */
    public HubName at(String otherRevision) {
        return new HubName(repository, otherRevision);
    }

    @Override
    public String toString() {
        return revision.equals(MAIN) ? repository : repository + "@" + revision;
    }

    private static boolean isRepository(String text) {
        return REPOSITORY.matcher(text).matches()
                && !text.contains("--")
                && !text.contains("..")
                && !FILE.matcher(text).matches();
    }

    private static boolean isRevision(String text) {
        return text.length() <= MAX_REVISION_LENGTH && REVISION.matcher(text).matches() && !text.contains("..");
    }
}
