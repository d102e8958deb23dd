package dev.hyaline.weights;

import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.SafetensorsFile;
import dev.hyaline.files.StoredTensor;
import dev.hyaline.weights.internal.DiskFolder;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every format, as its own tool writes it, against what PyTorch computes from the same values in float64. */
class FormatsTest {
    private static final Path FORMATS = Path.of("src/test/resources/formats");

    @TempDir
    Path directory;

    @ParameterizedTest
    @CsvSource({
        "torch-zip, small, F32",
        "torch-zip/pytorch_model.bin, small, F32",
        "torch-legacy, small, F32",
        "torch-f16, torch-f16, F16",
        "torch-strided, small, F32",
        "torch-strided/model.pth, small, F32",
        "torch-sharded, small, F32",
        "torch-sharded/pytorch_model.bin.index.json, small, F32",
        "nanogpt, nanogpt, F32",
        "nanogpt-biasless/ckpt.pt, nanogpt-biasless, F32",
        "llmc/gpt2_tiny.bin, small, F32",
        "llmc/gpt2_tiny_bf16.bin, llmc-bf16, BF16",
        "gguf/tiny-f32.gguf, wide, F32",
        "gguf/tiny-f16.gguf, tiny-f16, F16",
        "gguf/tiny-bf16.gguf, tiny-bf16, BF16",
        "gguf/tiny-q8_0.gguf, tiny-q8_0, Q8_0",
        "gguf/tiny-q4_0.gguf, tiny-q4_0, Q4_0",
        "tensorflow, small, F32",
        "tensorflow/model.ckpt, small, F32",
        "tensorflow/model.ckpt.index, small, F32",
        "transformerlens, small, F32",
        "transformerlens-folded, transformerlens-folded, F32"
    })
    void computesTheLogitsOfPyTorch(String path, String expected, StorageDtype dtype) {
        try (Checkpoint checkpoint = Checkpoint.open(FORMATS.resolve(path));
                Gpt2 model = Gpt2.of(checkpoint.weights(), 1);
                Arena arena = Arena.ofConfined()) {
            assertThat(checkpoint.storageDtypes()).contains(dtype);
            SafetensorsFile file = SafetensorsFile.open(new DiskFolder(FORMATS).open("expected.safetensors"), arena);
            MemorySegment tokens = bytes(file, "tokens");
            float[] logits = bytes(file, expected).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
            int length = 6;
            double difference = 0;
            double largest = 0;
            for (int prompt = 0; prompt < 2; prompt++) {
                int[] ids = new int[length];
                for (int i = 0; i < length; i++) {
                    ids[i] = (int) tokens.get(ValueLayout.JAVA_LONG_UNALIGNED, 8L * (prompt * length + i));
                }
                float[] found = model.logits(ids);
                for (int i = 0; i < found.length; i++) {
                    float wanted = logits[prompt * found.length + i];
                    difference = Math.max(difference, Math.abs((double) found[i] - wanted));
                    largest = Math.max(largest, Math.abs(wanted));
                }
            }
            assertThat(difference).as("largest difference").isLessThan(2e-6 * largest);
        }
    }

    private static MemorySegment bytes(SafetensorsFile file, String tensor) {
        StoredTensor stored = file.header().tensors().get(tensor);
        return file.data().asSlice(stored.begin(), stored.bytes());
    }

    @ParameterizedTest
    @CsvSource({
        "torch-legacy",
        "torch-strided",
        "torch-sharded",
        "llmc/gpt2_tiny.bin",
        "tensorflow",
        "transformerlens",
        "nanogpt"
    })
    void holdsTheVerySameValues(String path) {
        try (Checkpoint reference = Checkpoint.open(FORMATS.resolve("torch-zip"));
                Checkpoint checkpoint = Checkpoint.open(FORMATS.resolve(path))) {
            Gpt2Weights weights = checkpoint.weights();
            for (TensorSpec spec : Gpt2Weights.tensors(reference.config())) {
                float[] wanted = new float[Math.toIntExact(spec.elements())];
                reference.tensors().read(spec, 0, spec.rows(), wanted, 0);
                float[] found = new float[wanted.length];
                for (int row = 0; row < spec.rows(); row++) {
                    checkpoint.tensors().read(spec, row, 1, found, row * spec.columns());
                }
                assertThat(found).as(spec.name()).containsExactly(wanted);
                assertThat(weights.tensor(spec.name())).as(spec.name()).containsExactly(wanted);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "torch-zip, torch-zip",
        "nanogpt/ckpt.pt, nanogpt",
        "tensorflow/model.ckpt, tensorflow",
        "gguf/tiny-q8_0.gguf, tiny-q8_0.gguf",
        "llmc/gpt2_tiny.bin, gpt2_tiny.bin"
    })
    void callsTheModelByAName(String path, String name) {
        try (Checkpoint checkpoint = Checkpoint.open(FORMATS.resolve(path))) {
            assertThat(checkpoint.name()).isEqualTo(name);
        }
    }

    @Test
    void tellsTheFormatByTheContentAlone() throws IOException {
        for (String file :
                List.of("torch-zip/pytorch_model.bin", "torch-legacy/pytorch_model.bin", "nanogpt/ckpt.pt")) {
            Path renamed = directory.resolve("weights.safetensors");
            Files.copy(FORMATS.resolve("torch-zip/config.json"), directory.resolve("config.json"), REPLACE_EXISTING);
            Files.copy(FORMATS.resolve(file), renamed, REPLACE_EXISTING);
            try (Checkpoint checkpoint = Checkpoint.open(directory);
                    Checkpoint original = Checkpoint.open(FORMATS.resolve(file))) {
                assertThat(checkpoint.config()).isEqualTo(original.config());
            }
        }
    }

    @Test
    void findsACheckpointOfLightningByItsName() throws IOException {
        Files.copy(FORMATS.resolve("torch-zip/config.json"), directory.resolve("config.json"));
        Files.copy(FORMATS.resolve("torch-zip/pytorch_model.bin"), directory.resolve("last.ckpt"));
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            assertThat(checkpoint.files()).extracting(CheckpointFile::name).containsExactly("config.json", "last.ckpt");
        }
    }

    @Test
    void takesNoOtherFileOfTensorFlowsForOneOfLightnings() throws IOException {
        for (String name : List.of("hparams.json", "model.ckpt.index", "model.ckpt.data-00000-of-00001")) {
            Files.copy(FORMATS.resolve("tensorflow").resolve(name), directory.resolve(name));
        }
        Files.writeString(directory.resolve("model.ckpt"), "what old versions keep here");
        Files.writeString(directory.resolve("model.ckpt.meta"), "a graph");
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            assertThat(checkpoint.files()).extracting(CheckpointFile::name).contains("model.ckpt.index");
        }
    }

    @Test
    void asksWhichOfSeveralFiles() {
        assertThatExceptionOfType(BadCheckpointException.class)
                .isThrownBy(() -> Checkpoint.open(FORMATS.resolve("llmc")))
                .withMessageEndingWith("found gpt2_tiny.bin, gpt2_tiny_bf16.bin: name the one to open");
    }

    @Test
    void readsTheConfigurationBesideATransformerLensStateDictionary() throws IOException {
        Files.copy(FORMATS.resolve("transformerlens/model.pt"), directory.resolve("model.pt"));
        Path config = Files.copy(FORMATS.resolve("torch-zip/config.json"), directory.resolve("config.json"));
        Files.writeString(config, Files.readString(config).replace("{", "{\"activation_function\": \"relu\", "));
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            assertThat(checkpoint.config().actFn()).isEqualTo(ActivationFunction.RELU);
        }
    }
}
