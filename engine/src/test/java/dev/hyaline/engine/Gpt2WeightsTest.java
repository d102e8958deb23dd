package dev.hyaline.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.site.Probe;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Weights come back as they were read, or say what is wrong with them. */
class Gpt2WeightsTest {
    private static final Gpt2Config CONFIG = RandomModels.ODD;
    private static final Gpt2Weights WEIGHTS = RandomModels.weights(CONFIG, 1);

    @Test
    void tensorsComeBackAsTheyWereRead() {
        for (long seed = 0; seed < 20; seed++) {
            Gpt2Config config = RandomModels.config(seed);
            Gpt2Weights weights = RandomModels.weights(config, seed);
            for (TensorSpec tensor : Gpt2Weights.tensors(config)) {
                float[] expected = new float[(int) tensor.elements()];
                RandomModels.source(seed).read(tensor, 0, tensor.rows(), expected, 0);
                assertThat(weights.tensor(tensor.name())).as(tensor.name()).isEqualTo(expected);
            }
            long parameters = Gpt2Weights.tensors(config).stream()
                    .mapToLong(TensorSpec::elements)
                    .sum();
            assertThat(config.parameters()).isEqualTo(parameters);
        }
        assertThatThrownBy(() -> WEIGHTS.tensor("h.3.ln_1.weight")).isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> WEIGHTS.tensor("h.0.ln_3.weight")).isInstanceOf(BadInputException.class);
    }

    @Test
    void aValueThatIsNotFiniteIsNamed() {
        TensorSource random = RandomModels.source(1);
        TensorSource broken = new TensorSource() {
            @Override
            public String name() {
                return "some.file";
            }

            @Override
            public void read(TensorSpec tensor, int firstRow, int rows, float[] out, int offset) {
                random.read(tensor, firstRow, rows, out, offset);
                if (tensor.name().equals("h.1.mlp.c_fc.weight") && firstRow <= 59 && firstRow + rows > 59) {
                    out[offset + (59 - firstRow) * tensor.columns() + 199] = Float.NaN;
                }
            }
        };
        assertThatThrownBy(() -> Gpt2Weights.load(CONFIG, broken))
                .isInstanceOf(BadCheckpointException.class)
                .hasMessage("some.file: tensor h.1.mlp.c_fc.weight: expected finite values, found NaN at row 59, column"
                        + " 199");
    }

    @Test
    void weightsThatTakeTheArraysOfOthersAreAsFreshOnes() {
        for (long seed = 0; seed < 20; seed++) {
            Gpt2Config config = RandomModels.config(seed);
            Gpt2Weights former = RandomModels.weights(config, seed);
            int[] tokens = RandomModels.tokens(config, 5, seed);
            gradients(former, tokens);
            Gpt2Weights fresh = RandomModels.weights(config, seed + 1);
            Gpt2Weights taken = Gpt2Weights.load(config, RandomModels.source(seed + 1), former);
            for (TensorSpec tensor : Gpt2Weights.tensors(config)) {
                assertThat(taken.tensor(tensor.name())).as(tensor.name()).isEqualTo(fresh.tensor(tensor.name()));
            }
            assertThat(gradients(taken, tokens)).isEqualTo(gradients(fresh, tokens));
            assertThatThrownBy(() -> Gpt2.of(former))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("given to others");
            assertThatThrownBy(() -> former.tensor("wte.weight")).isInstanceOf(BadInputException.class);
            assertThatThrownBy(() -> Gpt2Weights.load(config, fresh, former)).isInstanceOf(BadInputException.class);
        }
        Gpt2Weights other = RandomModels.weights(RandomModels.SMALL, 1);
        assertThatThrownBy(() -> Gpt2Weights.load(CONFIG, RandomModels.source(1), other))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("do not fit");
        assertThat(other.tensor("wte.weight")).isNotEmpty();
    }

    /** Those of all parameters, end to end: they read each matrix, also transposed. */
    private static float[] gradients(Gpt2Weights weights, int[] tokens) {
        ParameterGradients sums = ParameterGradients.zeros(weights.config());
        try (Gpt2 model = Gpt2.of(weights, 2)) {
            Tape tape = model.record(ForwardRequest.of(tokens));
            tape.backward(tape.result().logits().clone(), Probe.NONE, sums);
        }
        List<float[]> all = Gpt2Weights.tensors(weights.config()).stream()
                .map(tensor -> sums.of(tensor.name()))
                .toList();
        float[] ends = new float[all.stream().mapToInt(values -> values.length).sum()];
        int at = 0;
        for (float[] values : all) {
            System.arraycopy(values, 0, ends, at, values.length);
            at += values.length;
        }
        return ends;
    }

    @Test
    void theBytesOfPackedWeightsAreKnownBeforehand() {
        Gpt2Config small = Gpt2Config.gpt2Small();
        long floats = Gpt2Weights.bytes(small, RandomModels.source(1));
        long halves = Gpt2Weights.bytes(small, RandomModels.bfloat16Source(1, true));
        // Only the embedding's columns are padded, from 50,257 to 50,272.
        assertThat(floats).isEqualTo(4 * (small.parameters() + 15L * 768));
        long matrices = 12L * (4 * 768 * 768 + 2 * 768 * 3072) + 50_272L * 768;
        assertThat(halves).isEqualTo(floats - 2 * matrices);
    }
}
