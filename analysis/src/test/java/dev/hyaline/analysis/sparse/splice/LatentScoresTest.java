package dev.hyaline.analysis.sparse.splice;

import static dev.hyaline.analysis.sparse.SparseGolden.path;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PairRuns;
import dev.hyaline.analysis.causal.SweepResult;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.sparse.LatentActivation;
import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.analysis.sparse.SaeConfig;
import dev.hyaline.analysis.sparse.SaeMetadata;
import dev.hyaline.analysis.sparse.SaeParameters;
import dev.hyaline.analysis.sparse.SingleHead;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.file.SaeFiles;
import dev.hyaline.analysis.sparse.internal.PointProbe;
import dev.hyaline.analysis.statistics.association.Correlation;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.weights.Tokenizer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LatentScoresTest {
    private static Gpt2 model;
    private static PromptPairs pairs;
    private static PairRuns runs;

    @BeforeAll
    static void openModel() {
        model = Fable.open();
        Tokenizer tokenizer = Fable.tokenizer();
        pairs = PromptPairs.of(
                model.config(),
                List.of(
                        pair(tokenizer, "Mary", "John", "John", "Mary"),
                        pair(tokenizer, "Anna", "Tom", "Tom", "Anna")));
        runs = PairRuns.record(model, pairs);
    }

    private static PromptPair pair(Tokenizer tokenizer, String first, String second, String again, String other) {
        String text = "When %s and %s went to the store, %s gave a drink to";
        return pair(
                tokenizer.encodePrompt(String.format(text, first, second, again)),
                tokenizer.encodePrompt(String.format(text, first, second, other)),
                tokenizer.encode(" " + first),
                tokenizer.encode(" " + second));
    }

    private static PromptPair pair(int[] clean, int[] corrupted, int[] answers, int[] distractors) {
        return new PromptPair("pair", clean, corrupted, answers, distractors, Map.of());
    }

    @AfterAll
    static void closeModel() {
        model.close();
    }

    private static Attachment attached(String name) {
        return Attachment.of(SaeFiles.read(path("fable/" + name)).autoencoder(), model);
    }

    private static double metric(int pair, Probe probe) {
        PromptPair of = pairs.get(pair);
        float[] logits = model.forward(ForwardRequest.of(of.clean())
                        .logits(LogitSelection.last())
                        .probe(probe))
                .logits();
        return (double) logits[of.answers()[0]] - logits[of.distractors()[0]];
    }

    /** Gradient times activation is the derivative by a factor on the latent, the error held constant. */
    @Test
    void scoresAreDerivatives() {
        for (String name : List.of("topk", "standard", "hook-z", "transcoder", "topk-layer-norm", "legacy-centred")) {
            Attachment attachment = attached(name);
            LatentScores scores =
                    LatentScores.of(attachment, runs, Metric.logitDifference(), LatentScores.Reference.ZERO);
            assertThat(scores.pairs()).isEqualTo(2);
            int[] ranked = scores.ranked();
            assertThat(ranked).hasSizeGreaterThan(5);
            for (int latent : Arrays.copyOf(ranked, 3)) {
                for (int pair = 0; pair < 2; pair++) {
                    float h = 0.02f;
                    double above = metric(pair, scaled(attachment, latent, 1 + h));
                    double below = metric(pair, scaled(attachment, latent, 1 - h));
                    double score = scores.ofPair(pair)[latent];
                    assertThat(score)
                            .as("%s latent %d pair %d", name, latent, pair)
                            .isCloseTo((above - below) / (2 * h), within(0.02 * Math.abs(score) + 2e-3));
                }
            }
        }
    }

    private static SpliceProbe scaled(Attachment attachment, int latent, float factor) {
        return SpliceProbe.of(
                List.of(Splice.of(attachment).withError().edit(new LatentEdit.ScaleLatent(latent, factor))));
    }

    @Test
    void theOtherPromptsLatentsAreTakenAway() {
        Attachment topk = attached("topk");
        LatentScores zero = LatentScores.of(topk, runs, Metric.logitDifference(), LatentScores.Reference.ZERO);
        LatentScores patched =
                LatentScores.of(topk, runs, Metric.logitDifference(), LatentScores.Reference.OTHER_PROMPT);
        assertThat(patched.means()).isNotEqualTo(zero.means());
        PromptPairs same = PromptPairs.of(
                model.config(),
                List.of(pair(
                        pairs.get(0).clean(),
                        pairs.get(0).clean(),
                        pairs.get(0).answers(),
                        pairs.get(0).distractors())));
        LatentScores none = LatentScores.of(
                topk, PairRuns.record(model, same), Metric.logitDifference(), LatentScores.Reference.OTHER_PROMPT);
        for (double score : none.means()) {
            assertThat(score).isCloseTo(0, within(1e-9));
        }
        assertThatThrownBy(() -> LatentScores.of(topk, runs, Metric.accuracy("end"), LatentScores.Reference.ZERO))
                .isInstanceOf(BadInputException.class);
    }

    @Test
    void aSweepMeasuresWhatEachLatentsAblationDoes() {
        Attachment topk = attached("topk");
        LatentScores scores = LatentScores.of(topk, runs, Metric.logitDifference(), LatentScores.Reference.ZERO);
        int[] ranked = Arrays.copyOf(scores.ranked(), 8);
        LatentSweep sweep = LatentSweep.of(topk, ranked);
        SweepResult result = Experiment.start(runs, Metric.logitDifference()).sweep(sweep);
        assertThat(result.table().axes().getFirst().labels().getFirst()).isEqualTo(String.valueOf(ranked[0]));
        for (int cell = 0; cell < ranked.length; cell++) {
            double mean = 0;
            for (int pair = 0; pair < 2; pair++) {
                SpliceProbe ablated = SpliceProbe.of(
                        List.of(Splice.of(topk).withError().edit(new LatentEdit.AblateLatent(ranked[cell]))));
                mean += metric(pair, ablated) / 2;
            }
            assertThat(result.table().mean(cell)).as("latent %d", ranked[cell]).isCloseTo(mean, within(1e-5));
        }
        assertThatThrownBy(() -> LatentSweep.of(topk)).isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> LatentSweep.of(topk, 256)).isInstanceOf(BadInputException.class);
    }

    /** A transcoder reads one site and writes another; an autoencoder of all heads writes several slots at once. */
    @ParameterizedTest
    @ValueSource(strings = {"transcoder", "skip_transcoder", "hook-z"})
    void aSweepMeasuresNodesThatNeedSeveralSlots(String name) {
        Attachment attachment = attached(name);
        LatentScores scores = LatentScores.of(attachment, runs, Metric.logitDifference(), LatentScores.Reference.ZERO);
        List<SpliceNode> nodes = List.of(
                SpliceNode.latent(attachment, scores.ranked()[0]),
                SpliceNode.latent(attachment, scores.ranked()[1]),
                SpliceNode.error(attachment));
        SweepResult result = Experiment.start(runs, Metric.logitDifference()).sweep(LatentSweep.of(nodes));
        for (int cell = 0; cell < nodes.size(); cell++) {
            SpliceNode node = nodes.get(cell);
            Splice ablated = node.isError()
                    ? Splice.of(attachment)
                    : Splice.of(attachment).withError().edit(new LatentEdit.AblateLatent(node.latent()));
            double change = 0;
            for (int pair = 0; pair < 2; pair++) {
                double expected = metric(pair, SpliceProbe.of(List.of(ablated)));
                assertThat(result.table().values(cell)[pair])
                        .as("%s, pair %d", node, pair)
                        .isCloseTo(expected, within(1e-5));
                change += Math.abs(expected - metric(pair, SpliceProbe.of(List.of())));
            }
            assertThat(change).as("%s", node).isGreaterThan(1e-3);
        }
        HookPoint in = attachment.in();
        if (!in.equals(attachment.out())) {
            Attachment backwards =
                    new Attachment(attachment.autoencoder(), attachment.out(), in, null, false, List.of());
            assertThatThrownBy(() ->
                            Experiment.start(runs, Metric.logitDifference()).sweep(LatentSweep.of(backwards, 0)))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("a pass reaches blocks.2.ln2.hook_normalized before blocks.2.hook_mlp_out");
        }
    }

    /** Latents and error term add up to what replacing the whole site does, the better the more steps. */
    @ParameterizedTest
    @ValueSource(strings = {"topk", "standard", "hook-z", "topk-layer-norm", "legacy-centred", "skip_transcoder"})
    void nodesAddUpToTheWholeEffect(String name) {
        Attachment attachment = attached(name);
        for (LatentScores.Reference reference : LatentScores.Reference.values()) {
            double[] distances = new double[2];
            double[] whole = new double[2];
            for (int pair = 0; pair < 2; pair++) {
                whole[pair] = wholeEffect(attachment, pair, reference);
                for (int i = 0; i < 2; i++) {
                    LatentScores scores = LatentScores.of(
                                    List.of(attachment), runs, Metric.logitDifference(), reference, i == 0 ? 16 : 64)
                            .getFirst();
                    double sum = Arrays.stream(scores.ofPair(pair)).sum() + scores.errorOfPair(pair);
                    distances[i] += Math.abs(sum - whole[pair]);
                }
            }
            double scale = Math.abs(whole[0]) + Math.abs(whole[1]);
            assertThat(distances[1]).as("%s %s %s", name, reference, scale).isLessThan(0.02 * scale + 0.02);
            assertThat(distances[1]).as("%s %s", name, reference).isLessThan(0.4 * distances[0] + 1e-3);
        }
    }

    /** What the metric loses when the site is as in the other prompt, or has neither latents nor error term. */
    private static double wholeEffect(Attachment attachment, int pair, LatentScores.Reference reference) {
        Map<HookPoint, float[]> other = new HashMap<>();
        model.forward(ForwardRequest.of(pairs.get(pair).corrupted())
                .probe(PointProbe.reading(
                        attachment.out(), rows -> other.put(attachment.out(), PointProbe.copy(rows)))));
        Map<HookPoint, float[]> held = new HashMap<>();
        Probe reader = PointProbe.reading(attachment.in(), rows -> held.put(attachment.in(), PointProbe.copy(rows)));
        Probe change = PointProbe.changing(attachment.out(), rows -> {
            float[] replaced = reference == LatentScores.Reference.OTHER_PROMPT
                    ? other.get(attachment.out())
                    : withoutLatents(attachment, held.getOrDefault(attachment.in(), PointProbe.copy(rows)));
            System.arraycopy(replaced, 0, rows.values(), 0, replaced.length);
        });
        boolean transcoder = !attachment.in().equals(attachment.out());
        double clean = metric(pair, SpliceProbe.of(List.of()));
        return clean - metric(pair, transcoder ? both(reader, change) : change);
    }

    private static float[] withoutLatents(Attachment attachment, float[] x) {
        SparseAutoencoder sae = attachment.autoencoder();
        float[] input = attachment.encoderInput(x);
        Latents none = Latents.of(new float[x.length / sae.config().dIn() * 256], 256);
        Latents encoded = sae.encode(input);
        float[] base = sae.reconstruct(input, encoded.with(none));
        float[] means = attachment.centring() ? Attachment.means(x, 128) : new float[x.length / 128];
        for (int i = 0; i < base.length; i++) {
            base[i] += means[i / 128];
        }
        return base;
    }

    private static Probe both(Probe first, Probe second) {
        return new Probe() {
            @Override
            public boolean wants(HookPoint point) {
                return first.wants(point) || second.wants(point);
            }

            @Override
            public void at(HookPoint point, Activation activation) {
                (first.wants(point) ? first : second).at(point, activation);
            }
        };
    }

    /** Where the metric is linear in the site, one step already gives each node's exact effect. */
    @Test
    void scoresAreExactWhereTheModelIsLinear() {
        Random random = new Random(5);
        float[] weights = new float[40 * 128];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (float) random.nextGaussian() / 12;
        }
        SparseAutoencoder sae = SparseAutoencoder.of(
                SaeConfig.of(128, 40, new LatentActivation.Relu()),
                SaeParameters.of(weights, new float[40], weights.clone(), new float[128]),
                SaeMetadata.unknown());
        HookPoint last = HookPoint.of(Site.UNEMBED_IN);
        Attachment attachment = Attachment.of(sae, model, last, last);
        LatentScores scores = LatentScores.of(attachment, runs, Metric.logitDifference(), LatentScores.Reference.ZERO);
        List<SpliceNode> nodes = LatentScores.ranked(List.of(scores));
        assertThat(nodes).hasSizeGreaterThan(10).contains(SpliceNode.error(attachment));
        SweepResult result = Experiment.start(runs, Metric.logitDifference()).sweep(LatentSweep.of(nodes));
        for (int cell = 0; cell < nodes.size(); cell++) {
            double effect = result.baselines().meanClean() - result.table().mean(cell);
            assertThat(scores.mean(nodes.get(cell))).as(nodes.get(cell).name()).isCloseTo(effect, within(2e-4));
        }
    }

    @Test
    void estimatesOfSeveralAutoencodersFollowTheirNodesExactEffects() {
        List<Attachment> attachments = List.of(attached("topk"), headOf("hook-z", 1));
        List<LatentScores> gradients =
                LatentScores.of(attachments, runs, Metric.logitDifference(), LatentScores.Reference.ZERO, 1);
        List<LatentScores> integrated =
                LatentScores.of(attachments, runs, Metric.logitDifference(), LatentScores.Reference.ZERO, 10);
        for (int a = 0; a < 2; a++) {
            LatentScores alone = LatentScores.of(
                            attachments.subList(a, a + 1),
                            runs,
                            Metric.logitDifference(),
                            LatentScores.Reference.ZERO,
                            10)
                    .getFirst();
            assertThat(alone.means()).isEqualTo(integrated.get(a).means());
            assertThat(alone.errorOfPair(1)).isEqualTo(integrated.get(a).errorOfPair(1));
        }
        List<SpliceNode> nodes =
                LatentScores.ranked(gradients).stream().limit(30).toList();
        assertThat(nodes.stream().map(SpliceNode::attachment).distinct()).hasSize(2);
        LatentSweep sweep = LatentSweep.of(nodes);
        assertThat(sweep.axes().getFirst().labels().toString())
                .contains("blocks.2.hook_resid_post error", "blocks.2.attn.hook_z, head 1 ");
        SweepResult result = Experiment.start(runs, Metric.logitDifference()).sweep(sweep);
        double[] effects = IntStream.range(0, nodes.size())
                .mapToDouble(
                        cell -> result.baselines().meanClean() - result.table().mean(cell))
                .toArray();
        assertThat(correlation(effects, nodes, attachments, gradients)).isGreaterThan(0.8);
        assertThat(correlation(effects, nodes, attachments, integrated)).isGreaterThan(0.8);
        assertThatThrownBy(() ->
                        LatentScores.of(attachments, runs, Metric.logitDifference(), LatentScores.Reference.ZERO, 0))
                .hasMessageContaining("steps");
    }

    private static double correlation(
            double[] effects, List<SpliceNode> nodes, List<Attachment> attachments, List<LatentScores> scores) {
        double[] estimates = nodes.stream()
                .mapToDouble(node ->
                        scores.get(attachments.indexOf(node.attachment())).mean(node))
                .toArray();
        return Correlation.pearson(effects, estimates).orElseThrow().r();
    }

    private static Attachment headOf(String name, int head) {
        return Attachment.of(
                SingleHead.of(
                        SaeFiles.read(path("fable/" + name)).autoencoder(),
                        head,
                        model.config().dHead()),
                model);
    }
}
