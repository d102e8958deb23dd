package dev.hyaline.weights;

import static dev.hyaline.weights.CheckpointAssertions.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.weights.internal.CheckpointTensors;
import dev.hyaline.weights.internal.DiskFolder;
import dev.hyaline.weights.internal.Folder;
import dev.hyaline.weights.internal.ModelFiles;
import dev.hyaline.weights.internal.OpenedModel;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Checkpoints that do not open, and what is said of them. */
final class BrokenCheckpointTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden");

    @TempDir
    private Path directory;

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
                bent("no tensors", tiny -> tiny.tensors.clear(), "h.0.ln_1.weight", "expected [4]", "no such tensor"),
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
                        tiny -> tiny.put("extra.weight", List.of(2, 4), new float[8]),
                        "extra.weight",
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
                bent("scalar", tiny -> tiny.put("ln_f.bias", List.of(), 0), "ln_f.bias", "expected [4]", "found []"),
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
                        BrokenCheckpointTest::differingUnembedding,
                        "lm_head.weight",
                        "expected the same bits as wte.weight, as tie_word_embeddings is true",
                        "found a difference at [5, 3]"),
                bent(
                        "tied unembedding of another type",
                        BrokenCheckpointTest::halfUnembedding,
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
            assertThatExceptionOfType(BadCheckpointException.class)
                    .isThrownBy(checkpoint::check)
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

    /** A file is cut short after it was mapped and before its two copies of the embedding are compared. */
    @Test
    void saysThatAFileWasCutShortWhileItsEmbeddingsAreCompared() throws Exception {
        TinyCheckpoint tiny = new TinyCheckpoint();
        tiny.tensors.put("lm_head.weight", tiny.tensors.get("wte.weight"));
        tiny.write(directory);
        Path file = directory.resolve("model.safetensors");
        Folder folder = new DiskFolder(directory);
        try (Arena arena = Arena.ofConfined()) {
            OpenedModel model = ModelFiles.open(folder, "model.safetensors", arena);
            CheckpointTensors.of(model.config(), model.tensors(), arena.scope());
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(0);
            }
            assertThatExceptionOfType(BadCheckpointException.class)
                    .isThrownBy(() -> CheckpointTensors.of(model.config(), model.tensors(), arena.scope()))
                    .withMessage(file + ": expected a file that stays whole while it is open, found one cut short");
        }
    }

    @Test
    void saysWhatAFolderLacks() throws Exception {
        assertRefused(directory, "expected weights: model.safetensors, pytorch_model.bin", "found none");
        TinyCheckpoint.write(directory, "pytorch_model.bin", "");
        assertRefused(directory, "pytorch_model.bin: expected weights (safetensors, PyTorch's", "found an empty file");
        TinyCheckpoint.write(directory, "pytorch_model.bin", "text");
        assertRefused(
                directory, "pytorch_model.bin: expected weights (safetensors, PyTorch's", "a file of another kind");
        new TinyCheckpoint().write(directory);
        Files.delete(directory.resolve("config.json"));
        assertRefused(directory, "config.json: expected a file, found no such file");
    }

    @Test
    void saysWhatAPathIsNot() {
        String expected = "expected a folder with a checkpoint, or a file of weights, found ";
        TinyCheckpoint.write(directory, "model.gguf", "");
        assertRefused(directory.resolve("model.gguf"), "model.gguf: expected weights (", "found an empty file");
        assertRefused(directory.resolve("none"), expected + "nothing there");
        assertRefused(directory.resolve("none.safetensors"), expected + "nothing there");
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
}
