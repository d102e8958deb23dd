package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.StorageDtype;
import dev.hyaline.weights.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

final class ConvertCommandTest {
    private static final Path FORMATS = Path.of("../weights-loader/src/test/resources/formats");
    private static final int[] PROMPT = {72, 101, 258, 258, 0};

    @TempDir
    private Path temporary;

    private Path out() {
        return temporary.resolve("converted");
    }

    private Outcome convert(String model, String... more) {
        Stream<String> arguments =
                Stream.of("convert", "--model", FORMATS.resolve(model).toString(), "--out", out().toString());
        return Outcome.of(Stream.concat(arguments, Stream.of(more)).toArray(String[]::new));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "torch-zip",
                "torch-legacy",
                "torch-f16",
                "torch-strided",
                "torch-sharded",
                "nanogpt",
                "nanogpt-biasless",
                "llmc/gpt2_tiny.bin",
                "llmc/gpt2_tiny_bf16.bin",
                "gguf/tiny-q8_0.gguf",
                "gguf/tiny-bf16.gguf",
                "tensorflow",
                "transformerlens"
            })
    void computesTheSameBitsAsBefore(String model) {
        convert(model).succeeded();
        try (Checkpoint before = Checkpoint.open(FORMATS.resolve(model));
                Checkpoint after = Checkpoint.open(out());
                Gpt2 one = Gpt2.of(before.weights(), 1);
                Gpt2 other = Gpt2.of(after.weights(), 1)) {
            assertThat(other.logits(PROMPT)).isEqualTo(one.logits(PROMPT));
            assertThat(after.config()).isEqualTo(before.config());
            if (before.storageDtypes().stream().noneMatch(StorageDtype::isQuantized)) {
                assertThat(after.storageDtypes()).isEqualTo(before.storageDtypes());
            }
            assertThat(after.hasTokenizer()).isEqualTo(before.hasTokenizer());
            if (before.hasTokenizer()) {
                Tokenizer was = before.tokenizer();
                Tokenizer is = after.tokenizer();
                String text = "a theatre<|endoftext|> thé";
                assertThat(is.encode(text)).isEqualTo(was.encode(text));
                assertThat(is.endOfText()).isEqualTo(was.endOfText());
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"f16, F16", "bf16, BF16", "f32, F32"})
    void roundsToTheTypeAskedFor(String type, StorageDtype dtype) {
        JsonNode json = convert("torch-zip", "--dtype", type, "--json").json();
        assertThat(json.path("stored_as").path(0).asString()).isEqualTo(type);
        try (Checkpoint after = Checkpoint.open(out())) {
            assertThat(after.storageDtypes()).containsExactly(dtype);
        }
    }

    @Test
    void writesTheTokenizerThatAGgufFileHolds() {
        assertThat(convert("gguf/tiny-q4_0.gguf").succeeded().out())
                .contains("stored as f32 (were f32, q4_0)", "vocab.json", "merges.txt");
        assertThat(out().resolve("config.json")).content().contains("\"eos_token_id\" : 260");
    }

    @Test
    void saysWhichTokenEndsATextWhereOnlyTheTokenizerKnows() {
        convert("tensorflow").succeeded();
        assertThat(out().resolve("config.json")).content().contains("\"eos_token_id\" : 260");
    }

    @Test
    void refusesABiasOfTheLogits() {
        Outcome outcome = convert("transformerlens-folded");
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("a bias of the logits", "convert the unprocessed model");
        assertThat(out()).doesNotExist();
    }

    @Test
    void leavesWhatIsThereAlone() throws IOException {
        Files.createDirectory(out());
        Files.writeString(out().resolve("notes.txt"), "mine");
        Outcome outcome = convert("torch-zip");
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("exists already and is not an empty folder");
        try (Stream<Path> files = Files.list(temporary)) {
            assertThat(files).containsExactly(out());
        }
        assertThat(out().resolve("notes.txt")).hasContent("mine");
    }

    @Test
    void fillsAnEmptyFolder() throws IOException {
        Files.createDirectory(out());
        convert("torch-zip").succeeded();
        assertThat(out().resolve("model.safetensors")).exists();
    }

    @Test
    void leavesNothingOfWhatCannotBeWritten() throws IOException {
        // A parameter beyond float16, in a copy of a model whose values are kept as they are.
        Path model = Files.createDirectory(temporary.resolve("model"));
        for (String file : List.of("config.json", "pytorch_model.bin")) {
            Files.copy(FORMATS.resolve("torch-legacy").resolve(file), model.resolve(file));
        }
        byte[] weights = Files.readAllBytes(model.resolve("pytorch_model.bin"));
        weights[weights.length - 1] = 0x7E;
        Files.write(model.resolve("pytorch_model.bin"), weights);
        Outcome outcome =
                Outcome.of("convert", "--dtype", "f16", "--model", model.toString(), "--out", out().toString());
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("which F16 cannot; nothing has been written");
        try (Stream<Path> files = Files.list(temporary)) {
            assertThat(files).containsExactly(model);
        }
    }
}
