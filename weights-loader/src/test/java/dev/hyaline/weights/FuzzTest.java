package dev.hyaline.weights;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.weights.internal.ConfigFile;
import dev.hyaline.weights.internal.DiskFolder;
import dev.hyaline.weights.internal.tokens.ModelTokens;
import dev.hyaline.weights.internal.tokens.TokenizerFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Broken files load or give the checkpoint error: never anything else, never much memory, never for long. */
@Timeout(240)
@Execution(ExecutionMode.CONCURRENT)
class FuzzTest {
    @TempDir
    Path directory;

    @Test
    void tenThousandSafetensorsFiles() {
        TinyCheckpoint tiny = new TinyCheckpoint().untied().prefixed().maskBuffers("transformer.");
        tiny.write(directory);
        Mutator mutator = new Mutator(1);
        fuzz(10_000, "model.safetensors", tiny.safetensors(), mutator::mutateSafetensors, 8 << 20, () -> {
            try (Checkpoint checkpoint = Checkpoint.open(directory)) {
                checkpoint.weights();
            }
        });
    }

    @Test
    void shardIndexes() {
        TinyCheckpoint tiny = new TinyCheckpoint();
        List<String> names = List.copyOf(tiny.tensors.keySet());
        tiny.writeShards(directory, List.of(names.subList(0, 9), names.subList(9, names.size())));
        fuzz(
                3_000,
                "model.safetensors.index.json",
                new Mutator(2)::mutate,
                1 << 20,
                () -> Checkpoint.open(directory).close());
    }

    @Test
    void configurations() throws Exception {
        Path golden = Path.of("src/test/resources/golden/tiny-variant/config.json");
        Files.copy(golden, directory.resolve("config.json"));
        fuzz(5_000, "config.json", new Mutator(3)::mutate, 1 << 20, () -> ConfigFile.read(new DiskFolder(directory)));
    }

    @Test
    void configurationsOfACheckpoint() {
        new TinyCheckpoint().write(directory);
        fuzz(
                3_000,
                "config.json",
                new Mutator(4)::mutate,
                1 << 20,
                () -> Checkpoint.open(directory).close());
    }

    @ParameterizedTest
    @ValueSource(strings = {"vocab.json", "merges.txt", "added_tokens.json"})
    void vocabulariesAndMerges(String file) {
        TinyTokenizer tokenizer = new TinyTokenizer();
        tokenizer.writePair(directory);
        TinyCheckpoint.write(directory, "added_tokens.json", "{\"<pad>\": 300, \" word\": 301}");
        fuzz(3_000, file, new Mutator(file.hashCode())::mutate, 32 << 20, this::useTokenizer);
    }

    @Test
    void tokenizers() {
        TinyTokenizer tokenizer = new TinyTokenizer();
        tokenizer.addedTokens = tokenizer.addedTokens
                + ", {\"id\": 301, \"content\": \" word\", \"single_word\": true, \"lstrip\": true, \"rstrip\": true,"
                + " \"normalized\": true, \"special\": false}";
        tokenizer.write(directory);
        fuzz(5_000, "tokenizer.json", new Mutator(5)::mutate, 32 << 20, this::useTokenizer);
    }

    private void useTokenizer() {
        Tokenizer tokenizer = TokenizerFiles.read(new DiskFolder(directory), new ModelTokens(0, null, List.of(7)));
        try {
            int[] ids = tokenizer.encode("the word   <pad> thé\n\n日本 word<|endoftext|>'ll 42");
            assertThat(Arrays.stream(ids).boxed())
                    .isNotEmpty()
                    .allMatch(id -> id >= 0 && id < tokenizer.vocabularySize());
            tokenizer.decode(ids);
        } catch (BadInputException e) {
            assertThat(e).hasMessageStartingWith("the tokenizer has no token for byte");
        }
    }

    private void fuzz(int times, String file, UnaryOperator<byte[]> mutate, long mostBytes, Runnable use) {
        byte[] original = new DiskFolder(directory).read(file, 1 << 20);
        fuzz(times, file, original, mutate, mostBytes, use);
    }

    /** @param mostBytes that one use may allocate */
    private void fuzz(
            int times, String file, byte[] original, UnaryOperator<byte[]> mutate, long mostBytes, Runnable use) {
        use.run();
        int loaded = 0;
        int refused = 0;
        for (int i = 0; i < times; i++) {
            byte[] mutated = mutate.apply(original);
            TinyCheckpoint.write(directory, file, mutated);
            long before = Mutator.allocated();
            try {
                use.run();
                loaded++;
            } catch (BadCheckpointException e) {
                refused++;
                assertThat(e.getMessage()).contains(directory.toString()).hasSizeLessThan(1_000);
            } catch (Throwable e) {
                throw new AssertionError("mutation " + i + " of " + file, e);
            }
            assertThat(Mutator.allocated() - before)
                    .as("bytes allocated by mutation %d of %s", i, file)
                    .isLessThan(mostBytes + 200L * mutated.length);
        }
        assertThat(loaded).as("loaded").isPositive();
        assertThat(refused).as("refused").isPositive();
    }
}
