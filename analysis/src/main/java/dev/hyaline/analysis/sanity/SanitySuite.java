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
import dev.hyaline.analysis.statistics.Adjustment;
import dev.hyaline.analysis.statistics.SignFlip;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.statistics.association.Correlation;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.edit.Target;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * The checks of a method on a subject. Half of them look at the method: does it rank better than chance, find nothing
 * where answers are exchanged by lot, lose its finding with the model's weights, give the same bits again. The others
 * look at the ground it stands on: the engine's arithmetic, the task, and edits that must and must not do something.
 *
 * <p>The smallest effect that matters, delta, is a tenth of the gap between the clean and the corrupted prompts.
 *
 * <p>Source: Adebayo et al. (2018) for the randomised model; the laboratory's own specification for the rest.
 */
public final class SanitySuite {
    private static final int RANDOM_SETS = 199;
    private static final int RELABELLINGS = 200;
    private static final int RANDOMISATIONS = 5;
    private static final int SET_SIZE = 5;
    private static final double ALPHA = 0.05;

    private final Method method;

    private SanitySuite(Method method) {
        this.method = method;
    }

    public static SanitySuite of(Method method) {
        return new SanitySuite(method);
    }

    /**
     * Runs every check.
     *
     * @throws BadInputException if there are fewer than 4 pairs, or the clean and the corrupted prompts give the same
     *     metric: there is no behaviour to find
     */
    public List<SanityCheck> run(Subject subject) {
        if (subject.pairs().size() < 4) {
            throw new BadInputException("the sanity suite needs at least 4 pairs of prompts, found "
                    + subject.pairs().size());
        }
        Experiment experiment = Experiment.start(subject.model(), subject.pairs(), subject.metric());
        double gap = gap(experiment.baselines());
        if (!(Math.abs(gap) > 0)) {
            throw new BadInputException("the mean " + subject.metric().quantity()
                    + " is the same on the clean and the corrupted prompts; there is no behaviour to find");
        }
        Finding finding = method.run(subject);
        double delta = Math.abs(gap) / 10;
        List<SanityCheck> checks = new ArrayList<>();
        checks.add(reproducibility(subject, finding));
        checks.add(halves(subject));
        checks.add(conservation(finding));
        checks.add(deadHook(finding));
        checks.add(randomBaseline(experiment, finding, subject.seed()));
        checks.add(shuffledLabels(subject, finding));
        checks.add(modelRandomised(subject, finding));
        checks.add(shuffledInput(subject, gap));
        checks.add(numericalStability(experiment, subject, delta));
        checks.add(threads(subject));
        checks.addAll(ablations(experiment, gap, delta));
        checks.add(leakage(subject));
        return List.copyOf(checks);
    }

    private static double gap(Baselines baselines) {
        return baselines.meanClean() - baselines.meanCorrupted();
    }

    private SanityCheck reproducibility(Subject subject, Finding finding) {
        double[][] again = method.run(subject).effects();
        int different = 0;
        for (int c = 0; c < again.length; c++) {
            different += Arrays.equals(again[c], finding.effects()[c]) ? 0 : 1;
        }
        return SanityCheck.atMost("same bits again", different, 0, "components that differ in a second run");
    }

    /** Every other unit against the rest. */
    private SanityCheck halves(Subject subject) {
        Units units = units(subject.pairs());
        if (units.count() < 4) {
            return SanityCheck.notApplicable("other prompts", "fewer than 4 units");
        }
        List<List<PromptPair>> halves = List.of(new ArrayList<>(), new ArrayList<>());
        for (int pair = 0; pair < subject.pairs().size(); pair++) {
            halves.get(units.unit(pair) % 2).add(subject.pairs().get(pair));
        }
        Gpt2Config config = subject.model().config();
        Finding first = method.run(subject.of(PromptPairs.of(config, halves.get(0))));
        Finding second = method.run(subject.of(PromptPairs.of(config, halves.get(1))));
        return SanityCheck.atLeast(
                "other prompts", first.similarity(second), 0.7, "cosine of the findings on two halves of the units");
    }

    private static SanityCheck conservation(Finding finding) {
        return finding.sumError() == null
                ? SanityCheck.notApplicable("conservation", "its effects are not parts of a whole")
                : SanityCheck.atMost(
                        "conservation", finding.sumError(), 1e-4, "error of the parts' sum, as a share of the whole");
    }

    private static SanityCheck deadHook(Finding finding) {
        double dead = Arrays.stream(finding.effects())
                .filter(effects -> Arrays.stream(effects).allMatch(effect -> effect == 0))
                .count();
        return SanityCheck.atMost("dead hook", dead, 0, "components with effect exactly 0 on every pair");
    }

    /** The heads with the best scores, ablated together, against sets of as many heads of the same layers. */
    private static SanityCheck randomBaseline(Experiment experiment, Finding finding, long seed) {
        String name = "random baseline";
        Gpt2Config config = experiment.config();
        double[] scores = finding.scores();
        double sign = Math.signum(gap(experiment.baselines()));
        List<Node.Head> found = IntStream.range(0, scores.length)
                .boxed()
                .sorted(Comparator.comparingDouble(c -> -sign * scores[c]))
                .map(c -> Node.parse(config, finding.components().get(c)))
                .filter(Node.Head.class::isInstance)
                .map(Node.Head.class::cast)
                .limit(SET_SIZE)
                .toList();
        if (found.size() < SET_SIZE) {
            return SanityCheck.notApplicable(name, "it scores fewer than " + SET_SIZE + " heads");
        }
        Map<String, List<Target>> sets = new LinkedHashMap<>();
        sets.put("found", targets(found));
        Map<Integer, Long> byLayer = new TreeMap<>();
        found.forEach(head -> byLayer.merge(head.layer(), 1L, Long::sum));
        CounterRandom random = CounterRandom.of(seed).named("sanity/random-baseline");
        for (int b = 0; b < RANDOM_SETS; b++) {
            List<Node.Head> drawn = new ArrayList<>();
            for (Map.Entry<Integer, Long> layer : byLayer.entrySet()) {
                int[] order = random.with(b).with(layer.getKey()).permutation(config.nHeads());
                for (int i = 0; i < layer.getValue(); i++) {
                    drawn.add(new Node.Head(layer.getKey(), order[i]));
                }
            }
            sets.put("random " + b, targets(drawn));
        }
        double[] losses = losses(experiment, sets, sign);
        long asLarge =
                Arrays.stream(losses).skip(1).filter(loss -> loss >= losses[0]).count();
        return SanityCheck.atMost(
                name,
                (1.0 + asLarge) / (1 + RANDOM_SETS),
                ALPHA,
                "p of losing the best " + SET_SIZE + " among random sets");
    }

    private static List<Target> targets(List<Node.Head> heads) {
        return heads.stream().map(Node.Head::output).toList();
    }

    /** The mean loss by each set's ablation by zero. */
    private static double[] losses(Experiment experiment, Map<String, List<Target>> sets, double sign) {
        ResultTable table = experiment
                .sweep(AblationSweep.ofSets(experiment.config(), Ablation.zero(), sets))
                .table();
        double clean = experiment.baselines().meanClean();
        return IntStream.range(0, table.cells())
                .mapToDouble(cell -> sign * (clean - table.mean(cell)))
                .toArray();
    }

    /**
     * The method is run with every pair's answer and distractor exchanged; each study takes a unit's effects from that
     * run or the first by a fair coin. A study finds something if a component's p, by Holm's adjustment, is at most
     * 0.05.
     */
    private SanityCheck shuffledLabels(Subject subject, Finding finding) {
        String name = "shuffled labels";
        if (subject.pairs().list().stream().anyMatch(pair -> pair.distractors().length == 0)) {
            return SanityCheck.notApplicable(name, "a pair has no distractor to exchange its answer with");
        }
        List<PromptPair> exchanged = subject.pairs().list().stream()
                .map(pair -> new PromptPair(
                        pair.name(),
                        pair.clean(),
                        pair.corrupted(),
                        /* answers= */ pair.distractors(),
                        /* distractors= */ pair.answers(),
                        pair.roles(),
                        pair.unit(),
                        pair.stratum()))
                .toList();
        double[][] other = method.run(subject.of(PromptPairs.of(subject.model().config(), exchanged)))
                .effects();
        Units units = units(subject.pairs());
        CounterRandom random = CounterRandom.of(subject.seed()).named("sanity/shuffled-labels");
        int finds = 0;
        for (int study = 0; study < RELABELLINGS; study++) {
            CounterRandom coins = random.with(study);
            double[] p = new double[other.length];
            for (int c = 0; c < p.length; c++) {
                double[] effects = finding.effects()[c].clone();
                for (int pair = 0; pair < effects.length; pair++) {
                    if (coins.flip(units.unit(pair))) {
                        effects[pair] = other[c][pair];
                    }
                }
                p[c] = SignFlip.test(effects, units, coins.with(c)).p().twoSided();
            }
            finds += Arrays.stream(Adjustment.HOLM.adjust(p)).anyMatch(value -> value <= ALPHA) ? 1 : 0;
        }
        return SanityCheck.atMost(
                name,
                (double) finds / RELABELLINGS,
                ALPHA + 2 * Math.sqrt(ALPHA * (1 - ALPHA) / RELABELLINGS),
                "share of studies with answers by lot that find some");
    }

    /** All layers permuted, then the embeddings and the last norm too. */
    private SanityCheck modelRandomised(Subject subject, Finding finding) {
        double worst = 0;
        for (boolean embeddings : new boolean[] {false, true}) {
            double sum = 0;
            for (int seed = 0; seed < RANDOMISATIONS; seed++) {
                CounterRandom random = CounterRandom.of(subject.seed())
                        .named("sanity/model-randomised")
                        .with(seed);
                Gpt2Weights weights = PermutedWeights.of(subject.model().weights(), 0, embeddings, random);
                try (Gpt2 model = Gpt2.of(weights, subject.model().threads())) {
                    sum += Correlation.spearman(
                                    finding.scores(),
                                    method.run(subject.of(model)).scores())
                            .map(spearman -> Math.abs(spearman.rho()))
                            .orElse(0.0);
                }
            }
            worst = Math.max(worst, sum / RANDOMISATIONS);
        }
        return SanityCheck.atMost(
                "model randomised", worst, 0.5, "|rank correlation| with permuted weights, mean of " + RANDOMISATIONS);
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

    private static SanityCheck threads(Subject subject) {
        int[] prompt = subject.pairs().get(0).clean();
        float[] expected = subject.model().logits(prompt);
        int different = 0;
        for (int threads : new int[] {1, 2, 7}) {
            try (Gpt2 model = Gpt2.of(subject.model().weights(), threads)) {
                different += Arrays.equals(expected, model.logits(prompt)) ? 0 : 1;
            }
        }
        return SanityCheck.atMost("any threads", different, 0, "of 1, 2 and 7 threads, those with other logits");
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
        Units units = units(subject.pairs());
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

    private static Units units(PromptPairs pairs) {
        return pairs.units().orElse(Units.each(pairs.size()));
    }
}
