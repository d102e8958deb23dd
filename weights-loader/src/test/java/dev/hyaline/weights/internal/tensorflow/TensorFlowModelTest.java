package dev.hyaline.weights.internal.tensorflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.CheckpointFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TensorFlowModelTest {
    private static final Path TINY = Path.of("src/test/resources/formats/tensorflow");
    private static final String DATA = "model.ckpt.data-00000-of-00001";

    @TempDir
    Path directory;

    @BeforeEach
    void copy() throws IOException {
        try (Stream<Path> files = Files.list(TINY)) {
            for (Path file : files.toList()) {
                Files.copy(file, directory.resolve(file.getFileName().toString()));
            }
        }
    }

    @Test
    void readsTheFilesOfTheRelease() {
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            assertThat(checkpoint.files())
                    .extracting(CheckpointFile::name)
                    .containsExactly("hparams.json", "model.ckpt.index", DATA, "encoder.json", "vocab.bpe");
        }
    }

    @Test
    void opensTheCheckpointThatIsCalledTheLatest() throws IOException {
        for (String file : new String[] {"model.ckpt.index", DATA}) {
            Files.copy(directory.resolve(file), directory.resolve(file.replace("model.ckpt", "model-200")));
        }
        Files.delete(directory.resolve(DATA));
        Files.writeString(directory.resolve("checkpoint"), "model_checkpoint_path: \"/home/ann/run1/model-200\"\n");
        Checkpoint.open(directory).close();
    }

    /** Names as TensorFlow writes them: it spells what is not ASCII in octal. */
    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            delimiter = '|',
            value = {
                "model-200 | model_checkpoint_path: \"model-200\"",
                "my model+ft=1 (2) | model_checkpoint_path: \"/home/ann/my model+ft=1 (2)\"",
                "modèle-7 | model_checkpoint_path: \"mod\\303\\250le-7\"",
                "model-9 | model_checkpoint_path: \"C:\\\\run\\\\model-9\"",
                "model-9 | all_model_checkpoint_paths: \"model.ckpt\"~ model_checkpoint_path : 'run/model-9'"
            })
    void opensTheLatestWhateverItsName(String name, String latest) throws IOException {
        for (String file : new String[] {"model.ckpt.index", DATA}) {
            Files.copy(directory.resolve(file), directory.resolve(file.replace("model.ckpt", name)));
        }
        Files.writeString(directory.resolve("checkpoint"), latest.replace("~", "\n") + "\n");
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            assertThat(checkpoint.files()).extracting(CheckpointFile::name).contains(name + ".index");
        }
    }

    @Test
    void opensNoOlderModelInPlaceOfTheLatest() throws IOException {
        Files.writeString(directory.resolve("checkpoint"), "model_checkpoint_path: \"model-300\"\n");
        refused("checkpoint: expected the name of a checkpoint in this folder, found model-300, without"
                + " model-300.index: name the one to open");
    }

    @Test
    void opensTheOnlyIndexWithoutThatFile() throws IOException {
        Files.delete(directory.resolve("checkpoint"));
        Checkpoint.open(directory).close();
    }

    @Test
    void asksWhichOfTwoIndexes() throws IOException {
        Files.delete(directory.resolve("checkpoint"));
        Files.copy(directory.resolve("model.ckpt.index"), directory.resolve("model-200.index"));
        refused("found model-200.index, model.ckpt.index: name the one to open");
    }

    @Test
    void comparesEveryTensorWithItsChecksum() throws IOException {
        byte[] data = Files.readAllBytes(directory.resolve(DATA));
        data[4 * 261] ^= 1;
        Files.write(directory.resolve(DATA), data);
        refused(DATA + ": tensor model/", "values that agree with their checksum");
    }

    @Test
    void comparesTheIndexWithItsChecksums() throws IOException {
        byte[] index = Files.readAllBytes(directory.resolve("model.ckpt.index"));
        index[100] ^= 1;
        Files.write(directory.resolve("model.ckpt.index"), index);
        refused("model.ckpt.index", "blocks that agree with their checksums, found one at 0");
    }

    @Test
    void saysWhichFileIsMissingOrCut() throws IOException {
        byte[] data = Files.readAllBytes(directory.resolve(DATA));
        Files.write(directory.resolve(DATA), Arrays.copyOf(data, data.length - 100));
        refused(DATA + ": expected");
        Files.delete(directory.resolve(DATA));
        refused(DATA + ": expected a file, found no such file");
        Files.delete(directory.resolve("hparams.json"));
        Files.write(directory.resolve(DATA), data);
        refused("hparams.json: expected a file, found no such file");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"n_layer\": 2 | \"n_layer\": 3 | model/h2/ln_1/g: expected [8], as n_layer is 3",
                "\"n_layer\": 2 | \"n_layer\": 1 | tensor model/h1/",
                "\"n_head\": 2 | \"n_head\": 3 | n_embd must be a multiple of n_head",
                "\"n_vocab\": 261 | \"n_vocab\": 260 | model/wte: expected [260, 8], found [261, 8]",
                "\"n_ctx\": 12 | \"n_positions\": 12 | a key n_ctx, found none"
            })
    void namesWhatTheHyperparametersGetWrong(String text, String instead, String message) throws IOException {
        Path file = directory.resolve("hparams.json");
        Files.writeString(file, Files.readString(file).replace(text, instead));
        refused(message);
    }

    private void refused(String... message) {
        assertThatExceptionOfType(BadCheckpointException.class)
                .isThrownBy(() -> Checkpoint.open(directory))
                .satisfies(e -> assertThat(e.getMessage()).contains(message));
    }
}
