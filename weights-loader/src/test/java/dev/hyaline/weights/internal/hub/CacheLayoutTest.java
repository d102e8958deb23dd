package dev.hyaline.weights.internal.hub;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CacheLayoutTest {
    private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

    @TempDir
    private Path root;

    /** A download writes refs under other names first, and renames them. */
    @Test
    void filesThatComeAndGoAreNoRevisions() throws Exception {
        Path refs = Files.createDirectories(root.resolve("models--ann--tiny/refs/pr"));
        Files.writeString(refs.resolve("1"), COMMIT);
        CacheLayout layout = new CacheLayout(root);
        AtomicBoolean done = new AtomicBoolean();
        Thread download = Thread.ofPlatform().daemon().start(() -> {
            try {
                while (!done.get()) {
                    Files.delete(Files.createTempFile(refs, "2", CacheLayout.UNFINISHED));
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        for (int look = 0; look < 3000; look++) {
            assertThat(layout.at("ann/tiny", COMMIT).revisions()).containsExactly("pr/1");
        }
        done.set(true);
        download.join();
    }
}
