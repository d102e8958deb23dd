package dev.hyaline.analysis.circuit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Searches of many steps on the planted model: what they find, and that they go on where they were stopped. */
final class SearchTest {
    private static Checkpoint checkpoint;
    private static Gpt2 model;
    private static CircuitExperiment circuits;
    private static CircuitExperiment byKl;
    private static Circuit known;

    @TempDir
    private Path temporary;

    @BeforeAll
    static void run() {
        checkpoint = Checkpoint.open(GoldenCircuits.PLANTED.folder());
        model = Gpt2.of(checkpoint.weights(), 2);
        circuits = planted(model, Metric.logitDifference());
        PromptPairs few = PromptPairs.of(model.config(), circuits.pairs().list().subList(0, 4));
        byKl = CircuitExperiment.of(
                Experiment.start(model, few, Metric.klToClean(PromptPair.END)), Ablation.counterfactual());
        known = GraphFile.read(GoldenCircuits.PLANTED.folder().resolve("true.graph.json"), model.config())
                .circuit();
    }

    @AfterAll
    static void close() {
        model.close();
        checkpoint.close();
    }

    private static CircuitExperiment planted(Gpt2 model, Metric metric) {
        return CircuitExperiment.of(
                Experiment.start(model, PlantedCircuitTest.pairs(model.config()), metric), Ablation.counterfactual());
    }

    private static LearnedMasks.Settings settings(LearnedMasks.Relaxation relaxation, int steps) {
        return LearnedMasks.Settings.of(relaxation, steps, 5);
    }

    @ParameterizedTest
    @EnumSource
    void masksThatAreLearnedFindTheKnownCircuit(LearnedMasks.Relaxation relaxation) {
        EdgeScores scores = new EdgeScoring.Masks(settings(relaxation, 60)).score(byKl);
        assertThat(CircuitRecovery.of(scores, known, false).auroc()).isGreaterThan(0.7);
    }

    @Test
    void edgePruningClosesTheShareThatItShould() {
        EdgeScores scores = LearnedMasks.learn(
                byKl, settings(LearnedMasks.Relaxation.EDGE_PRUNING, 300).charge(0.9));
        double closed = Arrays.stream(scores.values())
                        .map(logOdds -> 1 / (1 + Math.exp(logOdds)))
                        .sum()
                / scores.size();
        assertThat(closed).isCloseTo(0.9, within(0.1));
    }

    /** Stops a search by throwing from its progress. */
    private static final class Stopped extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    private static SweepOptions stopping(Path journal, int at) {
        return SweepOptions.none().journal(journal).progress((done, total) -> {
            if (done >= at) {
                throw new Stopped();
            }
        });
    }

    @ParameterizedTest
    @EnumSource
    void masksGoOnWhereTheyWereStopped(LearnedMasks.Relaxation relaxation) {
        Path journal = temporary.resolve("masks");
        LearnedMasks.Settings settings = settings(relaxation, 12);
        double[] whole = LearnedMasks.learn(byKl, settings).values();
        assertThatThrownBy(() -> LearnedMasks.learn(byKl, settings, stopping(journal, 7)))
                .isInstanceOf(Stopped.class);
        assertThat(journal).exists();
        int[] steps = {0};
        SweepOptions counting = SweepOptions.none().journal(journal).progress((done, total) -> steps[0]++);
        assertThat(LearnedMasks.learn(byKl, settings, counting).values()).isEqualTo(whole);
        assertThat(steps[0]).isLessThan(12);
        assertThatThrownBy(() -> LearnedMasks.learn(circuits, settings, counting))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("another search");
        assertThatThrownBy(() -> LearnedMasks.learn(byKl, settings(relaxation, 13), counting))
                .isInstanceOf(BadInputException.class);
    }

    @Test
    void aDamagedJournalIsToldInOneSentence() throws IOException {
        Path journal = temporary.resolve("damaged");
        assertThatThrownBy(() -> Acdc.search(circuits, 0.05, false, stopping(journal, 7)))
                .isInstanceOf(Stopped.class);
        byte[] whole = Files.readAllBytes(journal);
        int state = new String(whole, StandardCharsets.ISO_8859_1).indexOf('\n') + 1;
        for (int at = state; at < whole.length; at++) {
            byte[] changed = whole.clone();
            changed[at] ^= 1;
            byte[] cut = Arrays.copyOf(whole, at);
            for (byte[] damaged : List.of(changed, cut)) {
                // A new file: emptying one is taken for a save, and written to the disk.
                Files.delete(journal);
                Files.write(journal, damaged);
                assertThatThrownBy(() -> Acdc.search(
                                circuits, 0.05, false, SweepOptions.none().journal(journal)))
                        .isInstanceOf(BadInputException.class)
                        .hasMessage(
                                journal + " holds the progress of a search, but is damaged; delete it to begin again");
            }
        }
    }

    /** Opening one would wait for its other end for ever. */
    @Test
    @Timeout(60)
    void aFifoInTheJournalsPlaceIsRefused() throws Exception {
        Path journal = temporary.resolve("fifo");
        assertThat(new ProcessBuilder("mkfifo", journal.toString()).start().waitFor())
                .isZero();
        assertThatThrownBy(() ->
                        Acdc.search(circuits, 0.05, false, SweepOptions.none().journal(journal)))
                .isInstanceOf(BadInputException.class)
                .hasMessage(journal + ": expected a file, found something else");
    }

    /** Searches until it is killed. */
    public static final class Searcher {
        private Searcher() {}

        public static void main(String[] arguments) {
            try (Checkpoint opened = Checkpoint.open(GoldenCircuits.PLANTED.folder());
                    Gpt2 of = Gpt2.of(opened.weights(), 1)) {
                CircuitExperiment experiment = planted(of, Metric.logitDifference());
                SweepOptions options = SweepOptions.none()
                        .journal(Path.of(arguments[1]))
                        .progress((done, total) -> System.out.println(done));
                search(arguments[0], experiment, options);
            }
        }
    }

    private static String search(String name, CircuitExperiment experiment, SweepOptions options) {
        if (name.equals("acdc")) {
            return Acdc.search(experiment, 0.05, false, options).toString();
        }
        return Arrays.toString(
                LearnedMasks.learn(experiment, settings(LearnedMasks.Relaxation.EDGE_PRUNING, 40), options)
                        .values());
    }

    @ParameterizedTest
    @ValueSource(strings = {"acdc", "edge-pruning"})
    void searchesGoOnAfterAKill(String name) throws IOException, InterruptedException {
        Path journal = temporary.resolve("journal");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        // Its life is short: C2 would cost half of it. The values are the same.
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-Dhyaline.kernels=scalar",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Searcher.class.getName(),
                        name,
                        journal.toString())
                .redirectErrorStream(true)
                .start();
        try (var lines = process.inputReader()) {
            String line = lines.readLine();
            while (line != null && !(line.matches("\\d+") && Integer.parseInt(line) > 5 && Files.exists(journal))) {
                line = lines.readLine();
            }
            process.destroyForcibly();
            assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
            assertThat(line).matches("\\d+");
        }
        int[] steps = {0};
        SweepOptions counting = SweepOptions.none().journal(journal).progress((done, total) -> steps[0]++);
        String resumed = search(name, circuits, counting);
        int[] all = {0};
        String whole = search(name, circuits, SweepOptions.none().progress((done, total) -> all[0]++));
        assertThat(resumed).isEqualTo(whole);
        assertThat(steps[0]).isLessThan(all[0]);
    }

    @Test
    void optimalConstantsHurtNoMoreThanTheMeanOrZero() {
        OptimalAblation found = OptimalAblation.fit(circuits.experiment(), InputMeaning.TOKENS, 15, (done, all) -> {});
        assertThat(found.losses()).hasSize(22);
        found.losses().forEach((node, losses) -> {
            assertThat(losses.optimal()).as(node.toString()).isLessThanOrEqualTo(losses.mean());
            assertThat(losses.optimal()).as(node.toString()).isLessThanOrEqualTo(losses.zero());
        });
        assertThat(found.losses().values())
                .anyMatch(losses -> losses.optimal() < Math.min(losses.mean(), losses.zero()) - 0.05);
        // The losses are those of circuits that lack all that the node writes.
        CircuitExperiment optimal = CircuitExperiment.of(circuits.experiment(), found.ablation());
        CircuitExperiment zero = CircuitExperiment.of(circuits.experiment(), Ablation.zero());
        found.losses().forEach((node, losses) -> {
            Circuit without = optimal.full()
                    .without(optimal.full().edges().stream()
                            .filter(edge -> edge.sender().equals(node))
                            .toList());
            assertThat(-optimal.mean(without)).as(node.toString()).isCloseTo(losses.optimal(), within(1e-4));
            assertThat(-zero.mean(without)).as(node.toString()).isCloseTo(losses.zero(), within(1e-4));
        });
        assertThat(found.ablation().description()).isEqualTo("optimal, 15 steps by logit-diff");
    }

    @Test
    void masksAtOneAreEdgeAttribution() {
        double[] eap = GoldenCircuits.PLANTED.tensor("eap");
        GoldenCircuitTest.assertClose(
                new EdgeScoring.MaskGradient(0).score(circuits).values(), eap, 1e-4);
        List<String> told = new ArrayList<>();
        double[] mean = new EdgeScoring.MaskGradient(4)
                .score(circuits, SweepOptions.none().progress((done, all) -> told.add(done + " of " + all)))
                .values();
        int runs = 5 * circuits.pairs().size();
        assertThat(told)
                .startsWith("1 of " + runs)
                .endsWith(runs + " of " + runs)
                .hasSize(runs);
        double[] expected = new double[mean.length];
        for (double value : new double[] {1, 0.75, 0.5, 0.25, 0}) {
            double[] at = LearnedMasks.gradient(circuits, value).values();
            Arrays.setAll(expected, e -> expected[e] + at[e] / 5);
        }
        GoldenCircuitTest.assertClose(mean, expected, 1e-9);
        assertThatThrownBy(() -> new EdgeScoring.MaskGradient(0).score(byKl)).hasMessageContaining("eap-ig");
    }

    @Test
    void nodesAreScoredAsTheSumsOfTheirEdges() {
        double[] atp = new EdgeScoring.NodeAttribution(EdgeScoring.NodeStatistic.ATP)
                .score(circuits)
                .bySender();
        double[] eap = EdgeScores.of(model.config(), "eap", GoldenCircuits.PLANTED.tensor("eap"))
                .bySender();
        GoldenCircuitTest.assertClose(atp, eap, 1e-4);
        AttributionPatches patches = AttributionPatches.measure(circuits.experiment());
        EdgeScores hisp = new EdgeScoring.NodeAttribution(EdgeScoring.NodeStatistic.HISP).score(circuits);
        EdgeScores star = new EdgeScoring.NodeAttribution(EdgeScoring.NodeStatistic.ATP_STAR).score(circuits);
        double[] importance = patches.headImportance(false);
        double[] ranking = patches.ranking().get(AttributionPatches.Part.Z);
        double[] ofMlps = patches.ranking().get(AttributionPatches.Part.MLP_OUT);
        for (int layer = 0; layer < 3; layer++) {
            for (int head = 0; head < 6; head++) {
                int sender = 1 + 7 * layer + head;
                assertThat(hisp.bySender()[sender]).isCloseTo(importance[6 * layer + head], within(1e-4));
                assertThat(star.bySender()[sender]).isCloseTo(ranking[6 * layer + head], within(1e-4));
            }
            assertThat(star.bySender()[7 * layer + 7]).isCloseTo(ofMlps[layer], within(1e-4));
        }
        assertThat(star.bySender()[0]).isPositive();
        assertThat(CircuitSelection.topNodes(star, 5, false).nodes().size()).isGreaterThanOrEqualTo(5);
    }
}
