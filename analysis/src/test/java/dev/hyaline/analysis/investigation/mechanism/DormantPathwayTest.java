package dev.hyaline.analysis.investigation.mechanism;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Expectation.EffectAmount;
import dev.hyaline.analysis.investigation.Expectation.EffectUnit;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.investigation.ReferenceRuns;
import dev.hyaline.analysis.investigation.StudyPlan.TestDesign;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.probe.InterchangeSubspace;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.weights.Matrix;
import dev.hyaline.instrument.weights.ModelWeights;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * A direction of neurons that is planted half where the layer's output matrix reads nothing and half where it reads,
 * but where prompts do not differ: an interchange along it moves the output, though nothing of the model does.
 */
final class DormantPathwayTest {
    private static final Gpt2Config CONFIG =
            new Gpt2Config(1, 2, 8, 32, 8, 8, 1e-5f, ActivationFunction.GELU_NEW, true, false, true);
    private static final HookPoint NEURONS = HookPoint.of(Site.MLP_POST, 0);
    private static final int PAIRS = 16;
    private static final int ANSWER = 2;
    private static final int DISTRACTOR = 5;

    private static Evidence evidence(Gpt2 model) {
        SplittableRandom random = new SplittableRandom(1);
        List<PromptPair> pairs = new ArrayList<>();
        for (int pair = 0; pair < PAIRS; pair++) {
            int[] clean = random.ints(6, 0, 8).toArray();
            int[] corrupted = clean.clone();
            clean[5] = 1;
            corrupted[5] = 6;
            pairs.add(new PromptPair(
                    "pair " + pair, clean, corrupted, new int[] {ANSWER}, new int[] {DISTRACTOR}, Map.of()));
        }
        PromptPairs all = PromptPairs.of(CONFIG, pairs);
        return Evidence.of(
                Experiment.start(model, all, Metric.logitDifference()),
                ReferenceRuns.of(
                        model,
                        List.of(all.corrupted(CONFIG)),
                        new int[PAIRS],
                        IntStream.range(0, PAIRS).toArray()));
    }

    /** The mean difference of the neurons, clean less corrupted. */
    private static double[] difference(Evidence evidence) {
        double[] sum = new double[32];
        for (Side side : Side.values()) {
            ActivationSource source = evidence.experiment().runs().recorded(side, Site.MLP_POST);
            for (int pair = 0; pair < PAIRS; pair++) {
                float[] values = new float[32];
                source.read(new Slot(NEURONS, pair, 5, Slot.NO_HEAD), values);
                for (int i = 0; i < sum.length; i++) {
                    sum[i] += (side == Side.CLEAN ? values[i] : -values[i]) / PAIRS;
                }
            }
        }
        return sum;
    }

    private static double[] minus(double[] a, double[] b, double factor) {
        double[] left = a.clone();
        Arrays.setAll(left, i -> a[i] - factor * b[i]);
        return left;
    }

    private static double dot(double[] a, double[] b) {
        return IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).sum();
    }

    private static double[] unit(double[] a) {
        double length = Math.sqrt(dot(a, a));
        return Arrays.stream(a).map(value -> value / length).toArray();
    }

    private static SubClaimFinding readPart(Evidence evidence, double[] direction) {
        MechanismFinding found = MechanismFinding.test(
                new Encodes(
                        NEURONS,
                        "end",
                        InterchangeSubspace.of(direction),
                        null,
                        Encodes.FOLLOWS,
                        new EffectAmount(0.5, EffectUnit.GAP),
                        Encodes.SELECTIVITY),
                MechanismStudy.of(evidence, 1, new TestDesign(0.05), "dormant", 1),
                "dormant");
        assertThat(found.subClaims()).hasSize(6);
        return found.subClaims().get(5);
    }

    @Test
    void aDormantPathwayIsFoundOut() {
        try (Gpt2 model = Gpt2.of(RandomModels.weights(CONFIG, 3), 1)) {
            Evidence evidence = evidence(model);
            ModelWeights weights = ModelWeights.of(model.weights());
            Matrix out = weights.wOut(0);
            Matrix unembedding = weights.wU();
            double[] toAnswer = new double[32];
            Arrays.setAll(
                    toAnswer,
                    neuron -> IntStream.range(0, 8)
                            .mapToDouble(i ->
                                    out.get(neuron, i) * (unembedding.get(i, ANSWER) - unembedding.get(i, DISTRACTOR)))
                            .sum());
            double[] difference = difference(evidence);
            double[][] columns = new double[8][];
            Arrays.setAll(columns, out.transposed()::row);
            double[] read = InterchangeSubspace.of(columns).project(difference);
            double[] notRead = unit(minus(difference, read, 1));
            double[] dormant = unit(minus(toAnswer, unit(read), dot(toAnswer, unit(read))));
            double[] illusion = minus(notRead, dormant, -1);
            // The two halves are what they were planted to be.
            assertThat(dot(notRead, dormant)).isCloseTo(0, within(1e-9));
            assertThat(dot(dormant, difference)).isCloseTo(0, within(1e-9));
            assertThat(InterchangeSubspace.of(notRead).readBy(out)).isEmpty();

            SubClaimFinding found = readPart(evidence, illusion);
            assertThat(found.name()).isEqualTo("the read part");
            assertThat(found.verdict().isConfirmed()).isFalse();
            assertThat(found.estimate()).isNegative();
            // Where prompts differ and the matrix reads, the read part is all of it.
            SubClaimFinding real = readPart(evidence, minus(unit(read), dormant, -1));
            assertThat(real.estimate()).isPositive();
        }
    }

    @Test
    void thePartThatIsReadIsAProjection() {
        Matrix reader = new Matrix(3, 2, new double[] {1, 2, 0, 0, 0, 0});
        InterchangeSubspace plane = InterchangeSubspace.of(new double[] {1, 1, 0}, new double[] {0, 0, 1});
        InterchangeSubspace part = plane.readBy(reader).orElseThrow();
        assertThat(part.dimensions()).isEqualTo(1);
        assertThat(part.basis()[0]).containsExactly(1, 0, 0);
        assertThat(InterchangeSubspace.of(new double[] {0, 1, 0}).readBy(reader))
                .isEmpty();
        assertThatThrownBy(() -> plane.readBy(new Matrix(2, 1, new double[] {1, 2})))
                .isInstanceOf(BadShapeException.class)
                .hasMessageContaining("3 rows");
    }

    @Test
    void aFileStatesTheSubspace() {
        String file = """
            {"format": "hyaline-investigation/1", "model": "tiny", "behaviour": {},
             "prompts": {"pairs": "pairs.json"},
             "claims": [{"name": "holds", "mechanism": "encodes", "components": "blocks.0.mlp.hook_post",
               "role": "end", "subspace": %s}]}
            """;
        String direction = Arrays.toString(IntStream.range(0, 32).toArray());
        Investigation investigation = Investigation.parse("a.json", file.formatted(direction));
        assertThat(Investigation.parse("again", new String(investigation.toJson(), StandardCharsets.UTF_8)))
                .isEqualTo(investigation);
        assertThat(investigation.claims().getFirst().sentence()).endsWith(", in a subspace of 1 dimension");
        try (Gpt2 model = Gpt2.of(RandomModels.weights(CONFIG, 3), 1)) {
            PromptPairs pairs = evidence(model).experiment().pairs();
            assertThat(StatedMechanism.of(investigation.claims().getFirst(), CONFIG, pairs))
                    .isInstanceOfSatisfying(
                            Encodes.class,
                            encodes -> assertThat(encodes.subspace())
                                    .isNotNull()
                                    .extracting(InterchangeSubspace::dimensions)
                                    .isEqualTo(1));
            Investigation narrow = Investigation.parse("a.json", file.formatted("[[1, 0], [0, 1]]"));
            assertThatThrownBy(() -> StatedMechanism.of(narrow.claims().getFirst(), CONFIG, pairs))
                    .isInstanceOf(BadInputException.class)
                    .hasMessage("a direction of blocks.0.mlp.hook_post has 32 numbers, found 2");
        }
        assertThatThrownBy(() -> Investigation.parse("a.json", file.formatted("[[1, 0], [2, 0]]")))
                .isInstanceOf(BadInputException.class)
                .hasMessage("a.json, line 4: claims[0].subspace: direction 1 of a subspace lies in the span of those"
                        + " before it");
        assertThatThrownBy(() -> Investigation.parse("a.json", file.formatted("[]")))
                .hasMessage("a.json, line 4: expected claims[0].subspace to be a direction of numbers, or a list of"
                        + " directions, found an empty list");
    }
}
