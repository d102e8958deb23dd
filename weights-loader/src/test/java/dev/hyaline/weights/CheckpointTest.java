package dev.hyaline.weights;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import dev.hyaline.engine.BadCheckpointException;
import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.weights.internal.DiskFolder;
import dev.hyaline.weights.internal.SafetensorsFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
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
                        SafetensorsFile.open(new DiskFolder(GOLDEN.resolve(name)), "golden.safetensors", arena);
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
            refused(tiny.write(directory), "tensor h.0.ln_1.weight: expected [4]", "no such tensor");
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
    class Shards {
        private final TinyCheckpoint tiny = new TinyCheckpoint().untied().prefixed();
        private final List<String> names = List.copyOf(tiny.tensors.keySet());

        @Test
        void readsShards() {
            tiny.writeShards(
                    directory, List.of(names.subList(0, 9), names.subList(9, 20), names.subList(20, names.size())));
            for (Path path : List.of(directory, directory.resolve("model.safetensors.index.json"))) {
                try (Checkpoint checkpoint = Checkpoint.open(path)) {
                    assertHoldsEverything(checkpoint);
                    assertThat(checkpoint.files())
                            .extracting(CheckpointFile::name)
                            .containsExactly(
                                    "config.json",
                                    "model.safetensors.index.json",
                                    "model-00001-of-00003.safetensors",
                                    "model-00002-of-00003.safetensors",
                                    "model-00003-of-00003.safetensors");
                }
            }
        }

        @Test
        void prefersTheWholeFileAsTransformersDoes() {
            tiny.writeShards(directory, List.of(names));
            tiny.write(directory);
            try (Checkpoint checkpoint = Checkpoint.open(directory)) {
                assertThat(checkpoint.files())
                        .extracting(CheckpointFile::name)
                        .containsExactly("config.json", "model.safetensors");
            }
        }

        @Test
        void namesAMissingShard() throws Exception {
            tiny.writeShards(directory, List.of(names.subList(0, 9), names.subList(9, names.size())));
            Files.delete(directory.resolve("model-00002-of-00002.safetensors"));
            refused(directory, "model-00002-of-00002.safetensors: expected a file, found no such file");
        }

        @Test
        void namesATensorThatIsNotInItsShard() {
            tiny.writeShards(directory, List.of(names.subList(0, 9), names.subList(9, names.size())));
            TinyCheckpoint.write(
                    directory, "model-00002-of-00002.safetensors", tiny.safetensors(names.subList(10, names.size())));
            refused(
                    directory,
                    "model-00002-of-00002.safetensors: tensor " + names.get(9)
                            + ": expected the tensor here, as model.safetensors.index.json says, found no such tensor");
        }

        @Test
        void namesATensorThatTheIndexDoesNotList() {
            List<String> listed = names.subList(0, names.size() - 1);
            tiny.writeShards(directory, List.of(listed));
            TinyCheckpoint.write(directory, "model-00001-of-00001.safetensors", tiny.safetensors());
            refused(
                    directory,
                    "tensor lm_head.weight: expected only tensors that model.safetensors.index.json places here,"
                            + " found one it does not list");
        }

        @Test
        void namesATensorInTwoShards() {
            tiny.writeShards(directory, List.of(names.subList(0, 9), names.subList(9, names.size())));
            TinyCheckpoint.write(directory, "model-00001-of-00002.safetensors", tiny.safetensors(names.subList(0, 10)));
            refused(directory, "tensor " + names.get(9), "found one it places in model-00002-of-00002.safetensors");
        }

        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                quoteCharacter = '`',
                value = {
                    "{} | expected a key weight_map, found none",
                    "{\"weight_map\": []} | expected weight_map to be an object, found an array",
                    "{\"weight_map\": {\"w\": 1}} | expected weight_map.\"w\" to be a string, found 1",
                    "{\"weight_map\": {\"w\": \"../x.safetensors\"}} | expected weight_map.\"w\" to be the name of a",
                    "{\"weight_map\": {\"w\": \"/etc/x.safetensors\"}} | .safetensors or .bin file in this folder,"
                            + " found \"/etc",
                    "{\"weight_map\": {\"w\": \"a\\\\b.safetensors\"}} | .safetensors or .bin file in this folder",
                    "{\"weight_map\": {\"w\": \"weights.npz\"}} | .bin file in this folder, found \"weights.npz\"",
                    "{\"weight_map\": {\"w\": \"a.safetensors\", \"w\": \"b.safetensors\"}} | Duplicate",
                    "{\"weight_map\": {}} | model.safetensors.index.json: tensor h.0.ln_1.weight: expected [4]",
                    "{\"weight_map\": {\"w\": \"none.safetensors\"}} | none.safetensors: expected a file",
                    "nonsense | model.safetensors.index.json: expected valid JSON"
                })
        void namesWhatIsWrongWithAnIndex(String index, String message) {
            TinyCheckpoint.write(directory, "config.json", tiny.configJson());
            TinyCheckpoint.write(directory, "model.safetensors.index.json", index);
            refused(directory, message);
        }
    }

    @Nested
    class Broken {
        static Stream<Arguments> tensors() {
            return Stream.of(
                    bent(
                            "missing",
                            tiny -> tiny.tensors.remove("h.1.mlp.c_fc.bias"),
                            "h.1.mlp.c_fc.bias",
                            "expected [6]",
                            "no such tensor"),
                    bent(
                            "missing first of a layer",
                            tiny -> tiny.tensors.remove("h.1.ln_1.weight"),
                            "h.1.ln_1.weight",
                            "expected [4], as n_layer is 2",
                            "no such tensor"),
                    bent(
                            "missing embedding",
                            tiny -> tiny.tensors.remove("wte.weight"),
                            "wte.weight",
                            "expected [7, 4]",
                            "no such tensor"),
                    bent(
                            "missing among prefixed ones",
                            tiny -> tiny.prefixed().tensors.remove("transformer.h.1.mlp.c_fc.bias"),
                            "transformer.h.1.mlp.c_fc.bias",
                            "expected [6]",
                            "no such tensor"),
                    bent(
                            "missing first of a layer among prefixed ones",
                            tiny -> tiny.prefixed().tensors.remove("transformer.h.1.ln_1.weight"),
                            "transformer.h.1.ln_1.weight",
                            "expected [4], as n_layer is 2",
                            "no such tensor"),
                    bent(
                            "no separate unembedding among prefixed ones",
                            tiny -> tiny.prefixed().config.put("tie_word_embeddings", "false"),
                            "lm_head.weight",
                            "expected [7, 4], as tie_word_embeddings is false",
                            "no such tensor"),
                    bent(
                            "no tensors",
                            tiny -> tiny.tensors.clear(),
                            "h.0.ln_1.weight",
                            "expected [4]",
                            "no such tensor"),
                    bent(
                            "more layers in the config",
                            tiny -> tiny.config.put("n_layer", "2147483647"),
                            "h.2.ln_1.weight",
                            "as n_layer is 2147483647",
                            "no such tensor"),
                    bent(
                            "fewer layers in the config",
                            tiny -> tiny.config.put("n_layer", "1"),
                            "h.1.",
                            "no tensor of that name in a GPT-2 of 1 layers",
                            "found F32 ["),
                    bent(
                            "superfluous",
                            tiny -> tiny.put("score.weight", List.of(2, 4), new float[8]),
                            "score.weight",
                            "no tensor of that name in a GPT-2 of 2 layers",
                            "found F32 [2, 4]"),
                    bent(
                            "misspelt",
                            tiny -> tiny.put("h.0.ln_1.wieght", List.of(4), new float[4]),
                            "h.0.ln_1.wieght",
                            "no tensor of that name",
                            "found F32 [4]"),
                    bent(
                            "other prefix",
                            tiny -> tiny.put("model.ln_f.weight", List.of(4), new float[4]),
                            "model.ln_f.weight",
                            "no tensor of that name",
                            "found F32 [4]"),
                    bent(
                            "rotary buffer",
                            tiny -> tiny.put("h.0.attn.rotary_emb.inv_freq", List.of(2), new float[2]),
                            "h.0.attn.rotary_emb.inv_freq",
                            "no tensor of that name",
                            "found F32 [2]"),
                    bent(
                            "mask of a layer that is not there",
                            tiny -> tiny.put("h.2.attn.masked_bias", List.of(), 0),
                            "h.2.attn.masked_bias",
                            "no tensor of that name",
                            "found F32 []"),
                    bent(
                            "mask of another shape",
                            tiny -> tiny.put("h.0.attn.bias", List.of(4), new float[4]),
                            "h.0.attn.bias",
                            "no tensor of that name",
                            "found F32 [4]"),
                    bent(
                            "mask that is not square",
                            tiny -> tiny.put("h.0.attn.bias", List.of(1, 1, 2, 3), new float[6]),
                            "h.0.attn.bias",
                            "no tensor of that name",
                            "found F32 [1, 1, 2, 3]"),
                    bent(
                            "layer number that is not canonical",
                            tiny -> tiny.put("h.00.attn.masked_bias", List.of(1), 0),
                            "h.00.attn.masked_bias",
                            "no tensor of that name",
                            "found F32 [1]"),
                    bent(
                            "both key styles at once",
                            tiny -> tiny.put("transformer.wte.weight", List.of(7, 4), new float[28]),
                            "transformer.wte.weight",
                            "one tensor of that name",
                            "found wte.weight as well"),
                    bent(
                            "wrong size",
                            tiny -> tiny.put("wpe.weight", List.of(6, 4), new float[24]),
                            "wpe.weight",
                            "expected [5, 4]",
                            "found [6, 4]"),
                    bent(
                            "wrong rank",
                            tiny -> tiny.put("ln_f.bias", List.of(1, 4), new float[4]),
                            "ln_f.bias",
                            "expected [4]",
                            "found [1, 4]"),
                    bent(
                            "scalar",
                            tiny -> tiny.put("ln_f.bias", List.of(), 0),
                            "ln_f.bias",
                            "expected [4]",
                            "found []"),
                    bent(
                            "transposed as nanoGPT has it",
                            tiny -> tiny.put("h.0.attn.c_attn.weight", List.of(12, 4), new float[48]),
                            "h.0.attn.c_attn.weight",
                            "expected [4, 12]",
                            "found [12, 4], its transpose: stored as a Linear"),
                    bent(
                            "integers",
                            tiny -> tiny.tensors.put(
                                    "ln_f.bias", new TinyCheckpoint.Tensor("I32", List.of(4), new byte[16])),
                            "ln_f.bias",
                            "expected F32, F16 or BF16",
                            "found I32"),
                    bent(
                            "doubles",
                            tiny -> tiny.tensors.put(
                                    "ln_f.bias", new TinyCheckpoint.Tensor("F64", List.of(4), new byte[32])),
                            "ln_f.bias",
                            "expected F32, F16 or BF16",
                            "found F64"),
                    bent(
                            "no separate unembedding",
                            tiny -> tiny.config.put("tie_word_embeddings", "false"),
                            "lm_head.weight",
                            "expected [7, 4], as tie_word_embeddings is false",
                            "no such tensor"),
                    bent(
                            "separate unembedding of another shape",
                            tiny -> tiny.untied().put("lm_head.weight", List.of(8, 4), new float[32]),
                            "lm_head.weight",
                            "expected [7, 4]",
                            "found [8, 4]"),
                    bent(
                            "tied unembedding that differs",
                            CheckpointTest::differingUnembedding,
                            "lm_head.weight",
                            "expected the same bits as wte.weight, as tie_word_embeddings is true",
                            "found a difference at [5, 3]"),
                    bent(
                            "tied unembedding of another type",
                            CheckpointTest::halfUnembedding,
                            "lm_head.weight",
                            "expected the same bits as wte.weight",
                            "found F16 [7, 4] instead of F32 [7, 4]"),
                    bent(
                            "tied unembedding of another shape",
                            tiny -> tiny.put("lm_head.weight", List.of(4, 7), new float[28]),
                            "lm_head.weight",
                            "expected the same bits as wte.weight",
                            "found F32 [4, 7] instead of F32 [7, 4]"));
        }

        @ParameterizedTest
        @MethodSource("tensors")
        void namesTheTensor(Consumer<TinyCheckpoint> bend, String tensor, String expected, String found) {
            TinyCheckpoint tiny = new TinyCheckpoint();
            bend.accept(tiny);
            tiny.write(directory);
            assertThatExceptionOfType(BadCheckpointException.class)
                    .isThrownBy(() -> Checkpoint.open(directory))
                    .withMessageStartingWith(directory.resolve("model.safetensors") + ": tensor " + tensor)
                    .withMessageContaining(expected)
                    .withMessageContaining(found)
                    .satisfies(e -> assertThat(e.tensor().orElseThrow()).startsWith(tensor));
        }

        @ParameterizedTest
        @EnumSource(
                value = StorageDtype.class,
                names = {"F32", "F16", "BF16"})
        void namesATensorThatIsNotFinite(StorageDtype dtype) {
            TinyCheckpoint tiny = new TinyCheckpoint().as(dtype);
            tiny.put("h.1.ln_2.bias", List.of(4), 1, 2, Float.NaN, 4);
            try (Checkpoint checkpoint = Checkpoint.open(tiny.write(directory))) {
                assertThatExceptionOfType(BadCheckpointException.class)
                        .isThrownBy(checkpoint::weights)
                        .withMessageContaining("tensor h.1.ln_2.bias");
            }
        }

        @Test
        void namesATensorThatIsNotFiniteAsItsFileDoes() {
            TinyCheckpoint tiny = new TinyCheckpoint().prefixed();
            tiny.put("transformer.h.1.ln_2.bias", List.of(4), 1, 2, Float.NaN, 4);
            List<String> names = List.copyOf(tiny.tensors.keySet());
            tiny.writeShards(directory, List.of(names.subList(0, 3), names.subList(3, names.size())));
            try (Checkpoint checkpoint = Checkpoint.open(directory)) {
                assertThatExceptionOfType(BadCheckpointException.class)
                        .isThrownBy(checkpoint::weights)
                        .withMessage(directory.resolve("model-00002-of-00002.safetensors")
                                + ": tensor transformer.h.1.ln_2.bias: expected finite values,"
                                + " found NaN at row 0, column 2");
            }
        }

        @Test
        void saysThatAFileWasCutShortWhileOpen() throws Exception {
            Path golden = GOLDEN.resolve("tiny-a");
            Files.copy(golden.resolve("config.json"), directory.resolve("config.json"));
            Path file = Files.copy(golden.resolve("model.safetensors"), directory.resolve("model.safetensors"));
            try (Checkpoint checkpoint = Checkpoint.open(directory)) {
                try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                    channel.truncate(8192);
                }
                TensorSpec embedding = new TensorSpec("wte.weight", List.of(97, 64));
                assertThatExceptionOfType(BadCheckpointException.class)
                        .isThrownBy(() -> checkpoint.tensors().read(embedding, 0, 97, new float[97 * 64], 0))
                        .withMessage(file + ": expected a file that stays whole while it is open, found one cut short");
            }
        }

        @Test
        void saysWhatAFolderLacks() throws Exception {
            refused(directory, "expected weights: model.safetensors, pytorch_model.bin", "found none");
            TinyCheckpoint.write(directory, "pytorch_model.bin", "");
            refused(directory, "pytorch_model.bin: expected weights (safetensors, PyTorch's", "found an empty file");
            TinyCheckpoint.write(directory, "pytorch_model.bin", "text");
            refused(directory, "pytorch_model.bin: expected weights (safetensors, PyTorch's", "a file of another kind");
            new TinyCheckpoint().write(directory);
            Files.delete(directory.resolve("config.json"));
            refused(directory, "config.json: expected a file, found no such file");
        }

        @Test
        void saysWhatAPathIsNot() {
            String expected = "expected a folder with a checkpoint, or a file of weights, found ";
            TinyCheckpoint.write(directory, "model.gguf", "");
            refused(directory.resolve("model.gguf"), "model.gguf: expected weights (", "found an empty file");
            refused(directory.resolve("none"), expected + "nothing there");
            refused(directory.resolve("none.safetensors"), expected + "nothing there");
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

    private static void differingUnembedding(TinyCheckpoint tiny) {
        byte[] bytes = tiny.tensors.get("wte.weight").bytes().clone();
        bytes[4 * (5 * 4 + 3) + 2] ^= 1;
        tiny.tensors.put("lm_head.weight", new TinyCheckpoint.Tensor("F32", List.of(7, 4), bytes));
    }

    private static void halfUnembedding(TinyCheckpoint tiny) {
        TensorSpec embedding = new TensorSpec("wte.weight", List.of(7, 4));
        tiny.dtype = StorageDtype.F16;
        tiny.put("lm_head.weight", embedding.shape(), TinyCheckpoint.values(embedding));
    }

    private static Arguments bent(
            String name, Consumer<TinyCheckpoint> bend, String tensor, String expected, String found) {
        return argumentSet(name, bend, tensor, expected, found);
    }

    /** Compares each tensor with the values that {@link TinyCheckpoint} gave it, row by row and as packed. */
    private static void assertHoldsEverything(Checkpoint checkpoint) {
        Gpt2Weights weights = checkpoint.weights();
        List<TensorSpec> specs = new ArrayList<>(Gpt2Weights.tensors(checkpoint.config()));
        assertThat(specs).isNotEmpty();
        for (TensorSpec spec : specs) {
            float[] values = TinyCheckpoint.values(spec);
            float[] rows = new float[values.length];
            for (int row = 0; row < spec.rows(); row++) {
                checkpoint.tensors().read(spec, row, 1, rows, row * spec.columns());
            }
            assertThat(rows).as(spec.name()).containsExactly(values);
            assertThat(weights.tensor(spec.name())).as(spec.name()).containsExactly(values);
        }
    }

    private static void refused(Path path, String... message) {
        assertThatExceptionOfType(BadCheckpointException.class)
                .isThrownBy(() -> Checkpoint.open(path))
                .satisfies(e -> assertThat(e.getMessage()).contains(message));
    }
}
