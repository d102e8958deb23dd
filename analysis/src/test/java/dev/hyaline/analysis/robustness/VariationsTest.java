package dev.hyaline.analysis.robustness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.AblationSweep;
import dev.hyaline.analysis.causal.AblationSweep.Along;
import dev.hyaline.analysis.causal.ActivationPatch;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.HeadGap;
import dev.hyaline.analysis.causal.Interactions;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.PathPatching;
import dev.hyaline.analysis.causal.PositionAxis;
import dev.hyaline.analysis.causal.ShapleyValues;
import dev.hyaline.analysis.causal.Sweep;
import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.circuit.CircuitEvaluation;
import dev.hyaline.analysis.circuit.CircuitExperiment;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.graph.Receiver;
import dev.hyaline.analysis.lens.DirectLogitAttribution;
import dev.hyaline.analysis.lens.LogitLens;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.analysis.sanity.BuiltInMethod;
import dev.hyaline.analysis.sanity.Finding;
import dev.hyaline.analysis.sanity.Method;
import dev.hyaline.analysis.sanity.Subject;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The variations that fable's indirect objects allow, in both orders of names. */
final class VariationsTest {
    private static Checkpoint checkpoint;
    private static Gpt2 model;
    private static Subject subject;
    private static List<PromptPair> abba;

    @BeforeAll
    static void open() {
        checkpoint = Checkpoint.builtIn("fable");
        Tokenizer tokenizer = checkpoint.tokenizer();
        PromptEncoder encoder =
                new PromptEncoder(tokenizer::encode, List.of(tokenizer.endOfText()), tokenizer.vocabularySize());
        model = Gpt2.of(checkpoint.weights(), 2);
        abba = Task.IOI_ABBA.draw(encoder, 8, 1);
        List<PromptPair> both = new ArrayList<>(abba);
        both.addAll(Task.IOI_ABBA.otherOrder().orElseThrow().draw(encoder, 8, 1));
        subject = new Subject(model, PromptPairs.of(model.config(), both), Metric.logitDifference(), 1);
    }

    @AfterAll
    static void close() {
        model.close();
        checkpoint.close();
    }

    @Test
    void everyFamily() {
        Circuit circuit = Circuit.ofNodes(
                model.config(),
                Circuit.full(model.config()).nodes().stream()
                        .filter(node -> !(node instanceof Node.Head head) || head.layer() < 3)
                        .toList());
        Variations variations = Variations.of(BuiltInMethod.ABLATE_MEAN, subject)
                .circuit(circuit)
                .prompts("prompts", "few", PromptPairs.of(model.config(), abba.subList(0, 3)))
                .prompts("prompts", "one order", PromptPairs.of(model.config(), abba))
                .prefix("after two tokens", 262, 263)
                .prefix("too long", new int[model.config().nCtx()])
                .checkpoint("the same", model);
        Map<String, Variation> done =
                variations.run().stream().collect(Collectors.toMap(of -> of.family() + ": " + of.name(), of -> of));
        assertThat(done.keySet())
                .contains(
                        "prompts: one order",
                        "names: half of the units",
                        "names: the other units",
                        "order: only IO first",
                        "order: only S1 first",
                        "ablation: zero",
                        "ablation: resample",
                        "positions: mean by position",
                        "positions: one by one, added up",
                        "length: after two tokens",
                        "strata: only ABBA",
                        "precision: bfloat16 weights",
                        "checkpoint: the same")
                .doesNotContain("prompts: few", "length: too long");
        // The order is that of the strata here, and of the prompts that are given.
        double[][] ofOrder = done.get("order: only IO first").finding().effects();
        assertThat(ofOrder)
                .isDeepEqualTo(done.get("strata: only ABBA").finding().effects());
        assertThat(ofOrder)
                .isDeepEqualTo(done.get("prompts: one order").finding().effects());
        // Heads read at few places: one place after another they lose about as much as at all together.
        assertThat(done.get("positions: one by one, added up")
                        .finding()
                        .similarity(variations.finding().finding()))
                .isBetween(0.9, 0.9999);
        assertThat(done.get("length: after two tokens").gaps())
                .isNotEqualTo(variations.finding().gaps());
        // No unit is in both halves, and none is lost.
        List<String> half = done.get("names: half of the units").units();
        List<String> rest = done.get("names: the other units").units();
        assertThat(half).doesNotContainAnyElementsOf(rest);
        assertThat(half.size() + rest.size()).isEqualTo(16);
        Variation found = variations.finding();
        assertThat(done.get("checkpoint: the same").finding().effects())
                .isDeepEqualTo(found.finding().effects());
        CircuitEvaluation direct = CircuitEvaluation.measure(
                CircuitExperiment.of(
                        Experiment.start(model, subject.pairs(), Metric.logitDifference()), Ablation.mean()),
                circuit);
        double[] ones = new double[16];
        Arrays.fill(ones, 1);
        assertThat(found.circuit().faithfulness(ones)).isCloseTo(direct.faithfulness(), within(1e-12));
        assertThat(done.get("ablation: zero").circuit().empty())
                .isNotEqualTo(found.circuit().empty());
    }

    /** Attribution is of the logit difference, and so is the gap that it has shares of. */
    @Test
    void attributionHasSharesOfTheLogitDifference() {
        PromptPairs pairs = PromptPairs.of(model.config(), abba.subList(0, 4));
        double[] gaps =
                Variations.of(BuiltInMethod.ATTRIBUTE, few(pairs)).finding().gaps();
        Subject byKl = new Subject(model, pairs, Metric.klToClean(PromptPair.END), 1);
        assertThat(Variations.of(BuiltInMethod.ATTRIBUTE, byKl).finding().gaps())
                .containsExactly(gaps);
        double[] ofKl = Variations.of(BuiltInMethod.ABLATE, byKl).finding().gaps();
        assertThat(Arrays.stream(ofKl).allMatch(gap -> gap < 0)).isTrue();
    }

    private static Subject few(PromptPairs pairs) {
        return new Subject(model, pairs, Metric.logitDifference(), 1);
    }

    private static WrittenFinding written(ResultTable table) {
        Map<String, Double> effects = new LinkedHashMap<>();
        for (int cell = 0; cell < table.cells(); cell++) {
            int of = cell;
            double reference = IntStream.range(0, table.samples().size())
                    .mapToDouble(pair -> table.reference(of, pair))
                    .average()
                    .orElseThrow();
            effects.put(WrittenMethod.component(table.axes(), cell), table.mean(cell) - reference);
        }
        return new WrittenFinding("found.json", table.title(), table.quantity(), table.axes(), List.of(), effects);
    }

    private static ResultTable sweep(Subject of, Sweep sweep) {
        return Experiment.start(model, of.pairs(), of.metric()).sweep(sweep).table();
    }

    /** Whatever made a table is known by its title, finds the same again, and is repeated under variations. */
    @Test
    void everyTableOfACommandIsRepeated() {
        Subject of = few(PromptPairs.of(model.config(), abba.subList(0, 4)));
        Gpt2Config config = model.config();
        PositionAxis named = PositionAxis.of(of.pairs(), IndexSelection.of(0, 2, 10, 14), token -> "");
        List<ResultTable> tables = List.of(
                sweep(of, AblationSweep.of(config, Ablation.meanByPosition(), Site.Z, Along.everyHead())),
                sweep(of, AblationSweep.of(config, Ablation.resample(3), Site.MLP_OUT, Along.everyLayer())),
                sweep(
                        of,
                        AblationSweep.of(
                                config,
                                Ablation.noise(0.5f, 3),
                                Site.RESID_POST,
                                Along.everyLayer()
                                        .inLayers(IndexSelection.of(1, 3))
                                        .positions(named))),
                sweep(
                        of,
                        AblationSweep.ofSets(
                                config,
                                Ablation.zero(),
                                Map.of("a1.h0+m0", List.of(new Node.Head(1, 0).output(), new Node.Mlp(0).output())))),
                sweep(of, ActivationPatch.RESID_PRE.sweep(config, PatchingDirection.DENOISING, named)),
                sweep(of, ActivationPatch.ATTN_HEAD_OUT_ALL_POS.sweep(config, PatchingDirection.NOISING, of.pairs())),
                sweep(
                        of,
                        PathPatching.edges(
                                config, PatchingDirection.DENOISING, List.of(Edge.parse(config, "a1.h0->a2.h2<q>")))),
                sweep(
                        of,
                        PathPatching.heads(
                                config,
                                PatchingDirection.DENOISING,
                                Set.of(Receiver.of(Node.logits())),
                                Set.of(new Node.Mlp(3), new Node.Mlp(2)))),
                DirectLogitAttribution.of(model, of.pairs(), PromptPair.END)
                        .byLayer()
                        .table(),
                LogitLens.of(model).measure(of.pairs(), of.metric()));
        for (ResultTable table : tables) {
            Method method = written(table).method(of);
            assertThat(method.title()).isEqualTo(table.title());
            assertThat(method.run(of).components()).hasSize(table.cells());
            Set<String> families = Variations.of(method, of).prefix("longer", 262).run().stream()
                    .map(Variation::family)
                    .collect(Collectors.toSet());
            assertThat(families).as(table.title()).contains("length", "beginning", "precision");
        }
    }

    /** A place that a role names moves with the role; the first place of all is none of shorter prompts. */
    @Test
    void positionsAreThoseOfRolesOrAsFarFromTheEnd() {
        Subject of = few(PromptPairs.of(model.config(), abba.subList(0, 4)));
        PositionAxis axis = PositionAxis.of(of.pairs(), IndexSelection.of(0, 10, 13), token -> "");
        Method method = written(sweep(
                        of,
                        AblationSweep.of(
                                model.config(),
                                Ablation.zero(),
                                Site.RESID_PRE,
                                Along.everyLayer().positions(axis))))
                .method(of);
        Map<String, Finding> found = Variations.of(method, of).prefix("longer", 262, 263).run().stream()
                .collect(Collectors.toMap(Variation::family, Variation::finding, (a, b) -> a));
        int first = method.run(of).components().indexOf("layer 0, position 0");
        int second = method.run(of).components().indexOf("layer 0, position 10 S2");
        assertThat(method.run(of).effects()[first]).doesNotContain(0);
        assertThat(found.get("beginning").effects()[first]).containsOnly(0);
        for (Finding finding : found.values()) {
            assertThat(finding.effects()[second]).doesNotContain(0);
        }
    }

    /** The tables whose titles do not say all that made them, or whose scale is another. */
    @Test
    void whatATitleDoesNotSayIsFound() {
        Subject of = few(PromptPairs.of(model.config(), abba.subList(0, 4)));
        Gpt2Config config = model.config();
        Experiment experiment = Experiment.start(model, of.pairs(), of.metric());
        Map<String, List<Target>> sets = new LinkedHashMap<>();
        for (String set : List.of("a1.h0", "a1.h3+m0", "a2.h4")) {
            sets.put(set, Node.parseSet(config, set).stream().map(Node::output).toList());
        }
        List<Target> besides =
                Node.headsBesides(
                                config,
                                sets.keySet().stream()
                                        .map(set -> Node.parseSet(config, set))
                                        .toList())
                        .stream()
                        .map(Node::output)
                        .toList();
        HeadGap gap = HeadGap.measure(experiment, Ablation.zero());
        ShapleyValues alone = ShapleyValues.measure(experiment, Ablation.zero(), sets, besides, 1);
        List<ResultTable> tables = List.of(
                Interactions.measure(experiment, Ablation.meanByPosition(), sets),
                gap.share(Interactions.measure(experiment, Ablation.zero(), sets)),
                ShapleyValues.measure(experiment, Ablation.zero(), sets, List.of(), 1)
                        .values(),
                alone.values(),
                alone.share(gap).interactions(),
                experiment
                        .sweep(AblationSweep.of(config, Ablation.zero(), Site.Z, Along.everyHead()))
                        .normalised(),
                DirectLogitAttribution.of(model, of.pairs(), "S2").byHead().table());
        for (ResultTable table : tables) {
            Method method = written(table).method(of);
            double[] found = method.run(of).scores();
            assertThat(found).as(table.title()).hasSize(table.cells());
        }
        // On the scale of the metric, with the heads outside the sets ablated.
        double[] values = written(alone.share(gap).values()).method(of).run(of).scores();
        for (int cell = 0; cell < values.length; cell++) {
            assertThat(values[cell]).isCloseTo(alone.values().mean(cell), within(1e-9));
        }
        assertThat(Node.headsBesides(config, List.of(Node.parseSet(config, "a1.h0 + m0"))))
                .hasSize(config.nLayers() * config.nHeads() - 1)
                .doesNotContain(new Node.Head(1, 0));
    }

    /** A source position that all pairs have a role at is that role's in longer prompts, whatever their lengths. */
    @Test
    void attributionByPositionIsRepeated() {
        Subject of = few(PromptPairs.of(model.config(), abba.subList(0, 4)));
        ResultTable table = DirectLogitAttribution.of(model, of.pairs(), PromptPair.END)
                .byPosition()
                .table();
        Method method = written(table).method(of);
        Finding found = method.run(of);
        assertThat(found.components()).hasSize(table.cells());
        List<PromptPair> longer = new ArrayList<>(of.pairs().list());
        longer.set(0, Variations.after(longer.get(0), 1, new int[] {262, 263}));
        Subject mixed = few(PromptPairs.of(model.config(), longer));
        Finding moved = method.run(mixed);
        ResultTable first = DirectLogitAttribution.of(
                        model, PromptPairs.of(model.config(), longer.subList(0, 1)), PromptPair.END)
                .byPosition()
                .table();
        int ofS2 = of.pairs().get(0).position("S2");
        int component = found.components().indexOf("layer 1, head 3, position " + ofS2);
        assertThat(moved.effects()[component][0]).isEqualTo(first.values(first.cell(1, 3, ofS2 + 2))[0]);
        assertThat(moved.effects()[component][1]).isEqualTo(found.effects()[component][1]);
        assertThat(Variations.of(method, of).prefix("longer", 262).run())
                .extracting(Variation::family)
                .contains("length", "beginning", "precision");
    }

    @Test
    void aTableThatCannotBeRepeatedIsRefused() {
        Subject of = few(PromptPairs.of(model.config(), abba.subList(0, 4)));
        ResultTable lens = LogitLens.of(model).measure(of.pairs(), of.metric());
        WrittenFinding unknown =
                new WrittenFinding("found.json", "Accuracy of a probe", "accuracy", lens.axes(), List.of(), Map.of());
        assertThatThrownBy(() -> unknown.method(of))
                .hasMessageContaining("'Accuracy of a probe' cannot be repeated under variations; expected a table of");
        assertThatThrownBy(() -> written(lens).method(few(PromptPairs.of(model.config(), abba.subList(1, 5)))))
                .hasMessageContaining("give the model, prompts and metric that it was made with");
        WrittenFinding circuit = new WrittenFinding("c.json", "hisp", "", List.of(), List.of(), Map.of("m0->m1", 1.0));
        assertThatThrownBy(() -> circuit.method(of)).hasMessageContaining("scores by hisp cannot be repeated");
        WrittenFinding graph = new WrittenFinding("g.json", "", "", List.of(), List.of(), Map.of("m0->m1", 1.0));
        assertThatThrownBy(() -> graph.method(of)).hasMessageContaining("does not say how its edges were scored");
    }
}
