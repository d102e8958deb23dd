package dev.hyaline.analysis.sparse.train;

import static dev.hyaline.analysis.sparse.SparseGolden.assertClose;
import static dev.hyaline.analysis.sparse.SparseGolden.floats;
import static dev.hyaline.analysis.sparse.SparseGolden.transposed;
import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.analysis.sparse.SparseGolden;
import dev.hyaline.files.TensorValues;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.weights.TensorFile;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What weights begin as, and begin anew as. */
class InitializationTest {
    @Test
    void theGeometricMedianIsTheReference() {
        TensorValues file = SparseGolden.values("train/geometric-median.safetensors");
        float[] points = floats(file, "points");
        float[] median = Initialization.geometricMedian(points, 17);
        assertClose("median", median, floats(file, "dictionary_learning"), 1e-5);
        assertClose("mean", Initialization.mean(points, 17), floats(file, "mean"), 1e-5);
        float[] same = new float[3 * 17];
        assertThat(Initialization.geometricMedian(same, 17)).containsOnly(0);
    }

    @Test
    void deadLatentsBeginAnewAsTheProjectsHaveIt() {
        TensorValues file = SparseGolden.values("train/resample.safetensors");
        boolean[] dead = new boolean[45];
        int[] tokens;
        try (TensorFile opened = TensorFile.open(SparseGolden.path("train/resample.safetensors"))) {
            byte[] flags = opened.bytes("dead");
            for (int i = 0; i < 45; i++) {
                dead[i] = flags[i] != 0;
            }
            tokens = Arrays.stream(opened.integers("sampled"))
                    .mapToInt(Math::toIntExact)
                    .toArray();
        }
        for (String project : List.of("dl", "anthropic")) {
            Weights w = new Weights(45, 17, 17);
            w.put(Weights.ENCODER, transposed(floats(file, "p0.W_enc"), 17, 45));
            w.put(Weights.ENCODER_BIAS, floats(file, "p0.b_enc"));
            w.put(Weights.DECODER, floats(file, "p0.W_dec"));
            float[] x = floats(file, "x");
            Resampling.apply(w, dead, tokens, x, x, project.equals("anthropic"));
            assertClose(project, w.value(Weights.DECODER), floats(file, project + ".W_dec"), 1e-6);
            assertClose(project, w.value(Weights.ENCODER), transposed(floats(file, project + ".W_enc"), 17, 45), 1e-6);
            assertClose(project, w.value(Weights.ENCODER_BIAS), floats(file, project + ".b_enc"), 1e-6);
        }
        Weights transcoder = new Weights(2, 2, 3);
        transcoder.put(Weights.ENCODER, new float[] {3, 4, 9, 9});
        transcoder.put(Weights.GATE_BIAS, new float[] {1, 1});
        transcoder.put(Weights.DECODER, new float[6]);
        boolean[] second = {false, true};
        Resampling.apply(
                transcoder, second, new int[] {1}, new float[] {9, 9, 0, 2}, new float[] {9, 9, 9, 0, 0, 5}, true);
        assertThat(transcoder.value(Weights.ENCODER)).containsExactly(3, 4, 0, 1);
        assertThat(transcoder.value(Weights.DECODER)).containsExactly(0, 0, 0, 0, 0, 1);
        assertThat(transcoder.value(Weights.GATE_BIAS)).containsExactly(1, 0);
        int[] drawn = Resampling.draw(new double[] {0, 3, 0, 1}, 2, 1000, CounterRandom.of(1));
        assertThat(Arrays.stream(drawn).filter(t -> t == 1).count()).isBetween(850L, 950L);
        assertThat(drawn).doesNotContain(0, 2);
    }
}
