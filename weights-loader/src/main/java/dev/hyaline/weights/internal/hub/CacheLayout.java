package dev.hyaline.weights.internal.hub;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.hyaline.weights.hub.HubException;
import dev.hyaline.weights.hub.HubException.Reason;
import dev.hyaline.weights.hub.Snapshot;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The layout of the cache, which is that of {@code huggingface_hub}:
 *
 * <pre>
 * models--openai-community--gpt2/blobs/CHECKSUM             contents
 * models--openai-community--gpt2/refs/main                  the commit that a branch or tag means
 * models--openai-community--gpt2/snapshots/COMMIT/FILE      links to the contents
 * models--openai-community--gpt2/.no_exist/COMMIT/FILE      empty: the repository has no such file
 * .locks/models--openai-community--gpt2/CHECKSUM.lock       held while a content is fetched
 * </pre>
 */
public record CacheLayout(Path root) {
    private static final String PREFIX = "models--";
    private static final String SEPARATOR = "--";
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    private static final int MAX_REF_LENGTH = 256;

    /** The suffix of a file of {@code refs} until it is complete. */
    static final String UNFINISHED = ".tmp";

    static boolean isCommit(String text) {
        return COMMIT.matcher(text).matches();
    }

    Path repository(String repository) {
        return root.resolve(PREFIX + repository.replace("/", SEPARATOR));
    }

    Path blob(String repository, Checksum checksum) {
        return repository(repository).resolve("blobs").resolve(checksum.hex());
    }

    /**
     * The partial content; not under the name that Python's programs append to, because they do not see Java's locks.
     */
    Path partial(String repository, Checksum checksum) {
        return repository(repository).resolve("blobs").resolve(checksum.hex() + ".hyaline.incomplete");
    }

    Path lock(String repository, Checksum checksum) {
        return root.resolve(".locks")
                .resolve(PREFIX + repository.replace("/", SEPARATOR))
                .resolve(checksum.hex() + ".lock");
    }

    Path snapshot(String repository, String commit) {
        return repository(repository).resolve("snapshots").resolve(commit);
    }

    Path absent(String repository, String commit, String file) {
        return repository(repository).resolve(".no_exist").resolve(commit).resolve(file);
    }

    Path ref(String repository, String revision) {
        return repository(repository).resolve("refs").resolve(revision);
    }

    /** The commit of a revision as recorded in the cache. */
    public Optional<String> commit(String repository, String revision) {
        return isCommit(revision) ? Optional.of(revision) : read(ref(repository, revision));
    }

    private static Optional<String> read(Path ref) {
        try {
            return Files.isRegularFile(ref) && Files.size(ref) <= MAX_REF_LENGTH
                    ? Optional.of(new String(Files.readAllBytes(ref), ISO_8859_1).strip())
                            .filter(CacheLayout::isCommit)
                    : Optional.empty();
        } catch (IOException e) {
            throw unreadable(ref, e);
        }
    }

    /** Returns whether a snapshot has its tokenizer, or the repository is known to have none. */
    public boolean knowsTokenizer(String repository, String commit) {
        return new SnapshotFolder(snapshot(repository, commit)).hasTokenizer()
                || Files.exists(absent(repository, commit, SnapshotFolder.TOKENIZER));
    }

    /** A snapshot, which need not exist. */
    public Snapshot at(String repository, String commit) {
        return new Snapshot(
                repository,
                commit,
                revisions(repository).getOrDefault(commit, List.of()),
                snapshot(repository, commit));
    }

    /** All snapshots of all models, by repository and commit. */
    public List<Snapshot> snapshots() {
        List<Snapshot> found = new ArrayList<>();
        for (Path folder : list(root)) {
            String name = folder.getFileName().toString();
            if (name.startsWith(PREFIX)) {
                String repository = name.substring(PREFIX.length()).replaceFirst(SEPARATOR, "/");
                Map<String, List<String>> revisions = revisions(repository);
                for (Path snapshot : list(folder.resolve("snapshots"))) {
                    String commit = snapshot.getFileName().toString();
                    if (isCommit(commit)) {
                        found.add(
                                new Snapshot(repository, commit, revisions.getOrDefault(commit, List.of()), snapshot));
                    }
                }
            }
        }
        found.sort(Comparator.comparing(Snapshot::repository).thenComparing(Snapshot::commit));
        return found;
    }

    /** The revisions of each commit. */
    private Map<String, List<String>> revisions(String repository) {
        Path refs = repository(repository).resolve("refs");
        Map<String, List<String>> revisions = new TreeMap<>();
        if (Files.isDirectory(refs)) {
            for (Path file : files(refs)) {
                read(file)
                        .ifPresent(commit -> revisions
                                .computeIfAbsent(commit, key -> new ArrayList<>())
                                .add(refs.relativize(file).toString().replace('\\', '/')));
            }
        }
        return revisions;
    }

    /** All files below a folder, but those that a download has not finished: they come and go meanwhile. */
    private static List<Path> files(Path folder) {
        List<Path> found = new ArrayList<>();
        try {
            Files.walkFileTree(folder, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                    if (!file.toString().endsWith(UNFINISHED)) {
                        found.add(file);
                    }
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
                    if (e instanceof NoSuchFileException) {
                        return FileVisitResult.CONTINUE;
                    }
                    throw e;
                }
            });
        } catch (IOException e) {
            throw unreadable(folder, e);
        }
        Collections.sort(found);
        return found;
    }

    private static List<Path> list(Path folder) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Files::isDirectory).toList();
        } catch (IOException e) {
            throw unreadable(folder, e);
        }
    }

    private static HubException unreadable(Path path, Exception e) {
        return new HubException(Reason.CACHE, "cannot read " + path + " of the cache: " + e, e);
    }
}
