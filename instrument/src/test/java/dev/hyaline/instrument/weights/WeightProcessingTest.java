package dev.hyaline.instrument.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.capture.LensReference;
import dev.hyaline.instrument.capture.LogitAttribution;
import dev.hyaline.weights.Checkpoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class WeightProcessingTest {
    @ParameterizedTest
    @EnumSource
    void aStepAloneChangesTheParametersThatTransformerLensChanges(ProcessingStep step) {
        for (String name : List.of("tiny-relu", "tiny-variant")) {
            LensReference reference = new LensReference(name);
            try (Checkpoint checkpoint = reference.checkpoint()) {
                ModelWeights before = ModelWeights.of(checkpoint.config(), checkpoint.tensors());
                Gpt2Weights processed =
                        WeightProcessing.processWeights(checkpoint.config(), checkpoint.tensors(), List.of(step));
                assertThat(processed.processing()).containsExactly(step.toString());
                ModelWeights after = ModelWeights.of(processed);
                for (String parameter : parameters(before)) {
                    String changed = "process." + step + "." + parameter;
                    float[] expected = reference.names().contains(changed)
                            ? reference.values(changed)
                            : parameter(before, parameter);
                    LensReference.assertClose(parameter(after, parameter), expected, name + " " + changed);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tiny-relu", "tiny-variant"})
    void stacksOfTheProcessedModelAreTransformerLenss(String name) {
        LensReference reference = new LensReference(name);
        try (Checkpoint checkpoint = reference.checkpoint();
                Gpt2 model = Gpt2.of(WeightProcessing.processWeights(checkpoint.weights()))) {
            ActivationCache cache =
                    ActivationCache.record(model, reference.prompts(model.config()), Capture.of(model.config(), "all"));
            reference.assertEqual(cache.decomposeResid(), "folded.decompose");
            reference.assertEqual(cache.stackHeadResults().withRemainder(), "folded.heads");
            reference.assertEqual(
                    cache.applyFinalLnToEach(cache.accumulatedResid(
                            Boundary.residPre(model.config().nLayers()), true)),
                    "folded.accumulated.lens");
            int[] answers = {5, 11};
            assertAttributions(
                    cache.logitAttrs(cache.decomposeResid(), answers, new int[] {2, 3}),
                    reference.values("folded.logit_attrs"));
            assertAttributions(
                    cache.logitAttrs(cache.stackHeadResults(), answers), reference.values("folded.logit_attrs.heads"));
        }
    }

    private static void assertAttributions(LogitAttribution found, float[] expected) {
        int rows = found.rows().size();
        for (int component = 0; component < found.labels().size(); component++) {
            double[] values = found.values(component);
            LensReference.assertClose(
                    floats(values),
                    Arrays.copyOfRange(expected, component * rows, (component + 1) * rows),
                    found.labels().get(component));
        }
    }

    @Test
    void parametersThatNoStepTouchesStayAsTheyAre() {
        LensReference reference = new LensReference("tiny-variant");
        try (Checkpoint checkpoint = reference.checkpoint()) {
            Gpt2Weights weights = checkpoint.weights();
            Gpt2Weights folded = WeightProcessing.processWeights(weights, List.of(ProcessingStep.FOLD_VALUE_BIASES));
            for (TensorSpec tensor : Gpt2Weights.tensors(weights.config())) {
                if (!tensor.name().endsWith("c_attn.bias") && !tensor.name().endsWith("attn.c_proj.bias")) {
                    assertThat(folded.tensor(tensor.name())).isEqualTo(weights.tensor(tensor.name()));
                }
            }
            assertThat(folded.config()).isEqualTo(weights.config());
            assertThat(weights.processing()).isEmpty();
        }
    }

    @Test
    void stepsAppliedOneByOneAreStepsAppliedTogether() {
        LensReference reference = new LensReference("tiny-relu");
        try (Checkpoint checkpoint = reference.checkpoint()) {
            Gpt2Weights together = WeightProcessing.processWeights(checkpoint.weights());
            Gpt2Weights oneByOne = checkpoint.weights();
            for (ProcessingStep step : ProcessingStep.values()) {
                oneByOne = WeightProcessing.processWeights(oneByOne, List.of(step));
            }
            assertThat(oneByOne.config()).isEqualTo(together.config());
            assertThat(oneByOne.processing())
                    .isEqualTo(together.processing())
                    .containsExactly("fold_ln", "center_writing_weights", "center_unembed", "fold_value_biases");
            for (TensorSpec tensor : Gpt2Weights.tensors(together.config())) {
                LensReference.assertClose(
                        oneByOne.tensor(tensor.name()), together.tensor(tensor.name()), tensor.name());
            }
        }
    }

    @Test
    void probabilitiesStayAndLogitsMoveByOneConstantAToken() {
        try (Checkpoint checkpoint = Checkpoint.builtIn("fable");
                Gpt2 model = Gpt2.of(checkpoint.weights());
                Gpt2 folded = Gpt2.of(WeightProcessing.processWeights(checkpoint.weights()))) {
            int[] tokens = checkpoint.tokenizer().encode("Nora went to the park because the door was open");
            int vocabulary = model.config().dVocab();
            float[] before = model.logits(tokens);
            float[] after = folded.logits(tokens);
            for (int row = 0; row < tokens.length; row++) {
                double mean = 0;
                for (int token = 0; token < vocabulary; token++) {
                    mean += before[row * vocabulary + token] / (double) vocabulary;
                }
                float[] centered = Arrays.copyOfRange(before, row * vocabulary, (row + 1) * vocabulary);
                for (int token = 0; token < vocabulary; token++) {
                    centered[token] -= (float) mean;
                }
                LensReference.assertClose(
                        Arrays.copyOfRange(after, row * vocabulary, (row + 1) * vocabulary), centered, "row " + row);
            }
        }
    }

    @Test
    void stepsHaveTransformerLenssNames() {
        for (ProcessingStep step : ProcessingStep.values()) {
            assertThat(ProcessingStep.of(step.toString())).isEqualTo(step);
        }
        for (String wrong : List.of("fold", "FOLD_LN", "", "fold_ln ")) {
            assertThatThrownBy(() -> ProcessingStep.of(wrong))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("there are fold_ln, center_writing_weights");
        }
        try (Checkpoint checkpoint = Checkpoint.builtIn("fable")) {
            assertThatThrownBy(() -> WeightProcessing.processWeights(
                            checkpoint.config(), checkpoint.tensors(), EnumSet.noneOf(ProcessingStep.class)))
                    .isInstanceOf(BadInputException.class);
        }
    }

    private static List<String> parameters(ModelWeights weights) {
        List<String> names = new ArrayList<>(List.of("embed.W_E", "pos_embed.W_pos", "unembed.W_U", "unembed.b_U"));
        for (int layer = 0; layer < weights.config().nLayers(); layer++) {
            for (String local : List.of(
                    "attn.W_Q",
                    "attn.W_K",
                    "attn.W_V",
                    "attn.W_O",
                    "attn.b_Q",
                    "attn.b_K",
                    "attn.b_V",
                    "attn.b_O",
                    "mlp.W_in",
                    "mlp.b_in",
                    "mlp.W_out",
                    "mlp.b_out")) {
                names.add("blocks." + layer + "." + local);
            }
        }
        return names;
    }

    private static float[] parameter(ModelWeights weights, String name) {
        String[] parts = name.split("\\.", -1);
        int layer = parts[0].equals("blocks") ? Integer.parseInt(parts[1]) : -1;
        return switch (parts[parts.length - 1]) {
            case "W_E" -> floats(weights.wE().values());
            case "W_pos" -> floats(weights.wPos().values());
            case "W_U" -> floats(weights.wU().values());
            case "b_U" -> floats(weights.bU());
            case "W_Q" -> byHead(weights, head -> weights.wQ(layer, head).values());
            case "W_K" -> byHead(weights, head -> weights.wK(layer, head).values());
            case "W_V" -> byHead(weights, head -> weights.wV(layer, head).values());
            case "W_O" -> byHead(weights, head -> weights.wO(layer, head).values());
            case "b_Q" -> byHead(weights, head -> weights.bQ(layer, head));
            case "b_K" -> byHead(weights, head -> weights.bK(layer, head));
            case "b_V" -> byHead(weights, head -> weights.bV(layer, head));
            case "b_O" -> floats(weights.bO(layer));
            case "W_in" -> floats(weights.wIn(layer).values());
            case "b_in" -> floats(weights.bIn(layer));
            case "W_out" -> floats(weights.wOut(layer).values());
            case "b_out" -> floats(weights.bOut(layer));
            default -> throw new AssertionError(name);
        };
    }

    private static float[] byHead(ModelWeights weights, IntFunction<double[]> values) {
        return floats(IntStream.range(0, weights.config().nHeads())
                .boxed()
                .flatMapToDouble(head -> Arrays.stream(values.apply(head)))
                .toArray());
    }

    static float[] floats(double[] values) {
        float[] out = new float[values.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = (float) values[i];
        }
        return out;
    }
}
