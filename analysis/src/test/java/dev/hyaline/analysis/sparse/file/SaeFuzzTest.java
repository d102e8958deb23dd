package dev.hyaline.analysis.sparse.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.SparseGolden;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.fixtures.HostileJson;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Broken files of autoencoders open or are refused in one sentence with the file's name: never another exception. */
final class SaeFuzzTest {
    private static final int TIMES = 600;
    private static final long MAX_BYTES = 8 << 20;

    @TempDir
    private Path temporary;

    @ParameterizedTest
    @CsvSource({
        "fable/standard, cfg.json",
        "fable/gated, cfg.json",
        "fable/topk-layer-norm, cfg.json",
        "fable/jumprelu_transcoder, cfg.json",
        "fable/skip_transcoder, cfg.json",
        "fable/legacy-centred, cfg.json",
        "fable/checkpoint-batchtopk, cfg.json",
        "fable/checkpoint-batchtopk, activation_scaler.json",
        "formats/dictionary_learning/april, config.json",
        "formats/dictionary_learning/gated, config.json",
        "formats/dictionary_learning/matryoshka, config.json",
        "formats/sparsify/h.1, cfg.json",
        "formats/sparsify/h.2, cfg.json",
        "formats/sparsify/h.2.mlp, cfg.json"
    })
    void configurations(String folder, String file) throws IOException {
        fuzz(folder, file, new HostileJson(new Random(file.hashCode()))::mutate);
    }

    @ParameterizedTest
    @CsvSource({
        "formats/dictionary_learning/april, ae.pt",
        "formats/dictionary_learning/topk, ae.pt",
        "formats/sparsify/h.1, sae.safetensors",
        "formats/openai, v1.pt",
        "formats/openai, v5.pt"
    })
    void weights(String folder, String file) throws IOException {
        Random random = new Random(file.hashCode());
        fuzz(folder, file, good -> {
            byte[] broken = good.clone();
            for (int i = random.nextInt(4); i >= 0; i--) {
                broken[random.nextInt(random.nextBoolean() ? broken.length : 1_000)] = (byte) random.nextInt();
            }
            return broken;
        });
    }

    private void fuzz(String folder, String file, UnaryOperator<byte[]> mutate) throws IOException {
        try (Stream<Path> files = Files.list(SparseGolden.path(folder))) {
            for (Path path : files.toList()) {
                Files.copy(path, temporary.resolve(path.getFileName().toString()));
            }
        }
        Path broken = temporary.resolve(file);
        Path opened = folder.endsWith("openai") ? broken : temporary;
        byte[] good = Files.readAllBytes(broken);
        use(opened);
        int used = 0;
        int refused = 0;
        for (int i = 0; i < TIMES; i++) {
            byte[] mutated = mutate.apply(good);
            // A new file: emptying one is taken for a save, and written to the disk.
            Files.delete(broken);
            Files.write(broken, mutated);
            long before = allocated();
            try {
                use(opened);
                used++;
            } catch (HyalineException e) {
                refused++;
                assertThat(e.getMessage())
                        .as("change %d", i)
                        .contains(temporary.toString())
                        .hasSizeLessThan(1_500)
                        .matches("[^\\p{Cntrl}]*");
            } catch (Throwable e) {
                throw new AssertionError("change " + i + " of " + file, e);
            }
            assertThat(allocated() - before)
                    .as("bytes allocated by change %d", i)
                    .isLessThan(MAX_BYTES);
        }
        assertThat(List.of(used, refused)).as("used and refused").allMatch(count -> count > 0);
    }

    private static void use(Path opened) {
        SparseAutoencoder autoencoder = SaeFiles.read(opened).autoencoder();
        autoencoder.reconstruct(new float[autoencoder.config().dIn()]);
    }

    private static long allocated() {
        return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
    }
}
