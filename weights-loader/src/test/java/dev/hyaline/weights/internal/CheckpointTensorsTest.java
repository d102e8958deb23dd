package dev.hyaline.weights.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.Dtype;
import dev.hyaline.weights.TinyCheckpoint;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

class CheckpointTensorsTest {
    private static final Gpt2Config CONFIG = TinyCheckpoint.CONFIG;

    /** All tensors of a model in one place. */
    private static ModelTensors shared(long bytes) {
        MemorySegment storage = MemorySegment.ofArray(new float[64]);
        Map<String, Parameter> tensors = new LinkedHashMap<>();
        for (TensorSpec spec : Gpt2Weights.tensors(CONFIG)) {
            List<Long> shape = spec.shape().stream().map(Integer::longValue).toList();
            tensors.put(spec.name(), TensorView.dense("model.pt", spec.name(), Dtype.F32, shape, storage));
        }
        return ModelTensors.of("model.pt", tensors, UnaryOperator.identity(), bytes);
    }

    @Test
    void refusesAModelThatIsMoreThanItsFile() {
        long parameters = CONFIG.parameters();
        assertThatExceptionOfType(BadCheckpointException.class)
                .isThrownBy(() ->
                        CheckpointTensors.of(CONFIG, shared(300), Arena.global().scope()))
                .withMessage("model.pt: expected tensors of 300 bytes, as the files have, found " + 4 * parameters
                        + " bytes");
    }

    @Test
    void takesAModelThatIsNot() {
        CheckpointTensors tensors = CheckpointTensors.of(
                CONFIG, shared(2 * CONFIG.parameters()), Arena.global().scope());
        assertThat(tensors.hasUnembeddingBias()).isFalse();
    }
}
