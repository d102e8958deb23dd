package dev.hyaline.weights;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.weights.internal.CheckpointTensors;
import dev.hyaline.weights.internal.DiskFolder;
import dev.hyaline.weights.internal.Folder;
import dev.hyaline.weights.internal.ModelFiles;
import dev.hyaline.weights.internal.OpenedModel;
import dev.hyaline.weights.internal.tokens.ModelTokens;
import dev.hyaline.weights.internal.tokens.TokenizerFiles;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Ten thousand broken files of each format load or give the checkpoint error: never anything else, never much memory,
 * never for long.
 */
@Timeout(240)
@Execution(ExecutionMode.CONCURRENT)
class FormatFuzzTest {
    private static final Path FORMATS = Path.of("src/test/resources/formats");
    private static final int TIMES = 10_000;

    /** Of what only points to such files, or is of a format already broken otherwise. */
    private static final int FEWER_TIMES = 2_000;

    private static final long MAX_BYTES = 8 << 20;

    @TempDir
    Path directory;

    @ParameterizedTest
    @CsvSource({
        "torch-zip, pytorch_model.bin",
        "torch-legacy, pytorch_model.bin",
        "nanogpt, ckpt.pt",
        "transformerlens, model.pt",
        "llmc, gpt2_tiny_bf16.bin",
        "gguf, tiny-q4_0.gguf"
    })
    void files(String folder, String file) throws IOException {
        Mutator mutator = new Mutator(folder.hashCode());
        byte[] original = copy(folder, file);
        fuzz(TIMES, file, original, mutator::mutateBinary, file);
    }

    @Test
    void viewsOfOneStorage() throws IOException {
        byte[] original = copy("torch-strided", "model.pth");
        fuzz(FEWER_TIMES, "model.pth", original, new Mutator(5)::mutateBinary, "model.pth");
    }

    @Test
    void shardIndexes() throws IOException {
        String file = "pytorch_model.bin.index.json";
        byte[] original = copy("torch-sharded", file);
        fuzz(FEWER_TIMES, file, original, new Mutator(6)::mutate, file);
    }

    /** Half of them with checksums that agree with what has been changed. */
    @Test
    void tensorFlowIndexes() throws IOException {
        String file = "model.ckpt.index";
        Mutator mutator = new Mutator(7);
        byte[] original = copy("tensorflow", file);
        List<int[]> blocks = blocks(original);
        boolean[] repaired = {false};
        fuzz(
                TIMES,
                file,
                original,
                bytes -> {
                    repaired[0] = !repaired[0];
                    if (!repaired[0]) {
                        return mutator.mutateBinary(bytes);
                    }
                    byte[] changed = mutator.overwrite(bytes, 0, blocks.getLast()[1]);
                    blocks.forEach(block -> repair(changed, block[0], block[1]));
                    return changed;
                },
                file);
    }

    @Test
    void hyperparameters() throws IOException {
        byte[] original = copy("tensorflow", "hparams.json");
        fuzz(FEWER_TIMES, "hparams.json", original, new Mutator(8)::mutate, "model.ckpt.index");
    }

    /** As they are, and with a few bytes changed. */
    @ParameterizedTest
    @EnumSource
    void smallFilesCostLittle(SmallFiles small) throws IOException {
        copy(small.folder());
        byte[] file = small.make();
        Mutator mutator = new Mutator(small.name().hashCode());
        for (int i = 0; i < 10; i++) {
            byte[] bytes = i == 0 ? file : mutator.mutateBinary(file);
            TinyCheckpoint.write(directory, small.file(), bytes);
            long before = Mutator.allocated();
            try {
                small.opened().ifPresentOrElse(this::use, this::useTokenizer);
            } catch (BadCheckpointException e) {
                assertThat(e.getMessage()).contains(directory.toString()).hasSizeLessThan(1_000);
            }
            assertThat(Mutator.allocated() - before)
                    .as("bytes allocated by change %d", i)
                    .isLessThan(MAX_BYTES + 200L * bytes.length);
        }
    }

    /** The only data block, the meta index and the index: begin and end without the trailer of five bytes. */
    private static List<int[]> blocks(byte[] table) {
        List<int[]> blocks = new ArrayList<>();
        ByteBuffer footer = ByteBuffer.wrap(table, table.length - 48, 40);
        int meta = varint(footer);
        int metaBytes = varint(footer);
        int index = varint(footer);
        int indexBytes = varint(footer);
        blocks.add(new int[] {0, meta - 5});
        blocks.add(new int[] {meta, meta + metaBytes});
        blocks.add(new int[] {index, index + indexBytes});
        return blocks;
    }

    private static int varint(ByteBuffer bytes) {
        int low = bytes.get();
        return low >= 0 ? low : (low & 0x7F) | (bytes.get() << 7);
    }

    private static void repair(byte[] table, int begin, int end) {
        CRC32C crc = new CRC32C();
        crc.update(table, begin, end + 1 - begin);
        int masked = Integer.rotateRight((int) crc.getValue(), 15) + 0xa282ead8;
        ByteBuffer.wrap(table).order(ByteOrder.LITTLE_ENDIAN).putInt(end + 1, masked);
    }

    private byte[] copy(String folder, String file) throws IOException {
        copy(folder);
        return Files.readAllBytes(directory.resolve(file));
    }

    private void copy(String folder) throws IOException {
        try (Stream<Path> files = Files.list(FORMATS.resolve(folder))) {
            for (Path path : files.toList()) {
                Files.copy(path, directory.resolve(path.getFileName().toString()));
            }
        }
    }

    /**
     * What {@link Checkpoint} does, in an arena of one thread: to close one of many threads takes longer than all else.
     */
    private void use(String file) {
        Folder folder = new DiskFolder(directory);
        try (Arena arena = Arena.ofConfined()) {
            OpenedModel model = ModelFiles.open(folder, file, arena);
            CheckpointTensors tensors = CheckpointTensors.of(model.config(), model.tensors(), arena.scope());
            for (TensorSpec spec : Gpt2Weights.tensors(model.config())) {
                float[] values = new float[Math.toIntExact(spec.elements())];
                tensors.read(spec, 0, spec.rows(), values, 0);
            }
            if (model.tokenizer() != null) {
                use(model.tokenizer().read(model.tokens()));
            }
        }
    }

    private void useTokenizer() {
        use(TokenizerFiles.read(new DiskFolder(directory), ModelTokens.UNKNOWN));
    }

    private static void use(Tokenizer tokenizer) {
        try {
            tokenizer.decode(tokenizer.encode("the thé<|endoftext|>"));
        } catch (BadInputException e) {
            assertThat(e).hasMessageStartingWith("the tokenizer has no token for byte");
        }
    }

    private void fuzz(int times, String file, byte[] original, UnaryOperator<byte[]> mutate, String opened) {
        use(opened);
        int loaded = 0;
        int refused = 0;
        for (int i = 0; i < times; i++) {
            byte[] mutated = mutate.apply(original);
            TinyCheckpoint.write(directory, file, mutated);
            long before = Mutator.allocated();
            try {
                use(opened);
                loaded++;
            } catch (BadCheckpointException e) {
                refused++;
                assertThat(e.getMessage()).contains(directory.toString()).hasSizeLessThan(1_000);
            } catch (Throwable e) {
                throw new AssertionError("mutation " + i + " of " + file, e);
            }
            assertThat(Mutator.allocated() - before)
                    .as("bytes allocated by mutation %d of %s", i, file)
                    .isLessThan(MAX_BYTES + 200L * mutated.length);
        }
        assertThat(loaded).as("loaded").isPositive();
        assertThat(refused).as("refused").isPositive();
    }
}
