package dev.hyaline.instrument.gradient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.Tape;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.UnknownHookPointException;
import dev.hyaline.engine.fixtures.CallingProbe;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.fixtures.Recording;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Models;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.InterventionProbe;
import dev.hyaline.instrument.run.RandomEdits;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.Assume;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** Gradients as users ask for them, of passes as they are and of edited ones. */
class GradientsTest {
    @Test
    void everyPromptHasTheGradientOfItsOwnScalar() {
        Prompts prompts = Models.prompts(7, 3, 12);
        int[][] answers = {{5}, {6, 7}, {8}};
        int[][] distractors = {{1, 2}, {3}, {}};
        Objective objective = Objective.logitDifference(prompts, answers, distractors);
        Capture capture = Capture.of(HookPoint.all(Models.CONFIG));
        try (Gpt2 model = Models.small()) {
            Gradients gradients = Gradients.of(model, prompts, objective, capture);
            for (int s = 0; s < prompts.size(); s++) {
                Tape tape = model.record(ForwardRequest.of(prompts.tokens(s)).logits(LogitSelection.last()));
                float[] gradient = new float[Models.CONFIG.dVocab()];
                for (int answer : answers[s]) {
                    gradient[answer] = 1f / answers[s].length;
                }
                for (int distractor : distractors[s]) {
                    gradient[distractor] = -1f / distractors[s].length;
                }
                Recording alone = Recording.everything();
                tape.backward(gradient, alone);
                for (HookPoint point : capture.points()) {
                    if (point.site() != Site.UNEMBED_OUT) {
                        assertThat(gradients.values(point, s)).as(point.name()).isEqualTo(alone.of(point, 0));
                    }
                }
                float[] logits = gradients.values(HookPoint.of(Site.UNEMBED_OUT), s);
                assertThat(Arrays.copyOfRange(logits, logits.length - gradient.length, logits.length))
                        .isEqualTo(gradient);
            }
            assertThat(gradients.values("z1", 0)).isNotEqualTo(new float[7 * Models.CONFIG.dModel()]);
            assertThat(gradients.row(HookPoint.of(Site.RESID_MID, 1), 2, 11)).hasSize(Models.CONFIG.dModel());
            assertThat(gradients.stack(Site.Q, 1)).hasSize(3 * 3 * Models.CONFIG.dModel());
            assertThat(gradients.bytes()).isEqualTo(capture.bytes(Models.CONFIG, prompts));
            assertThat(Gradients.passBytes(Models.CONFIG, prompts)).isPositive();
        }
    }

    @Test
    void crossEntropyGradientsSumToNothingOverTheVocabulary() {
        Prompts prompts = Models.prompts(6, 9);
        try (Gpt2 model = Models.small()) {
            Gradients gradients = Gradients.of(
                    model, prompts, Objective.crossEntropy(prompts), Capture.of(Models.CONFIG, "unembed.hook_out"));
            for (int s = 0; s < 2; s++) {
                float[] values = gradients.values(HookPoint.of(Site.UNEMBED_OUT), s);
                int n = Models.CONFIG.dVocab();
                for (int position = 0; position < prompts.length(s); position++) {
                    double sum = 0;
                    for (int i = 0; i < n; i++) {
                        sum += values[position * n + i];
                    }
                    assertThat(sum).isCloseTo(0, within(1e-7));
                    boolean read = position < prompts.length(s) - 1;
                    assertThat(
                                    read
                                            ? values[position * n + prompts.token(s, position + 1)] < 0
                                            : values[position * n] == 0)
                            .isTrue();
                }
            }
            assertThatThrownBy(() -> Objective.crossEntropy(Models.prompts(1)))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("at least two tokens");
        }
    }

    @Property(tries = 150)
    void gradientsGoBackThroughEdits(@ForAll long seed) {
        RandomEdits edits = new RandomEdits(seed);
        Random random = edits.random();
        // In narrow ones a step may exceed a norm's scale.
        Assume.that(edits.config().dModel() >= 10);
        try (Gpt2 model = Gpt2.of(RandomModels.weights(edits.config(), seed), 2)) {
            edits.record(model);
            Interventions interventions = edits.editOfOneSequence().interventions();
            Assume.that(interventions.list().stream().noneMatch(edit -> edit instanceof Intervention.Custom));
            List<Sequence> batch = IntStream.range(0, edits.prompts().size())
                    .mapToObj(s -> Sequence.of(edits.prompts().tokens(s)))
                    .toList();
            List<HookPoint> points = HookPoint.all(edits.config()).stream()
                    .filter(point -> point.site() != Site.ATTN_SCORES)
                    .toList();
            HookPoint point = points.get(random.nextInt(points.size()));
            boolean norms = interventions.list().stream()
                    .anyMatch(edit -> edit.target().site() == Site.LN1_SCALE
                            || edit.target().site() == Site.LN1_NORMALIZED);
            boolean heads = point.site() == Site.ATTN_IN
                    || point.site() == Site.Q_INPUT
                    || point.site() == Site.K_INPUT
                    || point.site() == Site.V_INPUT
                    || interventions.list().stream()
                            .anyMatch(edit -> edit.target().site().onRequest());
            Assume.that(!norms || !heads);
            Tape tape = model.record(ForwardRequest.of(batch)
                    .probe(InterventionProbe.of(interventions, edits.config(), edits.prompts())));
            float[] weights = gaussians(random, tape.result().logits().length);
            Recording slopes = new Recording(point::equals);
            tape.backward(weights, slopes);
            float[] slope = concat(slopes.values().get(point));
            float[] direction = gaussians(random, slope.length);
            double[] rises = new double[2];
            for (int i = 0; i < 2; i++) {
                double step = i == 0 ? 1e-3 : 2e-3;
                rises[i] = (scalar(model, batch, edits, interventions, weights, point, direction, step)
                                - scalar(model, batch, edits, interventions, weights, point, direction, -step))
                        / (2 * step);
            }
            double size = Math.sqrt(dot(slope, slope));
            // Where a step is too long for the curve, two steps disagree.
            Assume.that(Math.abs(rises[1] - rises[0]) < 0.03 * size + 0.1);
            assertThat(rises[0])
                    .as(point + " after " + interventions.describe())
                    .isCloseTo(dot(slope, direction), within(0.04 * size + 0.3));
        }
    }

    private static double scalar(
            Gpt2 model,
            List<Sequence> batch,
            RandomEdits edits,
            Interventions interventions,
            float[] weights,
            HookPoint point,
            float[] direction,
            double step) {
        InterventionProbe probe = InterventionProbe.of(interventions, edits.config(), edits.prompts())
                .then(new CallingProbe(point::equals, (at, activation) -> {
                    for (int i = 0; i < direction.length; i++) {
                        activation.values()[i] += (float) (step * direction[i]);
                    }
                }));
        return dot(model.forward(ForwardRequest.of(batch).probe(probe)).logits(), weights);
    }

    @Test
    void constantsStopTheGradientAndScalesPassIt() {
        Prompts prompts = Models.prompts(8);
        Objective objective = Objective.logitDifference(prompts, new int[][] {{5}}, new int[][] {{6}});
        Capture capture = Capture.of(Models.CONFIG, "mlp_out1", "blocks.1.mlp.hook_post", "resid_post1", "resid_mid1");
        Target all = Target.of(Site.MLP_OUT).layers(1);
        try (Gpt2 model = Models.small()) {
            GradientPass pass = GradientPass.of(model, prompts, objective);
            Gradients zeroed =
                    Gradients.of(model, prompts, capture, pass.edited(Interventions.of(new Intervention.Zero(all))));
            assertThat(zeroed.values("mlp_out1", 0)).isEqualTo(zeroed.values("resid_post1", 0));
            assertThat(zeroed.values("blocks.1.mlp.hook_post", 0)).containsOnly(0f);
            assertThat(zeroed.values("resid_mid1", 0)).isEqualTo(zeroed.values("resid_post1", 0));
            Gradients stopped =
                    Gradients.of(model, prompts, capture, pass.stopping(List.of(HookPoint.of(Site.MLP_OUT, 1))));
            assertThat(stopped.values("mlp_out1", 0)).doesNotContain(0f);
            assertThat(stopped.values("blocks.1.mlp.hook_post", 0)).containsOnly(0f);
            assertThat(stopped.values("resid_mid1", 0)).isEqualTo(stopped.values("resid_post1", 0));
        }
    }

    @Test
    void functionsSayHowAGradientGoesBackThroughThem() {
        Prompts prompts = Models.prompts(8);
        Objective objective = Objective.logitDifference(prompts, new int[][] {{5}}, new int[][] {{6}});
        Capture capture = Capture.of(Models.CONFIG, "mlp_out1", "resid_pre0");
        Target part = Target.of(Site.MLP_OUT).layers(1).components(0, 3);
        Intervention.SlotFunction half = new Intervention.SlotFunction() {
            @Override
            public void change(Slot slot, float[] values) {
                for (int i = 0; i < values.length; i++) {
                    values[i] *= 0.5f;
                }
            }

            @Override
            public boolean pullBack(Slot slot, float[] gradient) {
                for (int i = 0; i < gradient.length; i++) {
                    gradient[i] *= 0.5f;
                }
                return true;
            }
        };
        try (Gpt2 model = Models.small()) {
            GradientPass pass = GradientPass.of(model, prompts, objective);
            Gradients byFunction = Gradients.of(
                    model, prompts, capture, pass.edited(Interventions.of(Intervention.function(part, half))));
            Gradients byFactor = Gradients.of(
                    model, prompts, capture, pass.edited(Interventions.of(Intervention.scale(part, 0.5f))));
            assertThat(byFunction.values("resid_pre0", 0))
                    .isEqualTo(byFactor.values("resid_pre0", 0))
                    .isNotEqualTo(Gradients.of(model, prompts, capture, pass).values("resid_pre0", 0));
        }
    }

    @Test
    void strengthsOfEditsHaveDerivatives() {
        Prompts prompts = Models.prompts(8, 5);
        Objective objective = Objective.logitDifference(prompts, new int[][] {{5}, {4}}, new int[][] {{6}, {7}});
        float[] vector = gaussians(new Random(2), Models.CONFIG.dModel());
        Target residual = Target.of(Site.RESID_PRE).layers(1, 2);
        Target heads =
                Target.of(Site.Z).layers(1).positions(IndexSelection.of(2, 3)).components(0, 1);
        Target out = Target.of(Site.MLP_OUT).layers(0);
        try (Gpt2 model = Models.small()) {
            double[][] found = new double[2][3];
            Interventions edits = strengths(residual, heads, out, vector, 0.7f, 0, 0.3f);
            Gradients.of(
                    model,
                    prompts,
                    Capture.of(Models.CONFIG, "z0"),
                    GradientPass.of(model, prompts, objective)
                            .edited(edits)
                            .strengths((edit, sequence, derivative) ->
                                    found[sequence][edits.list().indexOf(edit)] += derivative));
            float step = 1f / 256;
            for (int of = 0; of < 3; of++) {
                double[][] ends = new double[2][];
                for (int side = 0; side < 2; side++) {
                    float[] strengths = {0.7f, 0, 0.3f};
                    strengths[of] += side == 0 ? -step : step;
                    ends[side] = differences(
                            model,
                            prompts,
                            strengths(residual, heads, out, vector, strengths[0], strengths[1], strengths[2]));
                }
                for (int sequence = 0; sequence < 2; sequence++) {
                    double slope = (ends[1][sequence] - ends[0][sequence]) / (2 * step);
                    assertThat(found[sequence][of])
                            .as("strength " + of)
                            .isCloseTo(slope, within(0.02 * Math.abs(slope) + 2e-3))
                            .isNotZero();
                }
            }
        }
    }

    private static Interventions strengths(
            Target residual, Target heads, Target out, float[] vector, float added, float factor, float deviation) {
        return Interventions.of(
                Intervention.add(residual, added, vector),
                Intervention.scale(heads, factor),
                Intervention.noise(out, deviation, 3));
    }

    private static double[] differences(Gpt2 model, Prompts prompts, Interventions edits) {
        double[] differences = new double[prompts.size()];
        int[][] tokens = {{5, 6}, {4, 7}};
        for (int s = 0; s < differences.length; s++) {
            float[] logits = model.forward(ForwardRequest.of(prompts.tokens(s))
                            .logits(LogitSelection.last())
                            .probe(InterventionProbe.of(edits, model.config(), prompts, s, s + 1)))
                    .logits();
            differences[s] = logits[tokens[s][0]] - logits[tokens[s][1]];
        }
        return differences;
    }

    @Test
    void whatCannotBeHadIsSaid() {
        Prompts prompts = Models.prompts(4);
        Objective objective = Objective.atLast(prompts, (s, logits) -> new float[3]);
        try (Gpt2 model = Models.small()) {
            assertThatThrownBy(() -> Capture.of(Models.CONFIG, "nothing"))
                    .isInstanceOf(UnknownHookPointException.class);
            Capture capture = Capture.of(Models.CONFIG, "z0");
            assertThatThrownBy(() -> Gradients.of(model, prompts, objective, capture))
                    .hasMessageContaining("gradient of the objective for prompt 0")
                    .hasMessageContaining("3 values");
            assertThatThrownBy(() -> Gradients.of(
                            model,
                            prompts,
                            capture,
                            GradientPass.of(model, prompts, Objective.atLast(prompts, (s, logits) -> logits.clone()))
                                    .edited(Interventions.of(Intervention.function(
                                            Target.of(Site.MLP_OUT).layers(2).positions(IndexSelection.of(0)),
                                            (slot, values) -> values[0] *= 2)))))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("blocks.2.hook_mlp_out");
        }
    }

    private static float[] gaussians(Random random, int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static float[] concat(List<float[]> parts) {
        float[] all = new float[parts.stream().mapToInt(part -> part.length).sum()];
        int at = 0;
        for (float[] part : parts) {
            System.arraycopy(part, 0, all, at, part.length);
            at += part.length;
        }
        return all;
    }

    private static double dot(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (double) a[i] * b[i];
        }
        return sum;
    }
}
