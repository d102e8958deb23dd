package dev.hyaline.analysis.causal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A sweep that is stopped goes on where it was, and ends with the same bits. */
final class JournalTest {
    private static final Gpt2Config CONFIG = SmallExperiments.config(3, 2, 4);

    @TempDir
    private Path folder;

    private final Gpt2 model = Gpt2.of(Gpt2Weights.random(CONFIG, 3), 1);
    private final Experiment experiment = experiment(9);
    private final Sweep sweep = ActivationPatch.ATTN_HEAD_ALL_POS_EVERY.sweep(
            experiment.config(), PatchingDirection.DENOISING, experiment.pairs());

    @AfterEach
    void close() {
        model.close();
    }

    private Experiment experiment(long seed) {
        return Experiment.start(
                model, SmallExperiments.pairs(CONFIG, 2, 5, new Random(seed)), Metric.logitDifference());
    }

    private Path journal() {
        return folder.resolve("cells");
    }

    /** Interrupts the sweep after some measurements. */
    private void interruptAfter(long count) {
        assertThatThrownBy(() -> experiment.sweep(
                        sweep, SweepOptions.none().journal(journal()).progress((done, total) -> {
                            if (done >= count) {
                                Thread.currentThread().interrupt();
                            }
                        })))
                .isInstanceOf(HyalineException.class)
                .hasMessage("the sweep was interrupted after " + count + " of 60 measurements");
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void interruptedAgainAndAgainItGivesTheSameTable() {
        SweepResult whole = experiment.sweep(sweep);
        interruptAfter(7);
        interruptAfter(8);
        interruptAfter(41);
        AtomicLong first = new AtomicLong();
        SweepResult resumed = experiment.sweep(
                sweep, SweepOptions.none().journal(journal()).progress((done, total) -> first.compareAndSet(0, done)));
        assertThat(first).hasValue(42);
        assertThat(resumed.resumed()).isEqualTo(41);
        assertThat(resumed.measured()).isEqualTo(19);
        // Passes whose other results were lost were done twice, and are counted twice.
        assertThat(resumed.work().full()).isEqualTo(whole.work().full());
        assertThat(resumed.work().done())
                .isBetween(whole.work().done(), 4 * whole.work().done());
        for (int cell = 0; cell < whole.table().cells(); cell++) {
            assertThat(resumed.table().values(cell)).isEqualTo(whole.table().values(cell));
        }
        SweepResult again = experiment.sweep(sweep, SweepOptions.none().journal(journal()));
        assertThat(again.measured()).isZero();
        assertThat(again.edits()).isEqualTo(whole.edits()).isEqualTo(60);
        assertThat(again.work()).isEqualTo(resumed.work());
        assertThat(again.table().means()).isEqualTo(whole.table().means());
    }

    @Test
    void whatWasCutOffIsMeasuredAgain() throws IOException {
        SweepResult whole = experiment.sweep(sweep, SweepOptions.none().journal(journal()));
        byte[] bytes = Files.readAllBytes(journal());
        Random random = new Random(1);
        for (int i = 0; i < 30; i++) {
            Files.write(journal(), Arrays.copyOf(bytes, random.nextInt(bytes.length + 1)));
            SweepResult resumed = experiment.sweep(sweep, SweepOptions.none().journal(journal()));
            assertThat(resumed.table().means()).isEqualTo(whole.table().means());
            assertThat(resumed.work().full()).isEqualTo(whole.work().full());
            assertThat(Files.size(journal())).isEqualTo(bytes.length);
        }
    }

    @Test
    void aDamagedRecordAndWhatFollowsIsMeasuredAgain() throws IOException {
        SweepResult whole = experiment.sweep(sweep, SweepOptions.none().journal(journal()));
        byte[] bytes = Files.readAllBytes(journal());
        bytes[40 + 36 * 10 + 9] ^= 4;
        Files.write(journal(), bytes);
        SweepResult resumed = experiment.sweep(sweep, SweepOptions.none().journal(journal()));
        assertThat(resumed.resumed()).isEqualTo(10);
        assertThat(resumed.table().means()).isEqualTo(whole.table().means());
    }

    @Test
    void anotherSweepsCellsAreRefused() throws IOException {
        interruptAfter(5);
        Sweep noising = ActivationPatch.ATTN_HEAD_ALL_POS_EVERY.sweep(
                experiment.config(), PatchingDirection.NOISING, experiment.pairs());
        assertThatThrownBy(() -> experiment.sweep(noising, SweepOptions.none().journal(journal())))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("holds the cells of another sweep");
        Experiment others = experiment(10);
        assertThatThrownBy(() -> others.sweep(
                        ActivationPatch.ATTN_HEAD_ALL_POS_EVERY.sweep(
                                others.config(), PatchingDirection.DENOISING, others.pairs()),
                        SweepOptions.none().journal(journal())))
                .hasMessageContaining("holds the cells of another sweep");
        Files.writeString(journal(), "something else altogether, longer than a header is");
        assertThatThrownBy(() -> experiment.sweep(sweep, SweepOptions.none().journal(journal())))
                .hasMessageContaining("is no file of cells");
        assertThat(Files.readString(journal())).startsWith("something else");
    }

    @Test
    void setsOfOneNameAreToldApart() {
        experiment.sweep(
                AblationSweep.ofSets(CONFIG, Ablation.zero(), Map.of("s", List.of(Target.of(Site.Z, 0)))),
                SweepOptions.none().journal(journal()));
        AblationSweep other = AblationSweep.ofSets(CONFIG, Ablation.zero(), Map.of("s", List.of(Target.of(Site.Z, 1))));
        assertThatThrownBy(() -> experiment.sweep(other, SweepOptions.none().journal(journal())))
                .hasMessageContaining("holds the cells of another sweep");
    }

    @Test
    void aFolderThatIsNotThereIsMadeAndAFileInItsPlaceNamed() throws IOException {
        Path journal = folder.resolve("none").resolve("cells");
        experiment.sweep(sweep, SweepOptions.none().journal(journal));
        assertThat(journal).isRegularFile();
        Path file = Files.writeString(folder.resolve("file"), "text");
        assertThatThrownBy(() -> experiment.sweep(sweep, SweepOptions.none().journal(file.resolve("cells"))))
                .isInstanceOf(FileException.class)
                .hasMessageContaining("file");
        assertThat(file).hasContent("text");
    }

    @Test
    void aJournalOfAnEarlierVersionGoesOn() throws IOException {
        Files.copy(Path.of("src/test/resources/journal/before-metrics-were-open.cells"), journal());
        SweepResult whole = experiment.sweep(sweep);
        SweepResult resumed = experiment.sweep(sweep, SweepOptions.none().journal(journal()));
        assertThat(resumed.resumed()).isEqualTo(7);
        assertThat(resumed.table().means()).isEqualTo(whole.table().means());
    }

    @Test
    void aMetricOfOnesOwnGoesOnByItsNameAndItsValues() {
        Metric metric = Metric.of("1 less 3", "logits", reading -> reading.logit(1) - reading.logit(3));
        Experiment own = Experiment.start(experiment.runs(), metric);
        Sweep byHead = ActivationPatch.ATTN_HEAD_OUT_ALL_POS.sweep(CONFIG, PatchingDirection.DENOISING, own.pairs());
        SweepOptions options = SweepOptions.none().journal(journal());
        SweepResult whole = own.sweep(byHead, options);
        Metric same = Metric.of("1 less 3", "logits", reading -> reading.logit(1) - reading.logit(3));
        SweepResult resumed = Experiment.start(experiment.runs(), same).sweep(byHead, options);
        assertThat(resumed.resumed()).isEqualTo(12);
        assertThat(resumed.table().means()).isEqualTo(whole.table().means());
        assertThat(resumed.work()).isEqualTo(whole.work());
    }

    @Test
    void aMetricOfOnesOwnThatChangedIsRefused() {
        Sweep byHead =
                ActivationPatch.ATTN_HEAD_OUT_ALL_POS.sweep(CONFIG, PatchingDirection.DENOISING, experiment.pairs());
        SweepOptions options = SweepOptions.none().journal(journal());
        Experiment.start(experiment.runs(), Metric.of("m", "logits", reading -> reading.logit(1)))
                .sweep(byHead, options);
        assertThatThrownBy(() -> Experiment.start(
                                experiment.runs(), Metric.of("m", "logits", reading -> reading.logit(2)))
                        .sweep(byHead, options))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("holds the cells of another sweep");
        // Agrees with the first on the runs without edits, and nowhere else.
        List<float[]> unedited = new ArrayList<>();
        Metric twoFaced = Metric.of("m", "logits", reading -> {
            boolean known = unedited.stream()
                    .anyMatch(values -> Arrays.equals(values, reading.logits().values()));
            if (unedited.size() < 4) {
                unedited.add(reading.logits().values().clone());
                return reading.logit(1);
            }
            return known ? reading.logit(1) : reading.logit(2);
        });
        assertThatThrownBy(() -> Experiment.start(experiment.runs(), twoFaced).sweep(byHead, options))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("as the metric m of cell")
                .hasMessageContaining("give it another name, or delete the file");
    }

    @Test
    void aMetricReadsThePositionsAndTokensThatItAskedFor() {
        Metric plain = Metric.logit("S");
        Metric own = Metric.of("logit", "logits", reading -> (reading.logit(1) + reading.logit(2)) / 2)
                .at("S")
                .tokens(PromptPair::answers);
        assertThat(Experiment.start(experiment.runs(), own).baselines().clean())
                .isEqualTo(
                        Experiment.start(experiment.runs(), plain).baselines().clean());
    }

    @Test
    void aSweepMadeForAnotherExperimentIsRefused() {
        Gpt2Config larger = SmallExperiments.config(4, 2, 4);
        Sweep otherModel =
                ActivationPatch.ATTN_HEAD_OUT_ALL_POS.sweep(larger, PatchingDirection.DENOISING, experiment.pairs());
        assertThatThrownBy(() -> experiment.sweep(otherModel))
                .isInstanceOf(BadInputException.class)
                .hasMessage("the sweep 'Activation patching, attn_head_out_all_pos, denoising' was made for a model of"
                        + " 4 layers, 2 heads, dModel 8 and dMlp 25, but the experiment's has 3 layers, 2 heads,"
                        + " dModel 8 and dMlp 25");
        Sweep otherPairs = ActivationPatch.RESID_PRE.sweep(
                CONFIG, PatchingDirection.DENOISING, experiment(10).pairs());
        assertThatThrownBy(() -> experiment.sweep(otherPairs))
                .isInstanceOf(BadInputException.class)
                .hasMessage("the sweep 'Activation patching, resid_pre, denoising' was made for the positions of other"
                        + " pairs: 2 such as 'pair 0', but the experiment has 2 such as 'pair 0'");
        assertThatThrownBy(() -> experiment.sweep(AblationSweep.ofSets(
                        larger, Ablation.zero(), Map.of("s", List.of(Target.of(Site.Z, 3))))))
                .hasMessageContaining("was made for a model of 4 layers");
        assertThatThrownBy(() -> experiment.sweep(PathPatching.edges(
                        larger, PatchingDirection.NOISING, List.of(Edge.parse(larger, "m3->logits")))))
                .hasMessageContaining("was made for a model of 4 layers");
        // The same prompts drawn again are the same pairs.
        Sweep samePairs = ActivationPatch.RESID_PRE.sweep(
                CONFIG, PatchingDirection.DENOISING, experiment(9).pairs());
        assertThat(experiment.sweep(samePairs).edits()).isEqualTo(3 * 5 * 2);
    }

    /** A sweep that scales one component by its cells' factors, of which only a few differ. */
    private record Scalings(int cells) implements Sweep {
        private static final int FACTORS = 3;

        @Override
        public String title() {
            return "Scalings";
        }

        @Override
        public List<Axis> axes() {
            return List.of(Axis.indices("factor", cells));
        }

        @Override
        public Side base() {
            return Side.CLEAN;
        }

        @Override
        public void requireMadeFor(PairRuns runs) {}

        @Override
        public CellEdits edits(PairRuns runs, int group) {
            Target target = Target.of(Site.MLP_OUT, 2).positions(4);
            return (cell, pair) -> List.of(Intervention.scale(target, 2 + cell % FACTORS));
        }
    }

    @Test
    void aSweepOfMoreThanOneRerunGivesEachCellItsValue() {
        SweepResult few = experiment.sweep(new Scalings(Scalings.FACTORS));
        SweepResult many =
                experiment.sweep(new Scalings(9000), SweepOptions.none().journal(journal()));
        assertThat(many.measured()).isEqualTo(18_000);
        assertThat(few.table().values(1)).isNotEqualTo(few.table().values(0));
        for (int cell = 0; cell < 9000; cell++) {
            assertThat(many.table().values(cell)).isEqualTo(few.table().values(cell % Scalings.FACTORS));
        }
    }

    @Test
    void aLinkInItsPlaceIsNotWrittenThrough() throws IOException {
        Path absent = folder.resolve("absent");
        Files.createSymbolicLink(journal(), absent);
        assertThatThrownBy(() -> experiment.sweep(sweep, SweepOptions.none().journal(journal())))
                .isInstanceOf(FileException.class)
                .hasMessageEndingWith("cells is a link, which is not written through");
        assertThat(absent).doesNotExist();
    }

    /** Opening one would wait for its other end for ever. */
    @Test
    @Timeout(60)
    void aFifoInItsPlaceIsRefused() throws Exception {
        assertThat(new ProcessBuilder("mkfifo", journal().toString()).start().waitFor())
                .isZero();
        assertThatThrownBy(() -> experiment.sweep(sweep, SweepOptions.none().journal(journal())))
                .isInstanceOf(FileException.class)
                .hasMessageEndingWith("cells is no regular file");
    }

    @Test
    void indicesOutOfRangeAreSaid() {
        PathPatching edges =
                PathPatching.edges(CONFIG, PatchingDirection.NOISING, List.of(Edge.parse(CONFIG, "m1->logits")));
        assertThatThrownBy(() -> edges.cells(1))
                .isInstanceOf(BadInputException.class)
                .hasMessage("the sweep 'Path patching of edges, noising' has no group 1: groups run from 0 to 0");
        assertThatThrownBy(() -> edges.edits(experiment.runs(), -1)).hasMessageContaining("has no group -1");
        AblationSweep sets = AblationSweep.ofSets(CONFIG, Ablation.zero(), Map.of("s", List.of(Target.of(Site.Z, 1))));
        for (Sweep each : List.of(edges, sets, sweep)) {
            Sweep.CellEdits edits = each.edits(experiment.runs(), 0);
            for (int cell : new int[] {-1, each.cells()}) {
                assertThatThrownBy(() -> edits.of(cell, 0))
                        .isInstanceOf(BadInputException.class)
                        .hasMessage("there is no cell " + cell + ": cells run from 0 to " + (each.cells() - 1));
            }
        }
        assertThatThrownBy(() -> experiment.pairs().get(2))
                .isInstanceOf(BadInputException.class)
                .hasMessage("there is no pair 2: pairs run from 0 to 1");
        PositionAxis positions = PositionAxis.all(experiment.pairs());
        assertThatThrownBy(() -> positions.at(5, 0))
                .isInstanceOf(BadInputException.class)
                .hasMessage("the axis position has no step 5: steps run from 0 to 4");
        assertThatThrownBy(() -> positions.at(0, -1)).hasMessageContaining("there is no pair -1");
    }
}
