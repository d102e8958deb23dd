package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Runs of a command that goes on from its checkpoint, each killed in the middle. */
final class KilledRuns {
    private KilledRuns() {}

    /**
     * Kills so many runs, each once it has gone further than the last, wherever it is then. One that ended before it
     * was killed does not count: what it made is deleted.
     */
    static void of(int kills, Path folder, String[] command, Path checkpoint, Path made)
            throws IOException, InterruptedException {
        int killed = 0;
        for (int run = 0; killed < kills; run++) {
            assertThat(run)
                    .as("runs, most of which ended before they were killed")
                    .isLessThan(20);
            Process process = Outcome.start(folder, "C.UTF-8", command);
            FileTime before = modified(checkpoint);
            while (process.isAlive() && modified(checkpoint).equals(before)) {
                Thread.sleep(2);
            }
            process.destroyForcibly().waitFor();
            assertThat(process.exitValue())
                    .as("of a run that ended, or was killed")
                    .isIn(0, 137);
            if (Files.exists(made)) {
                delete(made);
            } else {
                killed++;
            }
        }
    }

    private static FileTime modified(Path file) throws IOException {
        return Files.exists(file) ? Files.getLastModifiedTime(file) : FileTime.fromMillis(0);
    }

    private static void delete(Path folder) throws IOException {
        List<Path> deepestFirst;
        try (Stream<Path> files = Files.walk(folder)) {
            deepestFirst = files.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path file : deepestFirst) {
            Files.delete(file);
        }
    }
}
