package dev.hyaline.weights.internal;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.Dtype;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TransformerLensNamesTest {
    /** Each head becomes an object, so that a few bytes of name could ask for thousands of them. */
    @Test
    void refusesManyTensorsOfHeadsThatAreOneStorage() {
        MemorySegment storage = MemorySegment.ofArray(new byte[4 * 4096]);
        List<TensorView> tensors = new ArrayList<>();
        tensors.add(TensorView.dense("x.pt", "embed.W_E", Dtype.F32, List.of(2L, 1L), storage.asSlice(0, 8)));
        for (int layer = 0; layer < 1000; layer++) {
            String name = "blocks." + layer + ".attn.W_Q";
            tensors.add(TensorView.dense("x.pt", name, Dtype.F32, List.of(4096L, 1L, 1L), storage));
        }
        StateDict dict = new StateDict("x.pt", List.of("x.pt"), 100_000, tensors);
        assertThatExceptionOfType(BadCheckpointException.class)
                .isThrownBy(() -> TransformerLensNames.of(dict))
                .withMessageContaining("heads that are together at most the file's 100000 bytes");
    }
}
