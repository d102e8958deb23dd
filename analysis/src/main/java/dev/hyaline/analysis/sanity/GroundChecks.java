package dev.hyaline.analysis.sanity;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.AblationSweep;
import dev.hyaline.analysis.causal.AblationSweep.Along;
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
        double gap = experiment.baselines().gap();
        double delta = Math.abs(gap) / 10;
        List<SanityCheck> checks = new ArrayList<>();
        checks.add(shuffledInput(subject, gap));
        PlainForward plain = PlainForward.of(subject.model().weights());
        List<Logits> clean = subject.pairs().list().stream()
                .map(pair -> logits(plain, subject, pair, pair.clean(), Set.of()))
                .toList();
        checks.add(numericalStability(experiment, subject, plain, clean, delta));
        checks.addAll(ablations(experiment, uniform(experiment, clean), gap, delta));
        checks.add(leakage(subject));
        return checks;
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
        double left = Experiment.start(subject.model(), pairs, subject.metric())
                .baselines()
                .gap();
        return SanityCheck.atMost(
                "shuffled input", Math.abs(left / gap), 0.2, "share of the gap left with tokens permuted");
    }

    /** The metric of every prompt, and of the first clean prompt without each head, in double precision. */
    private static SanityCheck numericalStability(
            Experiment experiment, Subject subject, PlainForward plain, List<Logits> cleans, double delta) {
        double largest = 0;
        for (int p = 0; p < subject.pairs().size(); p++) {
            PromptPair pair = subject.pairs().get(p);
            Logits clean = cleans.get(p);
            Logits corrupted = logits(plain, subject, pair, pair.corrupted(), Set.of());
            double ofClean = subject.metric().measure(new Reading(pair, pair.clean(), clean, clean));
            double ofCorrupted = subject.metric().measure(new Reading(pair, pair.corrupted(), corrupted, clean));
            largest =
                    Math.max(largest, Math.abs(ofClean - experiment.baselines().clean()[p]));
            largest = Math.max(
                    largest, Math.abs(ofCorrupted - experiment.baselines().corrupted()[p]));
        }
        PromptPair pair = subject.pairs().get(0);
        Logits clean = cleans.getFirst();
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
    private static List<SanityCheck> ablations(Experiment experiment, double uniform, double gap, double delta) {
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
        double left = Math.min(
                above(table.mean(0), experiment.baselines().meanCorrupted(), gap), above(table.mean(0), uniform, gap));
        double positive = Math.abs(table.mean(1) - experiment.baselines().meanClean()) / delta;
        boolean readsFirst = experiment.pairs().list().stream()
                .anyMatch(pair ->
                        Arrays.stream(experiment.metric().positions(pair)).anyMatch(p -> p == 0));
        ResultTable nothing = experiment
                .sweep(AblationSweep.of(config, Ablation.noise(0, /* seed= */ 0), Site.RESID_POST, Along.everyLayer()))
                .table();
        double negative = largestEffect(experiment, table.values(2));
        for (int cell = 0; cell < nothing.cells(); cell++) {
            negative = Math.max(negative, largestEffect(experiment, nothing.values(cell)));
        }
        return List.of(
                SanityCheck.atMost("ablation has effect", left, 0.1, "share of the gap left without any head or MLP"),
                SanityCheck.atLeast("positive control", positive, 1, "effect of ablating the embedding, in delta"),
                readsFirst
                        ? SanityCheck.notApplicable("negative control", "the metric reads the first position")
                        : SanityCheck.atMost(
                                "negative control", negative, 0, "largest effect without a path, or of adding 0"));
    }

    private static double largestEffect(Experiment experiment, double[] values) {
        double[] clean = experiment.baselines().clean();
        return IntStream.range(0, values.length)
                .mapToDouble(pair -> Math.abs(values[pair] - clean[pair]))
                .max()
                .orElse(0);
    }

    /** How far a mean lies from a baseline towards the clean run, as a share of the gap; 0 beyond the baseline. */
    private static double above(double mean, double baseline, double gap) {
        return Math.max(0, (mean - baseline) / gap);
    }

    /** The mean metric of corrupted prompts with logits that are all alike. */
    private static double uniform(Experiment experiment, List<Logits> clean) {
        double sum = 0;
        for (int p = 0; p < clean.size(); p++) {
            PromptPair pair = experiment.pairs().get(p);
            Logits of = clean.get(p);
            Logits alike = new Logits(of.positions(), new float[of.values().length]);
            sum += experiment.metric().measure(new Reading(pair, pair.corrupted(), alike, of));
        }
        return sum / experiment.pairs().size();
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
