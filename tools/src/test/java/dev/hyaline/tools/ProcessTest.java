package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The command as a process: what only shows there. */
final class ProcessTest {
    private static final String INCUBATOR_WARNING = "WARNING: Using incubator modules: jdk.incubator.vector";

    @TempDir
    private Path folder;

    private Outcome run(String... arguments) throws IOException, InterruptedException {
        return runIn("C.UTF-8", arguments);
    }

    private Outcome runIn(String locale, String... arguments) throws IOException, InterruptedException {
        return withoutWarning(Outcome.ofProcess(folder, locale, arguments));
    }

    /** Runs a command with the compilers and kernels that users have. */
    private Outcome runInFull(String... arguments) throws IOException, InterruptedException {
        return withoutWarning(Outcome.ofProcess(Outcome.builderInFull(folder, "C.UTF-8", arguments)));
    }

    private static Outcome withoutWarning(Outcome outcome) {
        String err = outcome.err().replace(INCUBATOR_WARNING + System.lineSeparator(), "");
        return new Outcome(outcome.exitCode(), outcome.out(), err);
    }

    /** What a command without options prints, run in this JVM. */
    private static String here(String command) {
        return Outcome.of(command).succeeded().out();
    }

    private List<String> names(String inside) throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve(inside))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void everyCommandRunsWithoutOptions() throws Exception {
        assertThat(runInFull("dump").succeeded().out()).contains("Wrote hyaline-dump");
        assertThat(names("hyaline-dump")).containsExactly("activations.safetensors", "manifest.json");
        assertThat(runInFull("generate").succeeded().out()).contains("a drink to Mary.");
        assertThat(run("generate-completion").succeeded().out()).startsWith("#!/usr/bin/env bash");
        // A process of their own would show no more of those that write no file.
        assertThat(here("sites")).contains("74 hook points");
        assertThat(here("info")).contains("1,006,336 parameters");
        assertThat(here("tokens")).contains("<|endoftext|>");
        assertThat(here("patch")).contains("resid_pre, denoising");
        assertThat(here("ablate")).contains("(zero) of z");
        assertThat(here("circuit")).contains("input->m0", "the circuit alone", "random, seed 1");
        assertThat(here("lens")).contains("final_post");
        assertThat(here("attribute")).contains("Conservation");
        assertThat(here("heads")).contains("induction 2.2");
        assertThat(here("doctor")).contains("the same in every run");
    }

    @Test
    void everyCommandPrintsOneJsonDocument() throws Exception {
        List<Outcome> outcomes = List.of(
                run("dump", "--json"),
                run("info", "--json"),
                Outcome.of("sites", "--json"),
                Outcome.of("generate", "--json"),
                Outcome.of("tokens", "--json"));
        for (Outcome outcome : outcomes) {
            assertThat(outcome.json().get("model").asString()).isEqualTo("fable");
        }
    }

    @Test
    void theSameDumpMayBeRepeatedInTheDefaultFolder() throws Exception {
        String[] dump = {"dump", "--sites", "resid_post"};
        run(dump).succeeded();
        run(dump).succeeded();
        assertThat(run("dump", "--sites", "resid_pre").err()).contains("exists already");
        Outcome named = run("dump", "--sites", "resid_post", "--out", "hyaline-dump");
        assertThat(named.exitCode()).isEqualTo(2);
        assertThat(named.err()).contains("exists already");
        run("dump", "--sites", "resid_post", "--shards", "--force").succeeded();
        assertThat(run(dump).err()).contains("exists already");
    }

    @Test
    void exitCodesReachTheShell() throws Exception {
        assertThat(run("dump", "--bogus").exitCode()).isEqualTo(2);
        assertThat(run("dump", "--model", "nowhere").exitCode()).isEqualTo(1);
        assertThat(run("--help").exitCode()).isZero();
    }

    @Test
    void lostOutputIsAFailure() throws Exception {
        assumeThat(Path.of("/dev/full")).exists();
        for (List<String> arguments : List.of(List.of("info"), List.of("sites", "--json"), List.of("generate"))) {
            ProcessBuilder full = Outcome.builder(folder, "C.UTF-8", arguments.toArray(String[]::new))
                    .redirectOutput(Path.of("/dev/full").toFile());
            Process process = full.start();
            process.getOutputStream().close();
            String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(err).contains("hyaline: not all of the output could be written");
            assertThat(process.waitFor()).isEqualTo(1);
        }
    }

    @Test
    void textIsUtf8() throws Exception {
        assertThat(run("tokens", "--no-bos", "é☃").succeeded().out()).contains("\"é☃\"");
    }

    @Test
    void aLocaleThatCannotCarryAPromptIsRefused() throws Exception {
        Outcome outcome = runIn("C", "tokens", "é");
        assertThat(outcome.err()).contains("the locale", "LC_ALL=C.UTF-8").hasLineCount(1);
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(runIn("C", "tokens", "--decode", "127,102").succeeded().out())
                .contains("\"é\"");
    }

    @Test
    void aLocaleThatCannotSpellThePresentFolderIsRefused() throws Exception {
        assumeThat(System.getProperty("sun.jnu.encoding")).isEqualTo("UTF-8");
        Path plans = Files.createDirectory(folder.resolve("pläne"));
        Outcome outcome = Outcome.ofProcess(plans, "C", "dump", "--sites", "z", "--out", "x");
        assertThat(outcome.err()).contains("the name of the present folder", "LC_ALL=C.UTF-8");
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(folder.toFile().list()).containsExactly("pläne");
        assertThat(Outcome.ofProcess(plans, "C.UTF-8", "dump", "--sites", "z", "--out", "x")
                        .exitCode())
                .isZero();
        assertThat(plans.resolve("x")).isDirectory();
    }

    @Test
    void twoRunsGiveTheSameBytes() throws Exception {
        for (String format : List.of("safetensors", "npz")) {
            String[] dump = {"dump", "--format", format, "-p", "Mary", "-p", "The dog", "--threads", "2", "--out"};
            String[] one =
                    SaeFixture.with(List.of(dump), folder.resolve(format + "1").toString());
            one[Arrays.asList(one).indexOf("2")] = "1";
            Outcome.of(one).succeeded();
            run(SaeFixture.with(List.of(dump), format + "2")).succeeded();
            run(SaeFixture.with(List.of(dump), "again", "--force")).succeeded();
            String file = "activations." + format;
            assertThat(folder.resolve(format + "2").resolve(file))
                    .hasSameBinaryContentAs(folder.resolve(format + "1").resolve(file));
            for (String name : List.of(file, "manifest.json")) {
                assertThat(folder.resolve("again").resolve(name))
                        .hasSameBinaryContentAs(folder.resolve(format + "2").resolve(name));
            }
        }
    }

    @Test
    void whileOneRunWritesAnotherIsRefused() throws Exception {
        Files.writeString(
                folder.resolve("corpus.txt"), "When Mary and John went to the store, John gave\n".repeat(30_000));
        Process slow = Outcome.start(
                folder, "C.UTF-8", "dump", "--out", "out", "--prompts", "corpus.txt", "--no-shards", "--sites", "ln1*");
        while (slow.isAlive() && !Files.exists(folder.resolve("out/.manifest.json.partial"))) {
            Thread.sleep(5);
        }
        Thread.sleep(100);
        for (String format : List.of("safetensors", "npz")) {
            Outcome fast = run("dump", "--out", "out", "--format", format, "--force");
            assertThat(fast.err()).contains("is being written by another run").hasLineCount(1);
            assertThat(fast.exitCode()).isEqualTo(1);
        }
        assertThat(slow.isAlive()).as("still writing").isTrue();
        slow.destroy();
        assertThat(slow.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(folder.resolve("out")).doesNotExist();
    }

    /** Killed or told to stop, a sweep leaves what it has measured, and the same command ends with the same files. */
    @Test
    void aStoppedSweepGoesOn() throws Exception {
        List<String> sweep = List.of("patch", "--edges", "all", "--count", "1", "--threads", "1", "--out");
        Outcome.of(SaeFixture.with(sweep, folder.resolve("whole").toString())).succeeded();
        String[] parts = SaeFixture.with(sweep, folder.resolve("parts").toString());
        Path journal = folder.resolve("parts/.edges.cells");
        for (long size : new long[] {2_000, 9_000}) {
            Process process = Outcome.start(folder, "C.UTF-8", parts);
            while (process.isAlive() && !(Files.exists(journal) && Files.size(journal) > size)) {
                Thread.sleep(2);
            }
            if (size < 9_000) {
                process.destroyForcibly();
            } else {
                process.destroy();
            }
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(names("parts")).containsExactly(".edges.cells");
        }
        assertThat(Outcome.of(parts).succeeded().out()).contains("were done by a run that was stopped");
        assertThat(names("parts")).isEqualTo(names("whole")).doesNotContain(".edges.cells");
        for (String name : names("whole")) {
            assertThat(folder.resolve("parts").resolve(name))
                    .hasSameBinaryContentAs(folder.resolve("whole").resolve(name));
        }
    }

    /**
     * Interrupted (as with Ctrl-C) it takes back what it wrote; killed it leaves hidden files, and never a partial one
     * under its final name.
     */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void stoppedWhileWritingItLeavesNoPartialFile(boolean killed) throws Exception {
        run("dump", "--out", "out", "-p", "old").succeeded();
        byte[] old = Files.readAllBytes(folder.resolve("out/activations.safetensors"));
        Files.writeString(
                folder.resolve("corpus.txt"), "When Mary and John went to the store, John gave\n".repeat(8_000));

        Process process = Outcome.start(
                folder,
                "C.UTF-8",
                "dump",
                "--out",
                "out",
                "--force",
                "--prompts",
                "corpus.txt",
                "--no-shards",
                "--positions",
                "last");
        Path partial = folder.resolve("out/.activations.safetensors.partial");
        while (process.isAlive() && !(Files.exists(partial) && Files.size(partial) > 0)) {
            Thread.sleep(5);
        }
        Thread.sleep(200);
        assertThat(process.isAlive()).as("still writing").isTrue();
        if (killed) {
            process.destroyForcibly();
        } else {
            process.destroy();
        }
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isEqualTo(killed ? 137 : 143);
        if (killed) {
            assertThat(names("out"))
                    .containsExactly(
                            partial.getFileName().toString(),
                            ".manifest.json.partial",
                            "activations.safetensors",
                            "manifest.json");
        } else {
            assertThat(names("out")).containsExactly("activations.safetensors", "manifest.json");
        }
        assertThat(folder.resolve("out/activations.safetensors")).hasBinaryContent(old);

        run("dump", "--out", "out", "-p", "new", "--force").succeeded();
        assertThat(names("out")).containsExactly("activations.safetensors", "manifest.json");
    }
}
