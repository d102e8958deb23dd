package dev.hyaline.weights.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.files.Dtype;
import dev.hyaline.files.SafetensorsFile;
import dev.hyaline.weights.StorageDtype;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class GgmlBlocksTest {
    /** Random blocks, and what the gguf package makes of them. */
    @ParameterizedTest
    @EnumSource(
            value = StorageDtype.class,
            names = {"Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q6_K"})
    void decodesAsTheGgufPackageDoes(StorageDtype dtype) {
        try (Arena arena = Arena.ofConfined()) {
            Folder folder = new DiskFolder(Path.of("src/test/resources/formats/gguf"));
            SafetensorsFile file = SafetensorsFile.open(folder.open("blocks.safetensors"), arena);
            MemorySegment blocks = file.bytes(file.header().tensors().get(dtype + ".bytes"));
            float[] expected = file.bytes(file.header().tensors().get(dtype + ".values"))
                    .toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
            assertThat(expected).hasSize(3 * dtype.blockValues());

            float[] all = new float[expected.length];
            Widening.copy(Dtype.valueOf(dtype.name()), blocks, 0, all.length, all, 0);
            assertThat(all).containsExactly(expected);

            // From the middle of one block to the middle of another.
            int first = dtype.blockValues() / 2 + 1;
            float[] some = new float[2 * dtype.blockValues()];
            Widening.copy(Dtype.valueOf(dtype.name()), blocks, first, some.length, some, 0);
            assertThat(some).containsExactly(Arrays.copyOfRange(expected, first, first + some.length));
        }
    }
}
