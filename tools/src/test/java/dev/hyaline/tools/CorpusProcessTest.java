package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A dump of a corpus as a process that is stopped. */
final class CorpusProcessTest {
    private static final List<String> SIGNALS = List.of("-KILL", "-INT", "-KILL", "-TERM");

    @TempDir
    private Path folder;

    private final Random random = new Random(4);

    @BeforeEach
    void writeCorpus() throws IOException {
        StringBuilder corpus = new StringBuilder();
        for (int line = 0; line < 700; line++) {
            corpus.append("When Mary and John went to the store, ".repeat(random.nextInt(4)))
                    .append("John gave a drink to Mary.\n");
        }
        Files.writeString(folder.resolve("corpus.txt"), corpus);
    }

    private static Map<String, byte[]> visible(Path inside) throws IOException {
        Map<String, byte[]> files = new TreeMap<>();
        try (Stream<Path> list = Files.list(inside)) {
            for (Path file : list.toList()) {
                String name = file.getFileName().toString();
                if (!name.startsWith(".")) {
                    files.put(name, Files.readAllBytes(file));
                }
            }
        } catch (NoSuchFileException e) {
            // Stopped before it made the folder, or after it took the folder back.
        }
        return files;
    }

    private static void delete(Path inside) throws IOException {
        try (Stream<Path> list = Files.list(inside)) {
            for (Path file : list.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(inside);
    }

    private String path(String name) {
        return folder.resolve(name).toString();
    }

    private List<String> dump(String... more) {
        List<String> arguments = new ArrayList<>(List.of("dump", "--prompts", path("corpus.txt")));
        arguments.addAll(List.of(more));
        return arguments;
    }

    private Process process(List<String> arguments) throws IOException {
        return Outcome.builderInFull(folder, "C.UTF-8", arguments.toArray(String[]::new))
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(folder.resolve("err").toFile())
                .start();
    }

    /** Stops a run at random points in random ways; what is there is whole each time, and in the end the same. */
    @Test
    void stoppedAnywhereItEndsUpTheSame() throws Exception {
        List<String> dump = dump("--sites", "resid_post", "--shard-size", "1MB", "--dtype", "f16", "--out");
        Outcome.of(SaeFixture.with(dump, path("whole"))).succeeded();
        dump.addAll(List.of(path("out"), "--resume"));
        Map<String, byte[]> expected = visible(folder.resolve("whole"));
        assertThat(expected).hasSizeGreaterThan(12).containsKey("manifest.json");

        Path out = folder.resolve("out");
        int stopped = 0;
        for (int run = 0; stopped < 3; run++) {
            assertThat(run)
                    .as("runs, nearly all of which ended before they were stopped")
                    .isLessThan(40);
            // A shell may have its background processes ignore an interrupt.
            String signal = SIGNALS.get(run % SIGNALS.size());
            Process process = process(dump);
            int shards = visible(out).size() + random.nextInt(4);
            while (process.isAlive() && visible(out).size() < shards) {
                Thread.sleep(2);
            }
            Thread.sleep(random.nextInt(60));
            assertThat(new ProcessBuilder("kill", signal, String.valueOf(process.pid()))
                            .start()
                            .waitFor())
                    .isBetween(0, 1);
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            visible(out).forEach((name, file) -> {
                if (!name.equals("journal.jsonl")) {
                    assertThat(Arrays.equals(file, expected.get(name)))
                            .as(name + " is whole after " + signal)
                            .isTrue();
                }
            });
            if (process.exitValue() == 0) {
                delete(out); // it ended before it was stopped
            } else {
                stopped++;
            }
        }
        Outcome.of(dump.toArray(String[]::new)).succeeded();
        Map<String, byte[]> found = visible(out);
        assertThat(found.keySet()).isEqualTo(expected.keySet());
        found.forEach((name, file) ->
                assertThat(Arrays.equals(file, expected.get(name))).as(name).isTrue());
        try (Stream<Path> left = Files.list(out)) {
            assertThat(left.filter(file -> file.getFileName().toString().startsWith(".")))
                    .as("hidden files")
                    .isEmpty();
        }
    }

    /** Bytes of a dump so far, with what is hidden inside it and beside it. */
    private long bytes(String out) {
        long bytes = 0;
        for (File dump : Objects.requireNonNull(folder.toFile().listFiles((_, name) -> name.contains(out)))) {
            File[] files = dump.listFiles();
            for (File file : files == null ? new File[0] : files) {
                bytes += file.length();
            }
        }
        return bytes;
    }

    /** Killed once, anywhere, and run again, what others read has the bytes of an undisturbed run. */
    @ParameterizedTest
    @ValueSource(strings = {"delphi", "datasets"})
    void killedAnywhereAndRunAgainOtherFormsEndUpTheSame(String format) throws Exception {
        List<String> dump = dump("--format", format, "--context", "16", "--pack", "--shard-size", "200kB", "--resume");
        if (format.equals("delphi")) {
            new SaeFixture(folder).train("sae");
            dump.addAll(List.of("--sae", path("sae")));
        } else {
            dump.addAll(List.of("--sites", "resid_post2"));
        }
        dump.add("--out");
        Outcome.of(SaeFixture.with(dump, path("whole"))).succeeded();
        Map<String, byte[]> expected = visible(folder.resolve("whole"));
        assertThat(expected).hasSizeGreaterThan(2);

        dump.add(path("out"));
        for (boolean killed = false; !killed; ) {
            Process process = process(dump);
            long enough = (long) (random.nextDouble() * bytes("whole"));
            while (process.isAlive() && bytes("out") <= enough) {
                Thread.sleep(1);
            }
            process.destroyForcibly();
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            killed = process.exitValue() == 137;
            if (!killed) {
                assertThat(process.exitValue()).isZero();
                delete(folder.resolve("out")); // it ended before it was killed
            }
        }
        visible(folder.resolve("out")).forEach((name, file) -> {
            if (!name.equals("journal.jsonl")) {
                assertThat(file).as(name).isEqualTo(expected.get(name));
            }
        });
        Outcome.of(dump.toArray(String[]::new)).succeeded();
        Map<String, byte[]> found = visible(folder.resolve("out"));
        assertThat(found.keySet()).isEqualTo(expected.keySet());
        found.forEach((name, file) -> assertThat(file).as(name).isEqualTo(expected.get(name)));
        assertThat(folder.toFile().list()).noneMatch(name -> name.startsWith("."));
    }
}
