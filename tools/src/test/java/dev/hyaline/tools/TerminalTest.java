package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What reaches a terminal, and what comes through pipes. */
final class TerminalTest {
    private static final String CLEAR = "\u001B[2J\u001B]0;owned\u0007\u009b31m\r\u001B[8;30;31mhidden";

    @TempDir
    private Path temporary;

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void noPromptSteersTheTerminal(boolean colours) throws IOException {
        Path pairs = temporary.resolve("pairs.json");
        Files.writeString(pairs, """
            [{"clean": "Anna \\u001b[2J went", "corrupted": "Anna \\u001b[2J took", "answer": " to",
              "distractor": " the", "positions": {"a\\u001b[2Jb": 1}}]
            """);
        Path prompts = Files.writeString(temporary.resolve("p\u001B[2J.txt"), "a" + CLEAR + "\nb\n");
        for (List<String> arguments : List.of(
                List.of("generate", "--prompt", "a" + CLEAR, "--max-new-tokens", "2"),
                List.of("generate", "--prompts", prompts.toString(), "--max-new-tokens", "2"),
                List.of("edit", "--zero", "z", "--prompts", prompts.toString()),
                List.of("dump", "--prompts", prompts.toString(), "--dry-run"),
                List.of("tokens", "a" + CLEAR),
                List.of("lens", "--prompt", "a" + CLEAR),
                List.of("patch", "--pairs", pairs.toString()),
                List.of("dump", "--sites", CLEAR),
                List.of("dump", "--bogus" + CLEAR),
                List.of("dump", "--tokens", CLEAR),
                List.of("dump", "--prompts", CLEAR))) {
            Outcome outcome =
                    Outcome.reading(new ByteArrayInputStream(new byte[0]), colours, arguments.toArray(String[]::new));
            assertThat(outcome.out() + outcome.err())
                    .as(arguments.toString())
                    .isNotEmpty()
                    .doesNotContain("\u001B[2J", "\u001B]", "\u0007", "\u009b", "\r", "\u001B[8;30;31m");
            // What is left are styles that the program made, whole.
            assertThat((outcome.out() + outcome.err()).replaceAll("\u001B\\[(0|1|2|38;5;(16|231);48;2;[0-9;]+)m", ""))
                    .as(arguments.toString())
                    .doesNotContain("\u001B");
        }
    }

    @Test
    void titlesAndHelpKeepTheirStyles() {
        assertThat(coloured("edit", "--zero", "z", "--prompt", "a b")).contains("\u001B[1m", "\u001B[0m");
        assertThat(coloured("lens", "--help")).contains("\u001B[1m", "\u001B[");
        assertThat(coloured("lens", "--prompt", "a b c", "--no-bos", "--layers", "0"))
                .doesNotContain("\\u001b");
    }

    private static String coloured(String... arguments) {
        return Outcome.reading(new ByteArrayInputStream(new byte[0]), true, arguments)
                .out();
    }

    @Test
    void noMessageIsLongerThanAScreen() {
        for (List<String> arguments : List.of(
                List.of("dump", "--sites", "x".repeat(3_000)),
                List.of("dump", "--sites", "x".repeat(100_000)),
                List.of("edit", "--zero", "x".repeat(100_000)),
                List.of("dump", "--tokens", "x".repeat(100_000)),
                List.of("dump", "--" + "x".repeat(3_000)),
                List.of("x".repeat(3_000)))) {
            assertThat(Outcome.of(arguments.toArray(String[]::new)).err())
                    .startsWith("hyaline: ")
                    .hasSizeLessThan(1920);
        }
    }

    /** As {@code <(...)} is, which can be read once. */
    @ParameterizedTest
    @ValueSource(strings = {"first prompt\nsecond\n", "{\"text\": \"first prompt\"}\n{\"tokens\": [1, 2]}\n"})
    void promptsComeThroughAPipe(String text) throws Exception {
        Path pipe = temporary.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        Thread writer = Thread.ofPlatform().daemon().start(() -> {
            try (OutputStream out = Files.newOutputStream(pipe)) {
                out.write(text.getBytes(StandardCharsets.UTF_8));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        Outcome outcome = Outcome.ofProcess(
                temporary, "C.UTF-8", "dump", "--prompts", pipe.toString(), "--sites", "resid_post", "--json");
        writer.join(10_000);
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.out()).contains("pipe:1", "pipe:2");
    }

    /** As {@code --sequences} counts. */
    @Test
    void promptsAreCountedFromZero() {
        String folder = temporary.resolve("d").toString();
        for (List<String> command : List.of(
                List.of("dump", "--out", folder),
                List.of("edit", "--zero", "z"),
                List.of("generate", "--max-new-tokens", "1"))) {
            List<String> line = new ArrayList<>(command);
            line.addAll(List.of("--prompt", "one", "--prompt", "two"));
            assertThat(Outcome.of(line.toArray(String[]::new)).succeeded().out())
                    .as(line.toString())
                    .contains("Prompt 0 (", "Prompt 1 (")
                    .doesNotContain("Prompt 2 (");
        }
    }

    @Test
    void completionKnowsMetricsAndSites() {
        assertThat(Outcome.of("generate-completion").succeeded().out())
                .contains("logit-diff", "cross-entropy", "resid_mid", "mlp.post", "\"attn_out=\"");
    }

    @Test
    void whatExistsAlreadyIsOneExitCode() throws IOException {
        Path folder = Files.createDirectories(temporary.resolve("out"));
        for (String file : List.of("activations.safetensors", "resid_pre.csv")) {
            Files.writeString(folder.resolve(file), "");
        }
        for (String command : List.of("dump", "patch", "convert")) {
            Outcome outcome = Outcome.of(command, "--out", folder.toString());
            assertThat(outcome.err()).contains("exists already");
            assertThat(outcome.exitCode()).as(command).isEqualTo(2);
        }
    }

    /** A default that is none is not told. */
    @Test
    void helpTellsNoDefaultThatIsNone() {
        for (String command : List.of(
                "dump",
                "sites",
                "info",
                "generate",
                "tokens",
                "patch",
                "ablate",
                "lens",
                "attribute",
                "heads",
                "edit",
                "models",
                "convert",
                "devices")) {
            assertThat(Outcome.of(command, "--help").succeeded().out())
                    .as(command)
                    .isNotEmpty()
                    .doesNotContain("${", "null");
        }
    }

    @Test
    void whatCannotBeWrittenIsOneSentence() throws IOException {
        Path file = Files.writeString(temporary.resolve("file"), "");
        for (List<String> command : List.of(
                List.of("convert"),
                List.of("dump"),
                List.of("dump", "--dry-run"),
                List.of("dump", "--shards", "--sites", "resid_post"),
                List.of("dump", "--shards", "--sites", "resid_post", "--dry-run"),
                List.of("patch"))) {
            for (Path out : List.of(file, file.resolve("folder"))) {
                List<String> line = new ArrayList<>(command);
                line.addAll(List.of("--out", out.toString()));
                Outcome outcome = Outcome.of(line.toArray(String[]::new));
                assertThat(outcome.exitCode()).as(line.toString()).isNotZero();
                assertThat(outcome.err())
                        .as(line.toString())
                        .startsWith("hyaline: ")
                        .contains(out.getRoot().toString())
                        .doesNotContain("Exception", "unexpected failure")
                        .hasLineCount(1);
            }
        }
    }

    @Test
    void aDryRunRefusesWhatTheRunWould() throws IOException {
        Path folder = Files.createDirectories(temporary.resolve("out"));
        Files.writeString(folder.resolve("activations.safetensors"), "");
        for (List<String> options : List.of(
                List.of("--out", folder.resolve("activations.safetensors/x").toString()),
                List.of("--positions", "500", "--sites", "z"),
                List.of("--heads", "99", "--sites", "z"),
                List.of("--neurons", "99999", "--sites", "mlp_post"),
                List.of("--roles", "subject"),
                List.of("--sites", "nowhere"),
                List.of("--layers", "77"),
                List.of("--sequences", "3"),
                List.of("--prompt", "word ".repeat(2_000)),
                List.of("--tokens", "99999"),
                List.of("--shards", "--sites", "pattern"))) {
            List<String> line = new ArrayList<>(List.of("dump", "--dry-run"));
            line.addAll(options);
            Outcome dry = Outcome.of(line.toArray(String[]::new));
            line.set(1, "--threads=1");
            if (!options.contains("--out")) {
                line.addAll(List.of("--out", temporary.resolve("new").toString()));
            }
            Outcome run = Outcome.of(line.toArray(String[]::new));
            assertThat(run.exitCode()).as(line.toString()).isNotZero();
            assertThat(dry).as(line.toString()).isEqualTo(run);
        }
    }

    @Test
    void infoFindsTheValueThatEveryOtherCommandRefuses() throws IOException {
        byte[] model = Files.readAllBytes(Path.of("../weights-loader/src/test/resources/formats/llmc/gpt2_tiny.bin"));
        ByteBuffer.wrap(model).order(ByteOrder.LITTLE_ENDIAN).putFloat(model.length - Float.BYTES, Float.NaN);
        Path file = Files.write(temporary.resolve("gpt2_tiny.bin"), model);
        for (List<String> command :
                List.of(List.of("info"), List.of("dump", "--tokens", "1", "--out", "target/none"))) {
            List<String> line = new ArrayList<>(command);
            line.addAll(List.of("--model", file.toString()));
            Outcome outcome = Outcome.of(line.toArray(String[]::new));
            assertThat(outcome.exitCode()).as(line.toString()).isNotZero();
            assertThat(outcome.err()).contains(file.toString(), "NaN").hasLineCount(1);
        }
    }
}
