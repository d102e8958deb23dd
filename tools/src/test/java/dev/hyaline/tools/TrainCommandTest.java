package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** {@code hyaline train}: what it learns from, what it leaves, and that a run that is killed goes on. */
final class TrainCommandTest {
    private static final List<String> SMALL = List.of(
            "train",
            "--n-layer",
            "1",
            "--n-head",
            "2",
            "--n-embd",
            "16",
            "--n-positions",
            "16",
            "--length",
            "12",
            "--sequences",
            "4");

    @TempDir
    private Path temporary;

    private String path(String name) {
        return temporary.resolve(name).toString();
    }

    private static String[] small(String... more) {
        return Stream.concat(SMALL.stream(), Stream.of(more)).toArray(String[]::new);
    }

    private Path text() throws IOException {
        return Files.writeString(
                temporary.resolve("text.txt"), "Mary gave a drink to John.\nJohn gave a drink to Mary.\n".repeat(20));
    }

    @Test
    void helpHasExamplesAndFitsTheScreen() {
        String help = Outcome.of("train", "--help").succeeded().out();
        assertThat(help)
                .contains("Usage: hyaline train", "  hyaline train --text")
                .doesNotContain("${", "null");
        assertThat(help.lines()).allMatch(line -> line.length() <= 100);
    }

    @Test
    void aModelThatIsTrainedIsOpenedByOtherCommands() throws IOException {
        JsonNode json = Outcome.of(small(
                        "--text", text().toString(), "--steps", "60", "--rate", "0.02", "--json", "--out", path("m")))
                .json();
        assertThat(json.get("out").asString()).isEqualTo(path("m"));
        assertThat(json.get("losses")).hasSize(10);
        assertThat(json.at("/losses/0/loss").asDouble()).isBetween(5.0, 8.0);
        assertThat(json.at("/losses/9/loss").asDouble()).isLessThan(2);
        assertThat(json.at("/losses/9/step").asInt()).isEqualTo(60);
        assertThat(json.at("/losses/9/rate").asDouble()).isBetween(0.002, 0.0021);
        assertThat(temporary.toFile().list()).containsExactlyInAnyOrder("m", "text.txt");
        JsonNode info = Outcome.of("info", "--model", path("m"), "--json").json();
        assertThat(info.get("parameters").asLong())
                .isEqualTo(json.get("parameters").asLong());
        assertThat(Outcome.of("generate", "--model", path("m"), "--prompt", "Mary gave a", "--max-new-tokens", "1")
                        .succeeded()
                        .out())
                .contains("Mary gave a drink");
    }

    @Test
    void theSameTokensTrainTheSameModelWhereverTheyComeFrom() throws IOException {
        int[] ids;
        try (Checkpoint fable = Checkpoint.builtIn("fable")) {
            ids = fable.tokenizer().encode(Files.readString(text()));
        }
        ByteBuffer bytes = ByteBuffer.allocate(2 * ids.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int id : ids) {
            bytes.putShort((short) id);
        }
        Files.write(temporary.resolve("train.bin"), bytes.array());
        String[] last = {"--steps", "3", "--out"};
        Outcome.of(small(with(last, path("text"), "--threads", "2", "--no-bos", "--text", text().toString())))
                .succeeded();
        Outcome.of(small(with(last, path("ids"), "--token-file", path("train.bin"), "--threads", "1")))
                .succeeded();
        Outcome.reading(Files.readString(text()), small(with(last, path("input"), "--no-bos", "--text", "-")))
                .succeeded();
        byte[] expected = Files.readAllBytes(temporary.resolve("text/model.safetensors"));
        assertThat(temporary.resolve("ids/model.safetensors")).hasBinaryContent(expected);
        assertThat(temporary.resolve("input/model.safetensors")).hasBinaryContent(expected);
    }

    private static String[] with(String[] options, String... more) {
        return Stream.concat(Stream.of(options), Stream.of(more)).toArray(String[]::new);
    }

    @Test
    void withoutTextsItLearnsFromWhatTheModelWrites() {
        String text = Outcome.of(small("--texts", "8", "--steps", "2", "--out", path("m")))
                .succeeded()
                .out();
        assertThat(text).contains("parameters on 512 tokens of text", "Wrote " + path("m"));
        assertThat(text.lines().filter(line -> line.strip().matches("[12] .*"))).hasSize(2);
    }

    @Test
    void aRunThatIsKilledAgainAndAgainEndsInTheSameBytes() throws IOException, InterruptedException {
        String text = text().toString();
        String[] settings = {"--text", text, "--steps", "150", "--checkpoint-every", "7"};
        Outcome.of(small(with(settings, "--out", path("whole")))).succeeded();
        String[] command = small(with(settings, "--resume", "--out", path("killed")));
        Path checkpoint = temporary.resolve("killed.training.safetensors");
        KilledRuns.of(3, temporary, command, checkpoint, temporary.resolve("killed"));
        String[] begin = small(with(settings, "--out", path("killed")));
        Outcome refused = Outcome.of(begin);
        assertThat(refused.exitCode()).isEqualTo(2);
        assertThat(refused.err()).contains("is of a run that was stopped").hasLineCount(1);
        Outcome other = Outcome.of(with(begin, "--resume", "--clip", "2"));
        assertThat(other.exitCode()).isEqualTo(2);
        assertThat(other.err())
                .contains("was written by another training: clip is 2.0, there 1.0")
                .hasLineCount(1);
        Outcome.of(command).succeeded();
        for (String file : List.of("model.safetensors", "config.json", "vocab.json", "merges.txt")) {
            assertThat(temporary.resolve("killed").resolve(file))
                    .hasSameBinaryContentAs(temporary.resolve("whole").resolve(file));
        }
        assertThat(checkpoint).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--steps 0 | steps must be at least 1, found 0",
                "--steps 5 --warmup 6 | warmup must be from 0 to the number of steps, found 6",
                "--rate 0 | rate must be above 0, found 0.0",
                "--rate NaN | rate must be above 0, found NaN",
                "--least-rate 1 | leastRate must be from 0 to the rate, found 1.0",
                "--decay -1 | decay must be at least 0",
                "--clip 0 | clip must be above 0",
                "--beta1 1 | beta1 must be from 0 to below 1",
                "--sequences 0 | sequences must be at least 1",
                "--n-layer 0 | --n-layer must be at least 1, found 0",
                "--n-embd 10 --n-head 3 | --n-embd must be a multiple of --n-head, found 10 and 3",
                "--n-embd 20 | n_embd must be a multiple of n_head, found 20 and 8",
                "--activation swoosh | expected gelu_new,",
                "--length 129 | --length must be at most the model's 128 positions (--n-positions), found 129",
                "--n-layer 100000 --n-embd 8000 | but Java may use",
                "--checkpoint-every 0 | --checkpoint-every must be at least 1",
                "--out EMPTY | exists already",
                "--text no-such-file | no-such-file",
                "--text LATIN | LATIN: expected text in UTF-8, found other bytes at 3",
                "--text EMPTY | EMPTY is empty",
                "--text - --prompts - | standard input can be read once",
                "--token-file ODD | ODD: expected token ids of two bytes each, found 3 bytes",
                "--token-file EMPTY | expected token ids of two bytes each, found 0 bytes",
                "--token-file HIGH | HIGH",
                "--text SHORT | need at least 65",
                "--tokens 1,2 --texts 3 | --texts is for texts that the model writes",
                "--texts 0 | --texts must be from 1",
                "--threads 0 | --threads must be at least 1",
                "--device gpu | Unknown option"
            })
    void badUsageIsToldInASentence(String argumentsAndWords) throws IOException {
        Files.write(temporary.resolve("LATIN"), "caf\u00e9 au lait".getBytes(StandardCharsets.ISO_8859_1));
        Files.write(temporary.resolve("ODD"), new byte[3]);
        Files.write(temporary.resolve("EMPTY"), new byte[0]);
        Files.write(temporary.resolve("HIGH"), new byte[] {1, 0, -1, -1});
        Files.writeString(temporary.resolve("SHORT"), "Mary");
        String[] parts = argumentsAndWords.split(" \\| ", -1);
        String arguments = parts[0].replaceAll("\\b(LATIN|ODD|EMPTY|HIGH|SHORT)\\b", temporary + "/$1");
        String[] all =
                ("train " + (arguments.contains("--out") ? "" : "--out " + path("m") + " ") + arguments).split(" ", -1);
        Outcome outcome = Outcome.of(all);
        assertThat(outcome.exitCode()).isNotZero();
        assertThat(outcome.err()).contains(parts[1]).doesNotContain("Exception");
        assertThat(outcome.out()).isEmpty();
        assertThat(temporary.resolve("m")).doesNotExist();
    }
}
