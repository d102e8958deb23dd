package dev.hyaline.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.error.BadCheckpointException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What tests ask of checkpoints. */
final class CheckpointAssertions {
    private CheckpointAssertions() {}

    /** Compares each tensor with the values that {@link TinyCheckpoint} gave it, row by row and as packed. */
    static void assertHoldsEverything(Checkpoint checkpoint) {
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

    /** The checkpoint does not open, and the message has these parts. */
    static void assertRefused(Path path, String... message) {
        assertThatExceptionOfType(BadCheckpointException.class)
                .isThrownBy(() -> Checkpoint.open(path))
                .satisfies(e -> assertThat(e.getMessage()).contains(message));
    }
}
