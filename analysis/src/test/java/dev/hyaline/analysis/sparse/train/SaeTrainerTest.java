package dev.hyaline.analysis.sparse.train;

import static dev.hyaline.analysis.sparse.SparseGolden.floats;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.sparse.LatentActivation;
import dev.hyaline.analysis.sparse.Normalization;
import dev.hyaline.analysis.sparse.SaeMetadata;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.SparseGolden;
import dev.hyaline.analysis.sparse.measure.DictionarySimilarity;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.TensorValues;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.dump.RowOrder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SaeTrainerTest {
    private static final int D = 24;

    @TempDir
    private Path temporary;

    /** Sums of a few planted directions. */
    private static final class Planted implements TrainingData {
        static final int ATOMS = 60;
        final float[] directions =
                Initialization.directions(ATOMS, D, 1, CounterRandom.of(11).named("planted"));

        @Override
        public int dIn() {
            return D;
        }

        @Override
        public int dOut() {
            return D;
        }

        @Override
        public boolean isTranscoder() {
            return false;
        }

        @Override
        public long rows() {
            return 1 << 20;
        }

        @Override
        public void read(long batch, int size, float[] x, float[] y) {
            java.util.Arrays.fill(x, 0);
            for (int i = 0; i < size; i++) {
                CounterRandom random = CounterRandom.of(5).with(batch).with(i);
                for (int a = 0; a < 3; a++) {
                    int atom = random.index(2L * a, ATOMS);
                    float strength = (float) (0.5 + random.uniform(2L * a + 1));
                    for (int c = 0; c < D; c++) {
                        x[i * D + c] += strength * directions[atom * D + c];
                    }
                }
            }
        }
    }

    private static final Planted DATA = new Planted();

    private static Training training(TrainedActivation activation, long steps) {
        return Training.of(
                        80,
                        Recipe.of(activation),
                        Schedule.constant(3e-3).warmUp(20).decay(40),
                        steps,
                        256)
                .deadAfter(5000);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void aPlantedDictionaryIsFound(long seed) {
        Training training =
                training(new TrainedActivation.TrainedTopK(3, true, false), 800).seed(seed);
        List<Double> losses = new ArrayList<>();
        SparseAutoencoder sae = trained(training, DATA, 2, losses);
        assertThat(losses.getLast()).isLessThan(losses.getFirst() / 5);
        assertThat(meanMaxCosine(DATA.directions, Planted.ATOMS, sae)).isGreaterThan(0.9);
    }

    /** The Javadoc's example. */
    private static SparseAutoencoder trained(Training training, Planted data, int threads, List<Double> losses) {
        // @start region="train"
        try (SaeTrainer trainer = SaeTrainer.begin(training, data, threads)) {
            trainer.run(data, (done, loss, rate, dead) -> losses.add(loss.reconstruction()));
            return trainer.autoencoder(SaeMetadata.unknown());
        }
        // @end
    }

    /** A broken run says which step and rate broke it, and leaves the checkpoint that was there. */
    @Test
    void weightsThatAreNotFiniteAreNotKept() throws IOException {
        Training training = Training.of(
                80, Recipe.of(new TrainedActivation.TrainedTopK(3, true, false)), Schedule.constant(1e39), 1, 256);
        Path file = temporary.resolve("broken.safetensors");
        Files.writeString(file, "the last good one");
        try (SaeTrainer trainer = SaeTrainer.begin(training, DATA, 2)) {
            trainer.run(DATA, (done, loss, rate, dead) -> {});
            assertThatThrownBy(() -> trainer.checkpoint(file))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageMatching("step 0 at the learning rate of 1.0E39 left values in \\w+ that are not finite:"
                            + " the rate is too high");
            assertThatThrownBy(() -> trainer.autoencoder(SaeMetadata.unknown())).isInstanceOf(BadInputException.class);
        }
        assertThat(file).hasContent("the last good one");
    }

    /** Rows of one direction whose lengths alternate, the first of each batch much the longest. */
    private record Lengths(float first, float even, float odd) implements TrainingData {
        @Override
        public int dIn() {
            return D;
        }

        @Override
        public int dOut() {
            return D;
        }

        @Override
        public boolean isTranscoder() {
            return false;
        }

        @Override
        public long rows() {
            return 1 << 20;
        }

        @Override
        public void read(long batch, int size, float[] x, float[] y) {
            for (int i = 0; i < size; i++) {
                java.util.Arrays.fill(x, i * D, (i + 1) * D, 0);
                x[i * D + 3] = i == 0 ? first : i % 2 == 0 ? even : odd;
            }
        }
    }

    @Test
    void theFactorIsThatOfAllRowsAndTheBiasIsInItsUnits() {
        Lengths data = new Lengths(514, 2, 6);
        double mean = (514 + 127 * 2 + 128 * 6) / 256.0;
        double factor = Math.sqrt(D) / mean;
        Training training = training(new TrainedActivation.TrainedTopK(3, true, false), 100)
                .bias(Initialization.Bias.GEOMETRIC_MEDIAN);
        try (SaeTrainer trainer = SaeTrainer.begin(training, data, 1)) {
            SparseAutoencoder sae = trainer.autoencoder(SaeMetadata.unknown());
            assertThat(sae.config().normalization())
                    .isInstanceOfSatisfying(
                            Normalization.Factor.class,
                            found -> assertThat((double) found.factor()).isCloseTo(factor, within(1e-6 * factor)));
            // The median of lengths, brought to the units in which the bias is subtracted.
            assertThat((double) sae.parameters().decoderBias()[3]).isCloseTo(6 * factor, within(1e-3 * factor));
        }
    }

    @Test
    void latentsAreDeadAfterTokensWhateverTheBatch() {
        for (int batch : new int[] {128, 256}) {
            Training training = Training.of(
                            80,
                            Recipe.of(new TrainedActivation.TrainedTopK(1, true, false)),
                            Schedule.constant(1e-4),
                            45,
                            batch)
                    .deadAfter(5000);
            try (SaeTrainer trainer = SaeTrainer.begin(training, new Lengths(1, 1, 1), 1)) {
                trainer.run(new Lengths(1, 1, 1), (done, loss, rate, dead) -> {
                    if (done * batch > 5000) {
                        assertThat(dead).isPositive();
                    } else {
                        assertThat(dead).isZero();
                    }
                });
                double sum = 0;
                for (float density : trainer.densities()) {
                    sum += density;
                }
                assertThat(sum).isCloseTo(1, within(1e-5));
            }
        }
    }

    @Test
    void foldingTheFactorKeepsWhichLatentsFireAtEveryCheckpoint() {
        Training training = training(new TrainedActivation.TrainedTopK(2.5, true, true), 120);
        float[] x = new float[256 * D];
        DATA.read(0, 256, x, x);
        int[] checked = new int[1];
        try (SaeTrainer trainer = SaeTrainer.begin(training, DATA, 1)) {
            trainer.run(DATA, (done, loss, rate, dead) -> {
                if (done % 30 == 0) {
                    SparseAutoencoder sae = trainer.autoencoder(SaeMetadata.unknown());
                    SparseAutoencoder folded = sae.foldNormalization();
                    assertThat(folded.encode(x).l0().orElseThrow())
                            .isCloseTo(sae.encode(x).l0().orElseThrow(), within(0.01));
                    float[] expected = sae.reconstruct(x);
                    float[] found = folded.reconstruct(x);
                    for (int i = 0; i < 64; i++) {
                        assertThat(found[i]).isCloseTo(expected[i], within(1e-4f));
                    }
                    checked[0]++;
                }
            });
        }
        assertThat(checked[0]).isEqualTo(4);
    }

    /** The planted dictionary of the reference values, where SAEs of 64 latents that train well reach .990. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void theReferencesPlantedDictionaryIsFoundAsWell(long seed) {
        TensorValues file = SparseGolden.values("planted.safetensors");
        float[] rows = floats(file, "X");
        float[] planted = floats(file, "D");
        TrainingData data = new TrainingData() {
            @Override
            public int dIn() {
                return 20;
            }

            @Override
            public int dOut() {
                return 20;
            }

            @Override
            public boolean isTranscoder() {
                return false;
            }

            @Override
            public long rows() {
                return rows.length / 20;
            }

            @Override
            public void read(long batch, int size, float[] x, float[] y) {
                RowOrder order = RowOrder.shuffled(rows(), seed + batch * size / rows());
                order.position(batch * size % rows());
                long[] chosen = new long[size];
                order.next(chosen);
                for (int i = 0; i < size; i++) {
                    System.arraycopy(rows, (int) chosen[i] * 20, x, i * 20, 20);
                }
            }
        };
        Training training = Training.of(
                        64,
                        Recipe.of(new TrainedActivation.TrainedTopK(3, true, false)),
                        Schedule.constant(3e-3).decay(1000),
                        4000,
                        256)
                .seed(seed)
                .deadAfter(20_000);
        try (SaeTrainer trainer = SaeTrainer.begin(training, data, 2)) {
            trainer.run(data, (done, losses, rate, dead) -> {});
            float[] learned =
                    trainer.autoencoder(SaeMetadata.unknown()).parameters().decoder();
            assertThat(DictionarySimilarity.between(planted, learned, 20).mmcs())
                    .isGreaterThanOrEqualTo(0.985);
        }
    }

    private static double meanMaxCosine(float[] planted, int atoms, SparseAutoencoder sae) {
        double sum = 0;
        for (int a = 0; a < atoms; a++) {
            double best = -1;
            for (int i = 0; i < sae.config().latents(); i++) {
                double product = 0;
                for (int c = 0; c < D; c++) {
                    product += planted[a * D + c] * sae.parameters().decoder()[i * D + c];
                }
                best = Math.max(best, product / sae.decoderNorms()[i]);
            }
            sum += best;
        }
        return sum / atoms;
    }

    @Test
    void aRunThatIsStoppedEndsInTheSameBits() {
        for (TrainedActivation activation : List.of(
                new TrainedActivation.TrainedTopK(3.5, true, true),
                new TrainedActivation.PenalizedRelu(0.1, true),
                new TrainedActivation.AnnealedRelu(0.1, true, 0.3, 10, 60, 5),
                TrainedActivation.TrainedJump.of(0.1))) {
            Training training =
                    training(activation, 70).resampledAt(List.of(50L)).deadAfter(2000);
            float[] whole;
            try (SaeTrainer trainer = SaeTrainer.begin(training, DATA, 1)) {
                trainer.run(DATA, (done, losses, rate, dead) -> {});
                whole = trainer.autoencoder(SaeMetadata.unknown()).parameters().encoder();
            }
            Path file = temporary.resolve(activation.getClass().getSimpleName());
            for (int stop = 7; stop <= 77; stop += 7) {
                int until = Math.min(stop, 70);
                try (SaeTrainer trainer = SaeTrainer.beginOrResume(training, DATA, 3, file)) {
                    try {
                        trainer.run(DATA, (done, losses, rate, dead) -> {
                            if (done == until && until < 70) {
                                throw new IllegalStateException("stopped");
                            }
                        });
                    } catch (IllegalStateException e) {
                        assertThat(trainer.done()).isEqualTo(until);
                    }
                    trainer.checkpoint(file);
                    if (trainer.isDone()) {
                        assertThat(trainer.autoencoder(SaeMetadata.unknown())
                                        .parameters()
                                        .encoder())
                                .isEqualTo(whole);
                    }
                }
            }
        }
    }

    @Test
    void aCheckpointOfOtherSettingsIsRefused() {
        Path file = temporary.resolve("checkpoint");
        Training training = training(new TrainedActivation.TrainedTopK(3, true, false), 70);
        try (SaeTrainer trainer = SaeTrainer.begin(training, DATA, 1)) {
            trainer.checkpoint(file);
        }
        Training other = training.seed(9);
        assertThatThrownBy(() -> SaeTrainer.resume(other, DATA, 1, file))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("other settings");
    }

    @Test
    void aCheckpointHoldsCountsOfAnySize() {
        Path file = temporary.resolve("long");
        Training training = training(new TrainedActivation.TrainedTopK(3, true, true), 70);
        try (SaeTrainer trainer = SaeTrainer.begin(training, DATA, 1)) {
            trainer.idle[5] = 1L << 40;
            trainer.fired[7] = 3L << 33;
            trainer.checkpoint(file);
        }
        try (SaeTrainer resumed = SaeTrainer.resume(training, DATA, 1, file)) {
            assertThat(resumed.idle[5]).isEqualTo(1L << 40);
            assertThat(resumed.fired[7]).isEqualTo(3L << 33);
        }
    }

    @Test
    void resamplingLeavesTheRunningThresholdAlone() {
        float[] x = new float[256 * D];
        DATA.read(3, 256, x, x);
        Training training = training(new TrainedActivation.TrainedTopK(3, true, true), 70);
        try (SaeTrainer trainer = SaeTrainer.begin(training, DATA, 1)) {
            double before = trainer.state().threshold().value();
            double[] errors = trainer.state().errors(x, x, 256);
            assertThat(errors).hasSize(256);
            assertThat(trainer.state().threshold().value()).isEqualTo(before);
            assertThat(trainer.state().threshold().isBegun()).isFalse();
            trainer.state().backward(x, x, 256, new boolean[80], 1);
            assertThat(trainer.state().threshold().value()).isNotEqualTo(before);
        }
    }

    @Test
    void aBatchFitsAnArray() {
        Training training = Training.of(
                80,
                Recipe.of(new TrainedActivation.TrainedTopK(3, true, false)),
                Schedule.constant(1e-3),
                1,
                Integer.MAX_VALUE / 2);
        assertThatThrownBy(() -> SaeTrainer.begin(training, DATA, 1)).hasMessageContaining("a batch has at most");
    }

    /** The planted sums as two sites, of which the second has them negated and twice as large. */
    private static final TrainingData TWO_SITES = new TrainingData() {
        @Override
        public int dIn() {
            return 2 * D;
        }

        @Override
        public int dOut() {
            return 2 * D;
        }

        @Override
        public int sites() {
            return 2;
        }

        @Override
        public boolean isTranscoder() {
            return false;
        }

        @Override
        public long rows() {
            return DATA.rows();
        }

        @Override
        public void read(long batch, int size, float[] x, float[] y) {
            float[] one = new float[size * D];
            DATA.read(batch, size, one, one);
            for (int i = 0; i < size; i++) {
                for (int c = 0; c < D; c++) {
                    x[i * 2 * D + c] = one[i * D + c];
                    x[i * 2 * D + D + c] = -2 * one[i * D + c];
                }
            }
        }
    };

    @Test
    void aCrosscoderFindsWhatItsSitesShare() {
        Training training = training(new TrainedActivation.PenalizedRelu(0.02, true), 600);
        List<Double> losses = new ArrayList<>();
        try (SaeTrainer trainer = SaeTrainer.begin(training, TWO_SITES, 2)) {
            trainer.run(TWO_SITES, (done, loss, rate, dead) -> losses.add(loss.reconstruction()));
            SparseAutoencoder sae = trainer.autoencoder(SaeMetadata.unknown());
            assertThat(losses.getLast()).isLessThan(losses.getFirst() / 5);
            assertThat(sae.config().sites()).isEqualTo(2);
            assertThat(sae.config().subtractsDecoderBias()).isFalse();
            float[] x = new float[64 * 2 * D];
            TWO_SITES.read(7777, 64, x, x);
            float[] found = sae.reconstruct(x);
            double error = 0;
            double square = 0;
            for (int i = 0; i < x.length; i++) {
                error += (found[i] - x[i]) * (found[i] - x[i]);
                square += x[i] * x[i];
            }
            assertThat(error / square).isLessThan(0.15);
        }
        Training rescaled = training(new TrainedActivation.TrainedTopK(3, true, false), 100);
        assertThatThrownBy(() -> SaeTrainer.begin(rescaled, TWO_SITES, 1)).hasMessageContaining("crosscoder");
    }

    @Test
    void severalLearnOffOneStreamAsEachWouldAlone() {
        Training first = training(new TrainedActivation.TrainedTopK(3, true, false), 60);
        Training second = training(new TrainedActivation.PenalizedRelu(0.1, true), 60);
        try (SaeTrainer a = SaeTrainer.begin(first, DATA, 1);
                SaeTrainer b = SaeTrainer.begin(second, DATA, 1);
                SaeTrainer alone = SaeTrainer.begin(second, DATA, 2)) {
            SaeTrainer.run(List.of(a, b), DATA, (trainer, done, losses, rate, dead) -> {});
            alone.run(DATA, (done, losses, rate, dead) -> {});
            assertThat(b.autoencoder(SaeMetadata.unknown()).parameters().decoder())
                    .isEqualTo(alone.autoencoder(SaeMetadata.unknown())
                            .parameters()
                            .decoder());
        }
    }

    @Test
    void oneThatIsBehindCatchesUpWithTheOthers() {
        Training training = training(new TrainedActivation.TrainedTopK(3, true, false), 60);
        Training other = training(new TrainedActivation.PenalizedRelu(0.1, true), 60);
        try (SaeTrainer ahead = SaeTrainer.begin(training, DATA, 1);
                SaeTrainer behind = SaeTrainer.begin(other, DATA, 1);
                SaeTrainer one = SaeTrainer.begin(training, DATA, 1);
                SaeTrainer two = SaeTrainer.begin(other, DATA, 1)) {
            assertThatThrownBy(() -> ahead.run(DATA, (done, losses, rate, dead) -> {
                        if (done == 17) {
                            throw new IllegalStateException("stopped");
                        }
                    }))
                    .hasMessage("stopped");
            SaeTrainer.run(List.of(ahead, behind), DATA, (trainer, done, losses, rate, dead) -> {});
            SaeTrainer.run(List.of(one, two), DATA, (trainer, done, losses, rate, dead) -> {});
            for (int i = 0; i < 2; i++) {
                SparseAutoencoder found = List.of(ahead, behind).get(i).autoencoder(SaeMetadata.unknown());
                SparseAutoencoder expected = List.of(one, two).get(i).autoencoder(SaeMetadata.unknown());
                assertThat(found.parameters().encoder())
                        .isEqualTo(expected.parameters().encoder());
            }
            assertThatThrownBy(() -> SaeTrainer.run(List.of(), DATA, (trainer, done, losses, rate, dead) -> {}))
                    .hasMessageContaining("no autoencoder to train");
        }
    }

    @Test
    void batchTopKRunsWithTheThresholdThatItLearned() {
        Training training = training(new TrainedActivation.TrainedTopK(3, true, true), 700);
        try (SaeTrainer trainer = SaeTrainer.begin(training, DATA, 2)) {
            trainer.run(DATA, (done, losses, rate, dead) -> {});
            SparseAutoencoder sae = trainer.autoencoder(SaeMetadata.unknown());
            assertThat(sae.config().activation()).isInstanceOf(LatentActivation.Threshold.class);
            float[] x = new float[512 * D];
            DATA.read(9999, 512, x, x);
            double l0 = sae.encode(x).l0().getAsDouble();
            assertThat(l0).isBetween(2.0, 5.0);
            assertThat(sae.foldNormalization().encode(x).l0().getAsDouble()).isCloseTo(l0, within(1e-9));
        }
    }

    @Test
    void thresholdsMove() {
        Training training = training(
                new TrainedActivation.TrainedJump(0.3, TrainedActivation.Sparsity.STEP, 0.05, 0, 0, false, false), 100);
        try (SaeTrainer trainer = SaeTrainer.begin(training, DATA, 2)) {
            trainer.run(DATA, (done, losses, rate, dead) -> {});
            int moved = 0;
            for (float threshold :
                    trainer.autoencoder(SaeMetadata.unknown()).parameters().threshold()) {
                moved += Math.abs(threshold - 0.01f) > 1e-3 ? 1 : 0;
            }
            assertThat(moved).isGreaterThan(40);
        }
    }
}
