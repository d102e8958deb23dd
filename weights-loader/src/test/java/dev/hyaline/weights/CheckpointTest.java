package dev.hyaline.weights;

import static dev.hyaline.weights.CheckpointAssertions.assertHoldsEverything;
import static dev.hyaline.weights.CheckpointAssertions.assertRefused;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.files.SafetensorsFile;
import dev.hyaline.weights.internal.DiskFolder;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden");

    @TempDir
    Path directory;

    @Nested
    class Golden {
        @ParameterizedTest
        @ValueSource(strings = {"tiny-a", "tiny-odd", "tiny-wide", "tiny-variant", "tiny-relu"})
        void computesTheReferenceLogits(String name) {
            try (Checkpoint checkpoint = Checkpoint.open(GOLDEN.resolve(name));
                    Gpt2 model = Gpt2.of(checkpoint.weights(), 1);
                    Arena arena = Arena.ofConfined()) {
                assertThat(checkpoint.name()).isEqualTo(name);
                SafetensorsFile golden =
                        SafetensorsFile.open(new DiskFolder(GOLDEN.resolve(name)).open("golden.safetensors"), arena);
                List<Long> shape = golden.header().tensors().get("tokens").shape();
                int batch = shape.get(0).intValue();
                int positions = shape.get(1).intValue();
                MemorySegment tokens = bytes(golden, "tokens");
                MemorySegment logits = bytes(golden, "logits");
                int vocabulary = checkpoint.config().dVocab();
                for (int b = 0; b < batch; b++) {
                    int first = b * positions;
                    int[] prompt = IntStream.range(0, positions)
                            .map(p -> (int) tokens.get(ValueLayout.JAVA_LONG_UNALIGNED, 8L * (first + p)))
                            .toArray();
                    float[] found = model.logits(prompt);
                    for (int i = 0; i < positions * vocabulary; i++) {
                        float expected =
                                logits.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * ((long) first * vocabulary + i));
                        assertThat(found[i]).isCloseTo(expected, within(1e-4f));
                    }
                }
            }
        }

        private static MemorySegment bytes(SafetensorsFile file, String tensor) {
            var stored = file.header().tensors().get(tensor);
            return file.data().asSlice(stored.begin(), stored.bytes());
        }
    }

    @Nested
    class Layouts {
        @ParameterizedTest
        @CsvSource({"F32, false, false", "F32, true, true", "F16, false, true", "F16, true, false", "BF16, true, true"})
        void readsEveryTensorOfEitherKeyStyleAndAnyType(StorageDtype dtype, boolean prefixed, boolean masks) {
            TinyCheckpoint tiny = new TinyCheckpoint().as(dtype);
            if (prefixed) {
                tiny.prefixed();
            }
            if (masks) {
                tiny.maskBuffers(prefixed ? "transformer." : "");
            }
            try (Checkpoint checkpoint = Checkpoint.open(tiny.write(directory))) {
                assertThat(checkpoint.config()).isEqualTo(TinyCheckpoint.CONFIG);
                assertThat(checkpoint.storageDtypes()).containsExactly(dtype);
                assertHoldsEverything(checkpoint);
            }
        }

        @ParameterizedTest
        @ValueSource(
                strings = {"module.", "model.", "_orig_mod.", "module._orig_mod.", "model._orig_mod.module.model."})
        void dropsThePrefixesOfWrappersThatEveryNameHas(String wrappers) {
            TinyCheckpoint tiny = new TinyCheckpoint().untied().prefixed();
            tiny.rename(name -> wrappers + name);
            try (Checkpoint checkpoint = Checkpoint.open(tiny.write(directory))) {
                assertHoldsEverything(checkpoint);
            }
            List<String> names = List.copyOf(tiny.tensors.keySet());
            tiny.writeShards(directory, List.of(names.subList(0, 9), names.subList(9, names.size())));
            try (Checkpoint checkpoint = Checkpoint.open(directory.resolve("model.safetensors.index.json"))) {
                assertHoldsEverything(checkpoint);
            }
        }

        @Test
        void keepsAPrefixThatNotEveryNameHas() {
            TinyCheckpoint tiny = new TinyCheckpoint();
            tiny.rename(name -> name.equals("wte.weight") ? name : "module." + name);
            assertRefused(tiny.write(directory), "tensor h.0.ln_1.weight: expected [4]", "no such tensor");
        }

        @Test
        void readsATiedUnembeddingThatEqualsTheEmbedding() {
            TinyCheckpoint tiny = new TinyCheckpoint();
            tiny.tensors.put("lm_head.weight", tiny.tensors.get("wte.weight"));
            try (Checkpoint checkpoint = Checkpoint.open(tiny.prefixed().write(directory))) {
                assertHoldsEverything(checkpoint);
            }
        }

        @Test
        void readsASeparateUnembedding() {
            try (Checkpoint checkpoint =
                    Checkpoint.open(new TinyCheckpoint().untied().write(directory))) {
                assertThat(checkpoint.config().tieWordEmbeddings()).isFalse();
                assertHoldsEverything(checkpoint);
            }
        }

        @Test
        void readsDifferentTypesInOneFile() {
            TinyCheckpoint tiny = new TinyCheckpoint();
            TensorSpec norm = new TensorSpec("ln_f.weight", List.of(4));
            tiny.dtype = StorageDtype.BF16;
            tiny.put(norm.name(), norm.shape(), TinyCheckpoint.values(norm));
            try (Checkpoint checkpoint = Checkpoint.open(tiny.write(directory))) {
                assertThat(checkpoint.storageDtypes()).containsExactly(StorageDtype.F32, StorageDtype.BF16);
                assertHoldsEverything(checkpoint);
            }
        }

        @Test
        void readsSomeRows() {
            try (Checkpoint checkpoint = Checkpoint.open(new TinyCheckpoint().write(directory))) {
                TensorSpec spec = new TensorSpec("wte.weight", List.of(7, 4));
                float[] out = new float[10];
                checkpoint.tensors().read(spec, 3, 2, out, 1);
                assertThat(Arrays.copyOfRange(out, 1, 9))
                        .containsExactly(Arrays.copyOfRange(TinyCheckpoint.values(spec), 12, 20));
                assertThat(out[0]).isZero();
                assertThat(out[9]).isZero();
            }
        }

        @Test
        void opensAFileInAFolder() throws Exception {
            new TinyCheckpoint().write(directory);
            Files.move(directory.resolve("model.safetensors"), directory.resolve("other.safetensors"));
            try (Checkpoint checkpoint = Checkpoint.open(directory.resolve("other.safetensors"))) {
                assertThat(checkpoint.name()).isEqualTo(directory.getFileName().toString());
                assertHoldsEverything(checkpoint);
            }
        }

        @Test
        void followsLinksAsTheHuggingFaceCacheHasThem() throws Exception {
            Path blobs = Files.createDirectory(directory.resolve("blobs"));
            Path snapshot = Files.createDirectory(directory.resolve("snapshot"));
            new TinyCheckpoint().write(blobs);
            for (String file : List.of("config.json", "model.safetensors")) {
                Files.createSymbolicLink(snapshot.resolve(file), Path.of("../blobs", file));
            }
            try (Checkpoint checkpoint = Checkpoint.open(snapshot)) {
                assertHoldsEverything(checkpoint);
            }
        }
    }

    @Nested
    class BuiltIn {
        @Test
        void opensFable() {
            assertThat(Checkpoint.builtInNames()).containsExactly("fable");
            try (Checkpoint fable = Checkpoint.builtIn("fable")) {
                assertThat(fable.name()).isEqualTo("fable");
                assertThat(fable.config().nLayers()).isEqualTo(4);
                assertThat(fable.config().parameters()).isEqualTo(1_006_336);
                assertThat(fable.storageDtypes()).containsExactly(StorageDtype.F32);
                assertThat(fable.hasTokenizer()).isTrue();
                assertThat(fable.tokenizer().vocabularySize()).isEqualTo(1536);
                assertThat(fable.tokenizer().endOfText()).isEqualTo(1535);
                assertThat(fable.modelCard()).startsWith("# fable").contains("## Licence");
                assertThat(fable.files())
                        .extracting(CheckpointFile::name)
                        .containsExactly("config.json", "model.safetensors", "vocab.json", "merges.txt");
            }
        }

        @Test
        void findsTheReceiverOfTheGift() {
            try (Checkpoint fable = Checkpoint.builtIn("fable");
                    Gpt2 model = Gpt2.of(fable.weights(), 1)) {
                Tokenizer tokenizer = fable.tokenizer();
                int[] prompt =
                        tokenizer.encode("<|endoftext|>When Mary and John went to the store, John gave a drink to");
                float[] logits = model.logits(prompt);
                int vocabulary = fable.config().dVocab();
                int best = IntStream.range(0, vocabulary)
                        .reduce((a, b) -> logits[(prompt.length - 1) * vocabulary + b]
                                        > logits[(prompt.length - 1) * vocabulary + a]
                                ? b
                                : a)
                        .orElseThrow();
                assertThat(tokenizer.token(best)).isEqualTo(" Mary");
            }
        }

        @Test
        void namesTheBuiltInModels() {
            assertThatExceptionOfType(BadInputException.class)
                    .isThrownBy(() -> Checkpoint.builtIn("fables"))
                    .withMessage("no built-in model is called fables; there is fable");
        }
    }

    @Nested
    class Content {
        @Test
        void listsAndHashesThem() throws Exception {
            new TinyCheckpoint().write(directory);
            try (Checkpoint checkpoint = Checkpoint.open(directory)) {
                for (CheckpointFile file : checkpoint.files()) {
                    byte[] bytes = Files.readAllBytes(directory.resolve(file.name()));
                    assertThat(file.bytes()).isEqualTo(bytes.length);
                    assertThat(file.sha256())
                            .isEqualTo(HexFormat.of()
                                    .formatHex(
                                            MessageDigest.getInstance("SHA-256").digest(bytes)));
                }
                assertThat(checkpoint.modelCard()).isEmpty();
                Files.write(directory.resolve("README.md"), "# tiny".getBytes(UTF_8));
                assertThat(checkpoint.modelCard()).isEqualTo("# tiny");
            }
        }

        @Test
        void cannotBeReadOnceClosed() {
            new TinyCheckpoint().write(directory);
            Checkpoint checkpoint = Checkpoint.open(directory);
            Gpt2Weights before = checkpoint.weights();
            checkpoint.close();
            checkpoint.close();
            saysThatItIsClosed(
                    checkpoint, directory.resolve("model.safetensors").toString());
            assertThat(before.tensor("ln_f.bias")).hasSize(4);
        }

        @Test
        void cannotBeReadOnceClosedEvenIfBuiltIn() {
            Checkpoint fable = Checkpoint.builtIn("fable");
            fable.close();
            saysThatItIsClosed(fable, "built-in fable/model.safetensors");
        }

        private static void saysThatItIsClosed(Checkpoint checkpoint, String label) {
            String message = label + ": the checkpoint is closed, and its parameters can be read only while it is open";
            assertThatIllegalStateException().isThrownBy(checkpoint::weights).withMessage(message);
            int width = checkpoint.config().dModel();
            TensorSpec bias = new TensorSpec("ln_f.bias", List.of(width));
            assertThatIllegalStateException()
                    .isThrownBy(() -> checkpoint.tensors().read(bias, 0, 1, new float[width], 0))
                    .withMessage(message);
        }
    }

    /** As {@code safetensors.torch.save_model} writes a tied model. */
    @Test
    void takesATiedUnembeddingForTheEmbedding() {
        TinyCheckpoint tiny = new TinyCheckpoint().prefixed();
        tiny.rename(name -> name.equals("transformer.wte.weight") ? "lm_head.weight" : name);
        try (Checkpoint checkpoint = Checkpoint.open(tiny.write(directory))) {
            TensorSpec embedding = new TensorSpec("wte.weight", List.of(7, 4));
            float[] values = new float[28];
            checkpoint.tensors().read(embedding, 0, 7, values, 0);
            assertThat(values).isEqualTo(TinyCheckpoint.values(embedding));
            assertThat(checkpoint.weights()).isNotNull();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "score.weight",
                "v_head.summary.weight",
                "classifier.bias",
                "qa_outputs.weight",
                "multiple_choice_head.summary.weight"
            })
    void leavesHeadsOfOtherTasksOutAndSaysSo(String name) {
        TinyCheckpoint tiny = new TinyCheckpoint().prefixed();
        tiny.put(name, List.of(1, 4), 1, 2, 3, 4);
        try (Checkpoint checkpoint = Checkpoint.open(tiny.write(directory))) {
            assertThat(checkpoint.leftOut()).containsExactly(name);
            assertThat(checkpoint.weights()).isNotNull();
        }
    }

    @Test
    void aFoldedTransformerLensModelIsUntiedWhateverTheFileBesideItSays() throws Exception {
        Path folded = Path.of("src/test/resources/formats/transformerlens-folded");
        try (Checkpoint alone = Checkpoint.open(folded)) {
            assertThat(alone.config().tieWordEmbeddings()).isFalse();
            try (Stream<Path> files = Files.list(folded)) {
                for (Path file : files.toList()) {
                    Files.copy(file, directory.resolve(file.getFileName().toString()));
                }
            }
            Files.copy(Path.of("src/test/resources/formats/torch-zip/config.json"), directory.resolve("config.json"));
            try (Checkpoint described = Checkpoint.open(directory)) {
                assertThat(described.config()).isEqualTo(alone.config());
                assertThat(described.tensors().hasUnembeddingBias()).isTrue();
            }
        }
    }

    @Test
    void anInterruptedThreadIsToldSoAndNotOfABadFile() {
        new TinyCheckpoint().write(directory);
        Thread.currentThread().interrupt();
        try {
            assertThatExceptionOfType(HyalineException.class)
                    .isThrownBy(() -> Checkpoint.open(directory))
                    .withMessageStartingWith("interrupted while reading " + directory)
                    .isNotInstanceOf(BadCheckpointException.class);
            assertThat(Thread.currentThread().isInterrupted()).isTrue();
        } finally {
            Thread.interrupted();
        }
        Checkpoint checkpoint = Checkpoint.open(directory);
        checkpoint.close();
        checkpoint.close();
    }

    @Nested
    class Tokenizers {
        @Test
        void takesGpt2sOwnWhereTheVocabularyHasItsSize() {
            TinyCheckpoint tiny = new TinyCheckpoint();
            tiny.config.put("vocab_size", "50257");
            tiny.put("wte.weight", List.of(50257, 4), new float[50257 * 4]);
            try (Checkpoint checkpoint = Checkpoint.open(tiny.write(directory))) {
                assertThat(checkpoint.hasTokenizer()).isTrue();
                assertThat(checkpoint.tokenizer().encode("Hello world!")).containsExactly(15496, 995, 0);
                // But files come first.
                TinyCheckpoint.write(directory, "vocab.json", "{\"H\": 0, \"e\": 1, \"<|endoftext|>\": 2}");
                TinyCheckpoint.write(directory, "merges.txt", "#version: 0.2\n");
                assertThat(checkpoint.tokenizer().encode("He<|endoftext|>")).containsExactly(0, 1, 2);
                assertThat(checkpoint.files()).extracting(CheckpointFile::name).contains("vocab.json", "merges.txt");
            }
        }

        @Test
        void saysThatThereIsNone() {
            try (Checkpoint checkpoint = Checkpoint.open(new TinyCheckpoint().write(directory))) {
                assertThat(checkpoint.hasTokenizer()).isFalse();
                assertThatExceptionOfType(BadCheckpointException.class)
                        .isThrownBy(checkpoint::tokenizer)
                        .withMessage(directory
                                + ": expected a tokenizer (tokenizer.json, or vocab.json and merges.txt), found none");
            }
        }

        @Test
        void endsTextsAsTheConfigurationSaysWhereTheVocabularyDoesNot() {
            TinyCheckpoint tiny = new TinyCheckpoint();
            tiny.config.put("eos_token_id", "1");
            TinyCheckpoint.write(directory, "vocab.json", "{\"a\": 0, \"</s>\": 1}");
            TinyCheckpoint.write(directory, "merges.txt", "");
            try (Checkpoint checkpoint = Checkpoint.open(tiny.write(directory))) {
                assertThat(checkpoint.tokenizer().endOfText()).isEqualTo(1);
            }
        }
    }
}
