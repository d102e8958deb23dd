package dev.hyaline.analysis.sanity;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.AblationSweep;
import dev.hyaline.analysis.causal.AblationSweep.Along;
import dev.hyaline.analysis.causal.Baselines;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.metric.Logits;
import dev.hyaline.analysis.metric.Reading;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.edit.Target;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** Checks of the ground that a method stands on: the task, the engine's arithmetic, and what ablations do. */
final class GroundChecks {
    private GroundChecks() {}

    static List<SanityCheck> run(Experiment experiment, Subject subject) {
        double gap = gap(experiment.baselines());
        double delta = Math.abs(gap) / 10;
        List<SanityCheck> checks = new ArrayList<>();
        checks.add(shuffledInput(subject, gap));
        checks.add(numericalStability(experiment, subject, delta));
        checks.addAll(ablations(experiment, gap, delta));
        checks.add(leakage(subject));
        return checks;
    }

    static double gap(Baselines baselines) {
        return baselines.meanClean() - baselines.meanCorrupted();
    }

    /** Both prompts of a pair with all tokens but the first permuted alike. */
    private static SanityCheck shuffledInput(Subject subject, double gap) {
        CounterRandom random = CounterRandom.of(subject.seed()).named("sanity/shuffled-input");
        List<PromptPair> shuffled = new ArrayList<>();
        for (PromptPair pair : subject.pairs().list()) {
            int[] order = random.with(shuffled.size()).permutation(pair.length() - 1);
            int[] clean = pair.clean().clone();
            int[] corrupted = pair.corrupted().clone();
            for (int i = 0; i < order.length; i++) {
                clean[1 + i] = pair.clean()[1 + order[i]];
                corrupted[1 + i] = pair.corrupted()[1 + order[i]];
            }
            shuffled.add(
                    new PromptPair(pair.name(), clean, corrupted, pair.answers(), pair.distractors(), pair.roles()));
        }
        PromptPairs pairs = PromptPairs.of(subject.model().config(), shuffled);
        double left =
                gap(Experiment.start(subject.model(), pairs, subject.metric()).baselines());
        return SanityCheck.atMost(
                "shuffled input", Math.abs(left / gap), 0.2, "share of the gap left with tokens permuted");
    }

    /** The metric of every prompt, and of the first clean prompt without each head, in double precision. */
    private static SanityCheck numericalStability(Experiment experiment, Subject subject, double delta) {
        PlainForward plain = PlainForward.of(subject.model().weights());
        double largest = 0;
        for (int p = 0; p < subject.pairs().size(); p++) {
            PromptPair pair = subject.pairs().get(p);
            Logits clean = logits(plain, subject, pair, pair.clean(), Set.of());
            Logits corrupted = logits(plain, subject, pair, pair.corrupted(), Set.of());
            double ofClean = subject.metric().measure(new Reading(pair, pair.clean(), clean, clean));
            double ofCorrupted = subject.metric().measure(new Reading(pair, pair.corrupted(), corrupted, clean));
            largest =
                    Math.max(largest, Math.abs(ofClean - experiment.baselines().clean()[p]));
            largest = Math.max(
                    largest, Math.abs(ofCorrupted - experiment.baselines().corrupted()[p]));
        }
        PromptPair pair = subject.pairs().get(0);
        Logits clean = logits(plain, subject, pair, pair.clean(), Set.of());
        ResultTable ablated = experiment
                .sweep(AblationSweep.of(experiment.config(), Ablation.zero(), Site.Z, Along.everyHead()))
                .table();
        for (int layer = 0; layer < experiment.config().nLayers(); layer++) {
            for (int head = 0; head < experiment.config().nHeads(); head++) {
                Logits without = logits(plain, subject, pair, pair.clean(), Set.of(new Node.Head(layer, head)));
                double value = subject.metric().measure(new Reading(pair, pair.clean(), without, clean));
                largest = Math.max(largest, Math.abs(value - ablated.values(ablated.cell(layer, head))[0]));
            }
        }
        return SanityCheck.atMost(
                "numerical stability", largest / delta, 0.01, "largest difference to float64, in tenths of the gap");
    }

    private static Logits logits(
            PlainForward plain, Subject subject, PromptPair pair, int[] tokens, Set<Node.Head> zeroed) {
        int[] positions = subject.metric().positions(pair);
        double[] wide = plain.logits(tokens, positions, zeroed);
        float[] values = new float[wide.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) wide[i];
        }
        return new Logits(positions, values);
    }

    /** Ablations that must do something, and one that must do nothing. */
    private static List<SanityCheck> ablations(Experiment experiment, double gap, double delta) {
        Gpt2Config config = experiment.config();
        Map<String, List<Target>> sets = new LinkedHashMap<>();
        List<Target> all = new ArrayList<>();
        for (int layer = 0; layer < config.nLayers(); layer++) {
            all.add(Target.of(Site.Z, layer));
            all.add(Target.of(Site.MLP_OUT, layer));
        }
        sets.put("all", all);
        sets.put("embedding", List.of(Node.input().output()));
        // The last layer's output at the first position reaches no logit of another.
        sets.put(
                "no path", List.of(Target.of(Site.MLP_OUT, config.nLayers() - 1).positions(0)));
        ResultTable table = experiment
                .sweep(AblationSweep.ofSets(config, Ablation.zero(), sets))
                .table();
        double corrupted = experiment.baselines().meanCorrupted();
        double left = Math.min(Math.abs(table.mean(0)), Math.abs(table.mean(0) - corrupted)) / Math.abs(gap);
        double positive = Math.abs(table.mean(1) - experiment.baselines().meanClean()) / delta;
        boolean readsFirst = experiment.pairs().list().stream()
                .anyMatch(pair ->
                        Arrays.stream(experiment.metric().positions(pair)).anyMatch(p -> p == 0));
        double[] untouched = table.values(2);
        double negative = IntStream.range(0, untouched.length)
                .mapToDouble(pair ->
                        Math.abs(untouched[pair] - experiment.baselines().clean()[pair]))
                .max()
                .orElse(0);
        return List.of(
                SanityCheck.atMost("ablation has effect", left, 0.1, "share of the gap left without any head or MLP"),
                SanityCheck.atLeast("positive control", positive, 1, "effect of ablating the embedding, in delta"),
                readsFirst
                        ? SanityCheck.notApplicable("negative control", "the metric reads the first position")
                        : SanityCheck.atMost(
                                "negative control", negative, 0, "largest effect of a place without a path"));
    }

    /** Two units with one prompt are not two draws. */
    private static SanityCheck leakage(Subject subject) {
        Units units = subject.units();
        int shared = 0;
        for (int a = 0; a < subject.pairs().size(); a++) {
            for (int b = 0; b < a; b++) {
                shared += units.unit(a) != units.unit(b)
                                && Arrays.equals(
                                        subject.pairs().get(a).clean(),
                                        subject.pairs().get(b).clean())
                        ? 1
                        : 0;
            }
        }
        return SanityCheck.atMost("leakage", shared, 0, "pairs of units that share a clean prompt");
    }
}
