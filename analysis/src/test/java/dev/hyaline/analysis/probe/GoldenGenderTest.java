package dev.hyaline.analysis.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.SparseGolden;
import dev.hyaline.analysis.sparse.file.SaeFiles;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.Json;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.RerunResult;
import dev.hyaline.instrument.run.SequenceEdit;
import dev.hyaline.instrument.weights.Matrix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ForkJoinPool;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Gender in the built-in model, against the reference's probes and edits on the same 700 prompts. */
class GoldenGenderTest {
    private static final String FILE = "fable/gender.safetensors";
    private static final Json EXPECTED = SparseGolden.json("fable/gender.json");
    private static final int ROWS = 700;
    private static final int TRAIN = 400;
    private static final HookPoint POINT = HookPoint.of(Site.RESID_POST, 2);
    private static final int LAST = 6;

    private static Gpt2 model;
    private static Prompts prompts;
    private static ActivationCache cache;

    @BeforeAll
    static void record() {
        model = Fable.open();
        int[] tokens = GoldenProbes.integers(FILE, "tokens");
        int[][] rows = IntStream.range(0, ROWS)
                .mapToObj(s -> Arrays.copyOfRange(tokens, 7 * s, 7 * s + 7))
                .toArray(int[][]::new);
        prompts = Prompts.of(model.config(), rows);
        cache = ActivationCache.record(model, prompts, Capture.of(model.config(), "resid_post"));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static LabelledRows rows(HookPoint point, int position, String labels) {
        int d = model.config().dModel();
        double[] values = new double[ROWS * d];
        for (int s = 0; s < ROWS; s++) {
            float[] row = cache.row(point, s, position);
            for (int c = 0; c < d; c++) {
                values[s * d + c] = row[c];
            }
        }
        return LabelledRows.of(new Matrix(ROWS, d, values), GoldenProbes.integers(FILE, labels));
    }

    private static int[] train() {
        return IntStream.range(0, TRAIN).toArray();
    }

    private static int[] test() {
        return IntStream.range(TRAIN, ROWS).toArray();
    }

    @Test
    void probesAndTheirControls() {
        for (int layer = 0; layer < 3; layer++) {
            for (int position : new int[] {1, 4, 6}) {
                Json expected = EXPECTED.require("logistic blocks." + layer + ".hook_resid_post position " + position);
                HookPoint point = HookPoint.of(Site.RESID_POST, layer);
                for (String labels : List.of("label", "control")) {
                    LabelledRows rows = rows(point, position, labels);
                    LinearProbe probe = new ProbeMethod.Logistic().fit(rows.only(train()));
                    String prefix = labels.equals("control") ? "control_" : "";
                    // A row whose score is next to 0 may fall to the other side in float32.
                    assertThat(probe.accuracy(rows.only(train())))
                            .as("layer %d, position %d, %strain", layer, position, prefix)
                            .isCloseTo(expected.require(prefix + "train").number(), within(0.0051));
                    assertThat(probe.accuracy(rows.only(test())))
                            .as("layer %d, position %d, %stest", layer, position, prefix)
                            .isCloseTo(expected.require(prefix + "test").number(), within(0.0067));
                }
            }
        }
    }

    @Test
    void erasedAtOnePlaceTheProbeIsGoneAndTheBehaviourIsNot() {
        LabelledRows rows = rows(POINT, LAST, "label");
        AffineMap map = new Leace().fit(rows.only(train()));
        LabelledRows erased = rows.with(map.apply(rows.values()));
        Json expected = EXPECTED.require("leace_last_position_after_block_2");
        assertThat(new ProbeMethod.Logistic().fit(rows.only(train())).accuracy(rows.only(test())))
                .isEqualTo(1);
        assertThat(new ProbeMethod.Logistic().fit(erased.only(train())).accuracy(erased.only(test())))
                .isCloseTo(expected.require("logistic_test_after").number(), within(0.02));

        Target target = Target.of(POINT).positions(LAST);
        List<SequenceEdit> edits = IntStream.range(0, prompts.size())
                .mapToObj(s -> SequenceEdit.of(s, map.intervention(target)))
                .toList();
        int she = EXPECTED.require("she").integer(0, 10_000);
        int he = EXPECTED.require("he").integer(0, 10_000);
        double[] sums = new double[2];
        double[] counts = new double[2];
        for (RerunResult result : BaseRun.record(model, prompts).rerun(edits).results()) {
            float[] logits = result.row(0);
            int label = rows.label(result.sequence());
            sums[label] += logits[she] - logits[he];
            counts[label]++;
        }
        List<Json> after = expected.require("she_minus_he_after").elements();
        for (int label = 0; label < 2; label++) {
            assertThat(sums[label] / counts[label]).isCloseTo(after.get(label).number(), within(0.01));
        }
    }

    @Test
    void interchangeInASubspace() {
        double[] byRow = GoldenProbes.doubles(FILE, "das.R");
        int d = model.config().dModel();
        double[][] basis = new double[4][d];
        for (int i = 0; i < d; i++) {
            for (int k = 0; k < 4; k++) {
                basis[k][i] = byRow[i * 4 + k];
            }
        }
        InterchangeSubspace space = InterchangeSubspace.of(basis);
        Json das = EXPECTED.require("das");
        List<Json> bases = das.require("base_rows").elements();
        List<Json> sources = das.require("source_rows").elements();
        Target target = Target.of(POINT).positions(LAST);
        List<SequenceEdit> edits = IntStream.range(0, bases.size())
                .mapToObj(i -> SequenceEdit.of(
                        bases.get(i).integer(0, ROWS),
                        space.interchange(
                                target, cache.row(POINT, sources.get(i).integer(0, ROWS), LAST))))
                .toList();
        double[] expected = GoldenProbes.doubles(FILE, "das.logits");
        int she = EXPECTED.require("she").integer(0, 10_000);
        int he = EXPECTED.require("he").integer(0, 10_000);
        double[] found = new double[expected.length];
        BaseRun.record(model, prompts).rerun(edits).forEach(result -> {
            found[2 * result.edit()] = result.row(0)[she];
            found[2 * result.edit() + 1] = result.row(0)[he];
        });
        GoldenProbes.assertClose("logits of she and he", found, expected, 1e-5);
    }

    @Test
    void sparseProbesOfLatents() {
        SparseAutoencoder sae = SaeFiles.read(SparseGolden.path("fable/topk")).autoencoder();
        int d = model.config().dModel();
        float[] x = new float[ROWS * d];
        for (int s = 0; s < ROWS; s++) {
            System.arraycopy(cache.row(POINT, s, LAST), 0, x, s * d, d);
        }
        float[] latents = sae.encode(x).dense();
        double[] values = new double[latents.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = latents[i];
        }
        LabelledRows rows =
                LabelledRows.of(new Matrix(ROWS, values.length / ROWS, values), GoldenProbes.integers(FILE, "label"));
        for (int k : new int[] {1, 2, 5}) {
            Json expected = EXPECTED.require("k_sparse").require(String.valueOf(k));
            ProbeMethod.KSparse method = new ProbeMethod.KSparse(k, 1);
            assertThat(method.columns(rows.only(train())))
                    .containsExactly(expected.require("features").elements().stream()
                            .mapToInt(latent -> latent.integer(0, 10_000))
                            .toArray());
            assertThat(method.fit(rows.only(train())).accuracy(rows.only(test())))
                    .as("k = %d", k)
                    .isCloseTo(expected.require("test").number(), within(0.0067));
        }
    }

    @Test
    void studiesHaveTheSameBitsForAnyNumberOfThreads() throws Exception {
        int n = 80;
        int[][] tokens = IntStream.range(0, n).mapToObj(prompts::tokens).toArray(int[][]::new);
        int[] labels = Arrays.copyOf(GoldenProbes.integers(FILE, "label"), n);
        int[][] positions = new int[1][n];
        Arrays.fill(positions[0], LAST);
        ProbedPrompts probed = new ProbedPrompts(
                Prompts.of(model.config(), tokens),
                labels,
                List.of("he", "she"),
                Units.each(n),
                new Axis("position", List.of("end")),
                positions);
        Folds folds = Folds.stratified(LabelledRows.of(new Matrix(n, 1, new double[n]), labels), 4);
        List<HookPoint> points = IntStream.range(0, 3)
                .mapToObj(layer -> HookPoint.of(Site.RESID_POST, layer))
                .toList();
        List<List<Double>> found = new ArrayList<>();
        for (int threads : new int[] {1, 2, 7}) {
            try (ForkJoinPool pool = new ForkJoinPool(threads)) {
                ProbeStudy study = pool.submit(() -> ProbeStudy.of(
                                model,
                                probed,
                                "gender",
                                points,
                                new Axis("layer", List.of("0", "1", "2")),
                                new ProbeMethod.Logistic(),
                                folds,
                                Units.each(n),
                                5))
                        .get();
                List<Double> figures = new ArrayList<>();
                for (ProbeStudy.Cell cell : study.cells()) {
                    figures.add(cell.label().logLoss().orElseThrow());
                    figures.add(cell.control().logLoss().orElseThrow());
                    figures.add(cell.selectivity());
                    figures.add(cell.p());
                }
                found.add(figures);
            }
        }
        assertThat(found.get(0)).hasSize(12).isEqualTo(found.get(1)).isEqualTo(found.get(2));
    }
}
