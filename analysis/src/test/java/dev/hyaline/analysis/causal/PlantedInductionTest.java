package dev.hyaline.analysis.causal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.attention.HeadClass;
import dev.hyaline.analysis.attention.HeadScores;
import dev.hyaline.analysis.attention.HeadType;
import dev.hyaline.analysis.causal.AblationSweep.Along;
import dev.hyaline.analysis.graph.ComputationGraph;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.lens.DirectLogitAttribution;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.site.Site;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Every method finds the circuit that was planted, and no other. */
final class PlantedInductionTest {
    private static final List<String> CIRCUIT = List.of("0.1", "1.2");

    private static Gpt2 model;
    private static PromptPairs pairs;
    private static Experiment experiment;

    @BeforeAll
    static void plant() {
        model = Gpt2.of(PlantedInduction.weights(), 1);
        pairs = PromptPairs.of(PlantedInduction.CONFIG, PlantedInduction.pairs(4));
        experiment = Experiment.start(model, pairs, Metric.logitDifference());
    }

    @AfterAll
    static void close() {
        model.close();
    }

    /** Labels of the cells whose mean is at least this far from the neutral value. */
    private static List<String> standingOut(ResultTable table, double distance) {
        double neutral = table.neutral().orElseThrow();
        return IntStream.range(0, table.cells())
                .filter(cell -> Math.abs(table.mean(cell) - neutral) >= distance)
                .mapToObj(cell -> String.join(".", table.labels(cell)))
                .toList();
    }

    @Test
    void theTaskIsDoneOnTheCleanPromptsOnly() {
        assertThat(experiment.baselines().meanClean()).isGreaterThan(4);
        assertThat(experiment.baselines().meanCorrupted()).isCloseTo(0, within(0.6));
    }

    @Test
    void scoresNameTheTwoHeads() {
        List<HeadClass> classes =
                HeadClass.classify(HeadScores.measure(model, pairs.clean(PlantedInduction.CONFIG)), 0.5);
        List<HeadClass> named =
                classes.stream().filter(head -> head.type() != null).toList();
        assertThat(named).extracting(head -> head.layer() + "." + head.head()).isEqualTo(CIRCUIT);
        assertThat(named.get(0).type()).isEqualTo(HeadType.PREVIOUS_TOKEN.toString());
        assertThat(named.get(1).type()).isEqualTo(HeadType.INDUCTION.toString());
        assertThat(named).allMatch(head -> head.score() > 0.95 && head.margin() > 0.5);
    }

    @Test
    void ablatingEitherBreaksTheTaskAndNoOtherHeadMatters() {
        for (Ablation ablation : List.of(Ablation.zero(), Ablation.resample(3))) {
            ResultTable table = experiment
                    .sweep(AblationSweep.of(PlantedInduction.CONFIG, ablation, Site.Z, Along.everyHead()))
                    .normalised();
            assertThat(standingOut(table, 0.1)).isEqualTo(CIRCUIT);
            assertThat(table.meanAt(0, 1)).isLessThan(0.3);
            assertThat(table.meanAt(1, 2)).isLessThan(0.3);
        }
    }

    @Test
    void patchingFollowsTheTokenFromPlaceToPlace() {
        ResultTable heads = experiment
                .sweep(ActivationPatch.ATTN_HEAD_OUT_BY_POS.sweep(
                        experiment.config(), PatchingDirection.DENOISING, experiment.pairs()))
                .normalised();
        // The previous-token head tells position 9 what stands at 8; the induction head tells the end what stands at 9.
        assertThat(standingOut(heads, 0.1)).containsExactly("0.9 B1.1", "1.18 end.2");
        assertThat(heads.meanAt(0, 9, 1)).isGreaterThan(0.9);
        assertThat(heads.meanAt(1, 18, 2)).isGreaterThan(0.9);

        ResultTable stream = experiment
                .sweep(ActivationPatch.RESID_PRE.sweep(
                        experiment.config(), PatchingDirection.DENOISING, experiment.pairs()))
                .normalised();
        assertThat(standingOut(stream, 0.1)).containsExactly("0.8 A1", "1.9 B1");

        // Where the query and the value come from is the same in both prompts; the key is not.
        ResultTable inputs = experiment
                .sweep(ActivationPatch.ATTN_HEAD_ALL_POS_EVERY.sweep(
                        experiment.config(), PatchingDirection.DENOISING, experiment.pairs()))
                .normalised();
        assertThat(standingOut(inputs, 0.5)).containsExactly("z.0.1", "z.1.2", "k.1.2", "v.0.1", "pattern.1.2");
    }

    @Test
    void edgesAreTheCircuits() {
        List<Edge> edges = new ComputationGraph(PlantedInduction.CONFIG).edges();
        ResultTable table = experiment
                .sweep(PathPatching.edges(experiment.config(), PatchingDirection.NOISING, edges))
                .normalised();
        List<String> strongest = IntStream.range(0, table.cells())
                .boxed()
                .sorted(Comparator.comparingDouble(table::mean))
                .limit(3)
                .map(cell -> edges.get(cell).toString())
                .toList();
        assertThat(strongest).containsExactlyInAnyOrder("input->a0.h1<v>", "a0.h1->a1.h2<k>", "a1.h2->logits");
        assertThat(standingOut(table, 0.1)).hasSize(3);
    }

    @Test
    void theInductionHeadWritesTheAnswer() {
        ResultTable table =
                DirectLogitAttribution.of(model, pairs, "end").byHead().table();
        assertThat(table.meanAt(1, 2))
                .isGreaterThan(0.9 * experiment.baselines().meanClean());
        assertThat(standingOut(table, 0.5)).containsExactly("1.2");
    }
}
