package dev.hyaline.analysis.sparse;

import static dev.hyaline.analysis.sparse.SparseGolden.assertClose;
import static dev.hyaline.analysis.sparse.SparseGolden.floats;
import static dev.hyaline.analysis.sparse.SparseGolden.transposed;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.files.Json;
import dev.hyaline.files.TensorValues;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SparseAutoencoderTest {
    private static final int D = 60;
    private static final int N = 203;
    private static final double TOLERANCE = 1e-5;
    private static final TensorValues FILE = SparseGolden.values("infer.safetensors");
    private static final Json OPTIONS = SparseGolden.json("infer.json");
    private static final float[] X = floats(FILE, "x");

    @ParameterizedTest
    @ValueSource(
            strings = {
                "standard",
                "standard-no-b-dec",
                "standard-constant-norm",
                "standard-layer-norm",
                "standard-expected-average",
                "gated",
                "topk",
                "topk-rescale",
                "topk-layer-norm",
                "topk-more-than-positive",
                "batchtopk",
                "jumprelu",
                "jumprelu-no-b-dec"
            })
    void encodesAndDecodesAsTheReference(String name) {
        SparseAutoencoder sae = sae(name);
        float[] x =
                Arrays.copyOfRange(X, OPTIONS.require(name).require("first_row").integer(0, 1) * D, X.length);
        Latents latents = sae.encode(x);
        assertClose("acts", latents.dense(), floats(FILE, name + ".acts"), TOLERANCE);
        assertClose("recon", sae.reconstruct(x), floats(FILE, name + ".recon"), TOLERANCE);
        assertThat(latents.l0().getAsDouble())
                .isCloseTo(OPTIONS.require(name).require("l0").number(), org.assertj.core.api.Assertions.within(1e-9));
    }

    @Test
    void aTokenIsTheSameAloneAndOnAnyNumberOfThreads() {
        for (String name : new String[] {"standard", "gated", "topk-rescale", "jumprelu", "standard-layer-norm"}) {
            SparseAutoencoder sae = sae(name);
            float[] together = sae.encode(X).dense();
            assertThat(sae.onThreads(3).encode(X).dense()).isEqualTo(together);
            for (int t = 0; t < X.length / D; t++) {
                float[] alone = Arrays.copyOfRange(X, t * D, (t + 1) * D);
                assertThat(sae.encode(alone).dense()).isEqualTo(Arrays.copyOfRange(together, t * N, (t + 1) * N));
                assertThat(sae.reconstruct(alone))
                        .isEqualTo(Arrays.copyOfRange(sae.reconstruct(X), t * D, (t + 1) * D));
            }
        }
    }

    @Test
    void transcodersReadOneSiteAndWriteAnother() {
        for (String name : new String[] {"transcoder", "jumprelu_transcoder", "skip_transcoder"}) {
            boolean jump = name.startsWith("jump");
            SaeConfig config = new SaeConfig(
                    D,
                    52,
                    N,
                    1,
                    true,
                    false,
                    Normalization.none(),
                    jump ? new LatentActivation.JumpRelu() : new LatentActivation.Relu());
            SaeParameters p = SaeParameters.of(
                    transposed(floats(FILE, "W_enc"), D, N),
                    floats(FILE, "b_enc"),
                    floats(FILE, "transcoder.W_dec"),
                    floats(FILE, "transcoder.b_dec"));
            p = jump ? p.withThreshold(floats(FILE, "threshold")) : p;
            p = name.startsWith("skip") ? p.withSkip(floats(FILE, "transcoder.W_skip")) : p;
            SparseAutoencoder sae = SparseAutoencoder.of(config, p, SaeMetadata.unknown());
            if (FILE.has(name + ".acts")) {
                assertClose(name, sae.encode(X).dense(), floats(FILE, name + ".acts"), TOLERANCE);
            }
            assertClose(name, sae.reconstruct(X), floats(FILE, name + ".recon"), TOLERANCE);
        }
    }

    @Test
    void crosscodersAddUpTheirSites() {
        float[] wEnc = floats(FILE, "crosscoder.W_enc"); // [2, d, n]
        float[] encoder = transposed(wEnc, 2 * D, N);
        SaeConfig config =
                new SaeConfig(2 * D, 2 * D, N, 2, false, false, Normalization.none(), new LatentActivation.Relu());
        SparseAutoencoder sae = SparseAutoencoder.of(
                config,
                SaeParameters.of(
                        encoder,
                        floats(FILE, "b_enc"),
                        floats(FILE, "crosscoder.W_dec"),
                        floats(FILE, "crosscoder.b_dec")),
                SaeMetadata.unknown());
        float[] x = floats(FILE, "crosscoder.x");
        assertClose("acts", sae.encode(x).dense(), floats(FILE, "crosscoder.acts"), TOLERANCE);
        assertClose("recon", sae.reconstruct(x), floats(FILE, "crosscoder.recon"), TOLERANCE);
        CrosscoderReading reading = CrosscoderReading.of(sae);
        assertClose("norms", reading.relativeNorm(), floats(FILE, "crosscoder.relative_norm"), TOLERANCE);
        assertClose("cosines", reading.decoderCosine(), floats(FILE, "crosscoder.decoder_cosine"), TOLERANCE);
    }

    /** The first latent is of the first site alone by its decoder; the second is of both. */
    @Test
    void latentScalingFindsWhatTheOtherSiteSharesAfterAll() {
        SparseAutoencoder sae = SparseAutoencoder.of(
                new SaeConfig(4, 4, 2, 2, false, false, Normalization.none(), new LatentActivation.Relu()),
                SaeParameters.of(
                        new float[] {1, 0, 0, 0, 0, 1, 0, 0},
                        new float[2],
                        new float[] {1, 0, 0, 0, 0, 1, 0, 1},
                        new float[4]),
                SaeMetadata.unknown());
        // At the second site the first latent's direction is there too, three quarters as large.
        float[] x = {2, 1, 1.5f, 1, 4, 0, 3, 0};
        assertThat(CrosscoderReading.of(sae).relativeNorm()).containsExactly(0, 0.5f);
        assertThat(CrosscoderReading.latentScaling(sae, x, 1)).containsExactly(0.75f, 1);
        assertThat(CrosscoderReading.latentScaling(sae, x, 0)).containsExactly(0, 1);
        assertThatThrownBy(() -> CrosscoderReading.latentScaling(sae, x, 2)).isInstanceOf(BadInputException.class);
    }

    @Test
    void gradientPursuitFindsTheReferenceCodes() {
        SparseAutoencoder sae = sae("standard").foldDecoderNorms();
        float[] expected = floats(FILE, "gradient_pursuit.acts");
        int k = 0;
        for (int t = 0; t < X.length / D; t++) {
            int count = 0;
            for (int i = 0; i < N; i++) {
                count += expected[t * N + i] != 0 ? 1 : 0;
            }
            k = Math.max(k, count);
        }
        Latents codes = sae.gradientPursuit(X, k);
        assertClose("acts", codes.dense(), expected, 1e-4);
        assertClose("recon", sae.decode(codes), floats(FILE, "gradient_pursuit.recon"), 1e-4);
    }

    @Test
    void matchingPursuitTakesOutOrthonormalRowsOneByOne() {
        float[] rows = new float[3 * 4];
        rows[0] = 1;
        rows[5] = 1;
        rows[10] = 1;
        SaeConfig config = SaeConfig.of(4, 3, new LatentActivation.MatchingPursuit(1e-3f, 10));
        SparseAutoencoder sae = SparseAutoencoder.of(
                config,
                SaeParameters.of(new float[0], new float[0], rows, new float[] {0, 0, 0, 1}),
                SaeMetadata.unknown());
        Latents latents = sae.encode(new float[] {2, -3, 0.5f, 1});
        assertThat(latents.dense()).containsExactly(2, 0, 0.5f);
        assertThat(sae.decode(latents)).containsExactly(2, 0, 0.5f, 1);
    }

    @Test
    void tiesGoToTheLowestLatentAndThenToken() {
        float[] rows = {1, 1, 1, 1};
        SaeParameters p = SaeParameters.of(rows, new float[4], new float[] {1, 1, 1, 1}, new float[1]);
        SparseAutoencoder top =
                SparseAutoencoder.of(SaeConfig.of(1, 4, new LatentActivation.TopK(2, false)), p, SaeMetadata.unknown());
        assertThat(top.encode(new float[] {1}).dense()).containsExactly(1, 1, 0, 0);
        SparseAutoencoder batch = SparseAutoencoder.of(
                SaeConfig.of(1, 4, new LatentActivation.BatchTopK(1.5, false)), p, SaeMetadata.unknown());
        assertThat(batch.encode(new float[] {1, 1}).dense()).containsExactly(1, 1, 0, 0, 1, 0, 0, 0);
    }

    @Test
    void topKKeepsTheLargestOfManyMore() {
        Random random = new Random(5);
        int n = 3001;
        float[] encoder = new float[n * 7];
        for (int i = 0; i < encoder.length; i++) {
            encoder[i] = (float) random.nextGaussian();
        }
        float[] decoder = encoder.clone();
        SaeParameters p = SaeParameters.of(encoder, new float[n], decoder, new float[7]);
        SparseAutoencoder all =
                SparseAutoencoder.of(SaeConfig.of(7, n, new LatentActivation.Relu()), p, SaeMetadata.unknown());
        SparseAutoencoder top = SparseAutoencoder.of(
                SaeConfig.of(7, n, new LatentActivation.TopK(40, false)), p, SaeMetadata.unknown());
        float[] x = new float[5 * 7];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian();
        }
        float[] every = all.encode(x).dense();
        float[] kept = top.encode(x).dense();
        for (int t = 0; t < 5; t++) {
            float[] sorted = Arrays.copyOfRange(every, t * n, (t + 1) * n);
            Arrays.sort(sorted);
            float least = sorted[n - 40];
            for (int i = 0; i < n; i++) {
                float z = every[t * n + i];
                assertThat(kept[t * n + i]).isEqualTo(z >= least ? z : 0);
            }
        }
    }

    @Test
    void foldingAFactorChangesNeitherOutputsNorWhichLatentsFire() {
        for (LatentActivation activation : new LatentActivation[] {
            new LatentActivation.Relu(), new LatentActivation.Threshold(0.8f, true), new LatentActivation.TopK(9, true)
        }) {
            SparseAutoencoder sae = SparseAutoencoder.of(
                    SaeConfig.of(D, N, activation).withNormalization(new Normalization.Factor(0.5f)),
                    parameters(),
                    SaeMetadata.unknown());
            SparseAutoencoder folded = sae.foldNormalization();
            assertThat(folded.config().normalization()).isEqualTo(Normalization.none());
            assertThat(folded.encode(X).count()).isEqualTo(sae.encode(X).count());
            assertClose("recon", folded.reconstruct(X), sae.reconstruct(X), TOLERANCE);
        }
        SparseAutoencoder layerNorm = SparseAutoencoder.of(
                SaeConfig.of(D, N, new LatentActivation.Relu()).withNormalization(new Normalization.LayerNorm()),
                parameters(),
                SaeMetadata.unknown());
        assertThatThrownBy(layerNorm::foldNormalization).isInstanceOf(BadInputException.class);
    }

    @Test
    void unitDecodersKeepTheOutput() {
        for (String name : new String[] {"standard", "gated", "topk-rescale", "jumprelu"}) {
            SparseAutoencoder sae = sae(name);
            SparseAutoencoder unit = sae.foldDecoderNorms();
            for (float norm : unit.decoderNorms()) {
                assertThat(norm).isCloseTo(1, org.assertj.core.api.Assertions.within(1e-5f));
            }
            assertClose("recon", unit.reconstruct(X), sae.reconstruct(X), 1e-4);
        }
        SparseAutoencoder top = sae("topk");
        assertThatThrownBy(top::foldDecoderNorms)
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("compete");
    }

    @Test
    void whatDoesNotFitIsRefused() {
        SparseAutoencoder sae = sae("standard");
        assertThatThrownBy(() -> sae.encode(new float[D + 1])).isInstanceOf(BadShapeException.class);
        assertThatThrownBy(() -> SparseAutoencoder.of(
                        SaeConfig.of(D, N + 1, new LatentActivation.Relu()), parameters(), SaeMetadata.unknown()))
                .isInstanceOf(BadShapeException.class)
                .hasMessageContaining("W_enc");
        assertThatThrownBy(() -> sae.decode(Latents.of(new float[5], 5))).isInstanceOf(BadShapeException.class);
    }

    private static SaeParameters parameters() {
        return SaeParameters.of(
                transposed(floats(FILE, "W_enc"), D, N),
                floats(FILE, "b_enc"),
                floats(FILE, "W_dec"),
                floats(FILE, "b_dec"));
    }

    private static SparseAutoencoder sae(String name) {
        Json options = OPTIONS.require(name);
        boolean rescaled = options.get("rescale").map(Json::bool).orElse(false);
        SaeParameters p = parameters();
        LatentActivation activation;
        switch (options.require("arch").string()) {
            case "standard" -> activation = new LatentActivation.Relu();
            case "gated" -> {
                activation = new LatentActivation.Gated();
                p = p.withGate(floats(FILE, "b_gate"), floats(FILE, "b_mag"), floats(FILE, "r_mag"));
            }
            case "topk" ->
                activation = new LatentActivation.TopK(options.require("k").integer(1, N), rescaled);
            case "batchtopk" ->
                activation = new LatentActivation.BatchTopK(options.require("k").number(), rescaled);
            default -> {
                activation = new LatentActivation.JumpRelu();
                p = p.withThreshold(floats(FILE, "threshold"));
            }
        }
        Normalization normalization =
                switch (options.get("mode").map(Json::string).orElse("none")) {
                    case "constant_norm_rescale" -> new Normalization.ConstantNorm();
                    case "layer_norm" -> new Normalization.LayerNorm();
                    case "expected_average_only_in" ->
                        new Normalization.Factor(
                                (float) options.require("factor").number());
                    default -> Normalization.none();
                };
        SaeConfig config = SaeConfig.of(D, N, activation)
                .withNormalization(normalization)
                .withSubtractsDecoderBias(
                        options.get("b_dec_in").map(Json::bool).orElse(true));
        return SparseAutoencoder.of(config, p, SaeMetadata.unknown());
    }
}
