package dev.hyaline.analysis.sparse.train;

import static dev.hyaline.analysis.sparse.SparseGolden.assertClose;
import static dev.hyaline.analysis.sparse.SparseGolden.floats;
import static dev.hyaline.analysis.sparse.SparseGolden.transposed;
import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.analysis.sparse.SparseGolden;
import dev.hyaline.analysis.sparse.internal.TileProduct;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import dev.hyaline.files.Json;
import dev.hyaline.files.TensorValues;
import dev.hyaline.weights.TensorFile;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Losses, gradients, one and three steps of every recipe, against the projects' own in float64. */
class RecipeGoldenTest {
    private static final Map<String, String> NAMES = Map.of(
            "W_enc", Weights.ENCODER,
            "b_enc", Weights.ENCODER_BIAS,
            "W_dec", Weights.DECODER,
            "b_dec", Weights.DECODER_BIAS,
            "threshold", Weights.THRESHOLD,
            "b_gate", Weights.GATE_BIAS,
            "b_mag", Weights.MAGNITUDE_BIAS,
            "r_mag", Weights.MAGNITUDE_SCALE,
            "W_skip", Weights.SKIP);

    @ParameterizedTest
    @ValueSource(
            strings = {
                "batchtopk",
                "batchtopk-unit",
                "crosscoder",
                "gated",
                "gated-paper",
                "jumprelu",
                "jumprelu-log",
                "jumprelu-ste-input",
                "jumprelu-tanh",
                "jumprelu-target",
                "matryoshka",
                "matryoshka-unit",
                "standard",
                "standard-unit",
                "topk",
                "topk-fvu",
                "topk-many-dead",
                "topk-openai",
                "topk-plain",
                "topk-unit",
                "transcoder",
                "transcoder-fvu",
                "transcoder-skip"
            })
    void stepsAreTheProjectsOwn(String name) {
        Case golden = new Case(name);
        try (WorkerPool pool = new WorkerPool(1)) {
            Step step = golden.step(pool);
            for (int s = 0; s < 3; s++) {
                Losses losses = step.backward(golden.x(s), golden.y(s), golden.batch, golden.dead, 1);
                assertThat(losses.total())
                        .as("loss of batch %d", s)
                        .isCloseTo(golden.loss(s), relative(golden.loss(s), s == 0 ? 1e-5 : 1e-4));
                if (s == 0) {
                    double norm = golden.json.require("grad_norm").number();
                    assertThat(losses.gradientNorm()).isCloseTo(norm, relative(norm, 1e-4));
                    assertThat(losses.l0()).isCloseTo(golden.json.require("l0").number(), Offset.offset(1e-6));
                    golden.compare("grad.", golden.weights, true);
                }
                step.move(golden.rate());
                if (s == 0) {
                    golden.compare("p1.", golden.weights, false);
                }
                golden.compareThreshold(s, step.threshold().value());
            }
            golden.compare("p3.", golden.weights, false);
        }
    }

    /** The same by sums over the latents that fire, which whole products take the place of while many do. */
    @ParameterizedTest
    @ValueSource(strings = {"standard", "standard-unit", "crosscoder", "transcoder", "transcoder-skip"})
    void stepsAreTheSameByWholeProductsAndBySums(String name) {
        for (double bound : new double[] {0, 2}) {
            Case golden = new Case(name);
            try (WorkerPool pool = new WorkerPool(1)) {
                Step step = golden.step(pool);
                step.denseAbove(bound);
                for (int s = 0; s < 3; s++) {
                    Losses losses = step.backward(golden.x(s), golden.y(s), golden.batch, golden.dead, 1);
                    step.move(golden.rate());
                    assertThat(losses.total()).isCloseTo(golden.loss(s), relative(golden.loss(s), 1e-4));
                }
                golden.compare("p3.", golden.weights, false);
            }
        }
    }

    @Test
    void bitsDependOnNoThread() {
        for (String name : List.of("standard", "gated", "matryoshka", "jumprelu-tanh", "topk", "transcoder-skip")) {
            List<float[]> one = trained(name, 1);
            List<float[]> three = trained(name, 3);
            for (int i = 0; i < one.size(); i++) {
                assertThat(three.get(i)).isEqualTo(one.get(i));
            }
        }
    }

    private static List<float[]> trained(String name, int threads) {
        Case golden = new Case(name);
        try (WorkerPool pool = new WorkerPool(threads)) {
            Step step = golden.step(pool);
            for (int s = 0; s < 3; s++) {
                step.backward(golden.x(s), golden.y(s), golden.batch, golden.dead, 1);
                step.move(golden.rate());
            }
        }
        List<float[]> values = new ArrayList<>();
        golden.weights.all().values().forEach(parameter -> values.add(parameter.value));
        return values;
    }

    private static Offset<Double> relative(double value, double tolerance) {
        return Offset.offset(Math.abs(value) * tolerance);
    }

    /** A recipe, its start, batches and reference values. */
    private static final class Case {
        final TensorValues values;
        final Json json;
        final int batch;
        final boolean[] dead;
        final Weights weights;
        private final String name;
        private final int sites;
        private final int n;
        private final int d;
        private final int dOut;
        private final Recipe recipe;

        Case(String name) {
            this.name = name;
            values = SparseGolden.values("train/" + name + ".safetensors");
            json = SparseGolden.json("train/" + name + ".json");
            List<Long> x = values.shape("x");
            batch = x.get(1).intValue();
            sites = x.size() == 4 ? x.get(2).intValue() : 1;
            d = x.getLast().intValue() * sites;
            List<Long> decoder = values.shape("p0.W_dec");
            n = decoder.get(0).intValue();
            dOut = decoder.getLast().intValue() * sites;
            dead = new boolean[n];
            if (values.has("dead")) {
                byte[] flags = flags();
                for (int i = 0; i < n; i++) {
                    dead[i] = flags[i] != 0;
                }
            }
            weights = new Weights(n, d, dOut);
            weights.put(Weights.ENCODER, transposed(tensor("p0.W_enc"), d, n));
            NAMES.forEach((stored, own) -> {
                if (!stored.equals("W_enc") && values.has("p0." + stored)) {
                    weights.put(own, tensor("p0." + stored));
                }
            });
            if (values.has("p0.log_threshold")) {
                weights.put(Weights.THRESHOLD, tensor("p0.log_threshold"));
            }
            recipe = recipe();
        }

        private byte[] flags() {
            try (TensorFile file = TensorFile.open(SparseGolden.path("train/" + name + ".safetensors"))) {
                return file.bytes("dead");
            }
        }

        private float[] tensor(String tensor) {
            return floats(values, tensor);
        }

        float[] x(int step) {
            return values.floats("x", (long) step * batch * d, (long) batch * d);
        }

        float[] y(int step) {
            return values.has("y") ? values.floats("y", (long) step * batch * dOut, (long) batch * dOut) : x(step);
        }

        double loss(int step) {
            return json.require("losses").elements().get(step).require("loss").number();
        }

        double rate() {
            return json.require("optimizer").require("lr").number();
        }

        Step step(WorkerPool pool) {
            boolean subtracts = !name.startsWith("transcoder")
                    && sites == 1
                    && json.require("config")
                            .get("b_dec_to_input")
                            .map(Json::bool)
                            .orElse(true);
            return new Step(recipe, weights, sites, subtracts, TileProduct.kernels(), pool);
        }

        private double option(String key, double unless) {
            return json.require("config").get(key).map(Json::number).orElse(unless);
        }

        private boolean flag(String key) {
            return json.require("config").get(key).map(Json::bool).orElse(false);
        }

        private Recipe recipe() {
            TrainedActivation activation;
            if (name.startsWith("gated")) {
                activation = new TrainedActivation.PenalizedGate(option("l1", 0), flag("frozen"));
            } else if (name.startsWith("jumprelu")) {
                TrainedActivation.Sparsity kind = TrainedActivation.Sparsity.valueOf(
                        json.require("config").require("sparsity").string().toUpperCase(java.util.Locale.ROOT));
                double scale =
                        kind == TrainedActivation.Sparsity.TARGET ? option("target_l0", 0) : option("tanh_scale", 0);
                activation = new TrainedActivation.TrainedJump(
                        option("bandwidth", 0),
                        kind,
                        option("l0", 0),
                        scale,
                        option("pre_act", 0),
                        flag("ste_to_input"),
                        values.has("p0.log_threshold"));
            } else if (json.require("config").get("k").isPresent()) {
                activation = new TrainedActivation.TrainedTopK(option("k", 0), flag("rescale"), flag("batch"));
            } else {
                activation = new TrainedActivation.PenalizedRelu(option("l1", 0), !name.equals("standard-unit"));
            }
            Recipe made = Recipe.of(activation)
                    .auxiliary(Recipe.Auxiliary.NONE, 0, 0)
                    .threshold(Recipe.ThresholdRule.NONE)
                    .optimizer(optimizer());
            if (name.endsWith("fvu")) {
                made = made.reconstruction(Recipe.Reconstruction.UNEXPLAINED_VARIANCE, 1)
                        .auxiliary(Recipe.Auxiliary.SPARSIFY, option("alpha", 0), 0);
                made = flag("multi") ? made.withMultiTopK() : made;
            } else if (name.endsWith("openai")) {
                made = made.reconstruction(Recipe.Reconstruction.MEAN, option("mse_scale", 1))
                        .auxiliary(Recipe.Auxiliary.OPENAI, option("alpha", 0), (int) option("k_aux", 0));
            } else if (activation instanceof TrainedActivation.TrainedTopK) {
                made = json.require("config").get("aux").isPresent()
                        ? made.auxiliary(Recipe.Auxiliary.SAELENS, option("aux", 0), 0)
                        : made.auxiliary(Recipe.Auxiliary.DICTIONARY_LEARNING, option("alpha", 0), 0);
            }
            if (name.equals("matryoshka")) {
                made = made.prefixes(List.of(9, 24, 45), List.of(1.0, 1.0, 1.0));
            } else if (name.equals("matryoshka-unit")) {
                made = made.prefixes(List.of(9, 24, 45), List.of(0.2 / 3, 0.3 / 3, 0.5 / 3));
            }
            return json.require("config")
                    .get("threshold")
                    .map(rule -> rule.string().equals("saelens")
                            ? Recipe.ThresholdRule.SAELENS
                            : Recipe.ThresholdRule.DICTIONARY_LEARNING)
                    .map(made::threshold)
                    .orElse(made);
        }

        private Recipe.Optimizer optimizer() {
            Json optimizer = json.require("optimizer");
            List<Json> betas = optimizer.require("betas").elements();
            return new Recipe.Optimizer(
                    betas.get(0).number(),
                    betas.get(1).number(),
                    optimizer.require("eps").number(),
                    optimizer.nullable("clip").map(Json::number).orElse(0.0),
                    switch (optimizer.require("decoder").string()) {
                        case "unit" -> Recipe.DecoderRule.UNIT;
                        case "openai" -> Recipe.DecoderRule.NORMALIZED_BEFORE;
                        case "project_only" -> Recipe.DecoderRule.PROJECTED;
                        default -> Recipe.DecoderRule.FREE;
                    },
                    optimizer.get("project_eps").map(Json::bool).orElse(false) ? 1e-6 : 0);
        }

        /** Compares every parameter, or its gradient, with the reference. */
        void compare(String prefix, Weights found, boolean gradient) {
            boolean projected = recipe.optimizer().decoder() != Recipe.DecoderRule.FREE;
            found.all().forEach((own, parameter) -> {
                String stored = NAMES.entrySet().stream()
                        .filter(entry -> entry.getValue().equals(own))
                        .findFirst()
                        .orElseThrow()
                        .getKey();
                if (own.equals(Weights.THRESHOLD) && values.has("p0.log_threshold")) {
                    stored = "log_threshold";
                }
                float[] expected = tensor(prefix + stored);
                if (own.equals(Weights.ENCODER)) {
                    expected = transposed(expected, d, n);
                }
                if (gradient && projected && own.equals(Weights.DECODER)) {
                    expected = projected(expected, tensor("p0.W_dec"));
                }
                assertClose(prefix + own, gradient ? parameter.gradient : parameter.value, expected, 1e-4);
            });
        }

        /** The reference gradient is that before the projection off the decoder's rows. */
        private float[] projected(float[] gradient, float[] rows) {
            float[] projected = gradient.clone();
            double eps = recipe.optimizer().projectionEps();
            for (int i = 0; i < n; i++) {
                double product = 0;
                double squares = 0;
                for (int c = i * dOut; c < (i + 1) * dOut; c++) {
                    product += (double) gradient[c] * rows[c];
                    squares += (double) rows[c] * rows[c];
                }
                double length = Math.sqrt(squares) + eps;
                for (int c = i * dOut; c < (i + 1) * dOut; c++) {
                    projected[c] -= (float) (product / (length * length) * rows[c]);
                }
            }
            return projected;
        }

        void compareThreshold(int step, double found) {
            json.get("threshold_after_step").ifPresent(list -> {
                Json expected = list.elements().get(step);
                if (!expected.isNull()) {
                    assertThat(found).isCloseTo(expected.number(), relative(expected.number(), 1e-4));
                }
            });
        }
    }
}
