package dev.hyaline.analysis.sanity;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.internal.Order;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.statistics.Adjustment;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.statistics.SignFlip;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.statistics.association.Correlation;
import dev.hyaline.analysis.statistics.association.Similarity;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;
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
    private static final double ALPHA = 0.05;
    private static final int RELABELLINGS = 200;
    private static final int RANDOMISATIONS = 5;
    private static final int[] THREADS = {1, 2, 7};
    private static final int FEW_PAIRS = 2;
    private static final int RESAMPLES = 500;

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
        Experiment experiment = start(subject);
        List<SanityCheck> checks = new ArrayList<>(ofMethod(experiment, subject));
        checks.addAll(GroundChecks.run(experiment, subject));
        return List.copyOf(checks);
    }

    /** The checks that look at the method. */
    List<SanityCheck> ofMethod(Subject subject) {
        return ofMethod(start(subject), subject);
    }

    /** The checks that look at what every method stands on. */
    static List<SanityCheck> ofGround(Subject subject) {
        return GroundChecks.run(start(subject), subject);
    }

    private static Experiment start(Subject subject) {
        if (subject.pairs().size() < 4) {
            throw new BadInputException("the sanity suite needs at least 4 pairs of prompts, found "
                    + subject.pairs().size());
        }
        Experiment experiment = Experiment.start(subject.model(), subject.pairs(), subject.metric());
        double gap = experiment.baselines().gap();
        if (!(Math.abs(gap) > 0)) {
            throw new BadInputException("the mean " + subject.metric().quantity()
                    + " is the same on the clean and the corrupted prompts; there is no behaviour to find");
        }
        return experiment;
    }

    private List<SanityCheck> ofMethod(Experiment experiment, Subject subject) {
        Finding finding = method.run(subject);
        Finding ofFew = method.run(subject.of(few(subject)));
        return List.of(
                reproducibility(subject, finding),
                halves(subject),
                anyOrder(subject, ofFew),
                conservation(finding),
                deadHook(finding),
                RandomBaseline.check(experiment, subject, method, finding),
                shuffledLabels(subject, finding),
                modelRandomised(subject, finding),
                threads(subject, ofFew),
                kernels(subject, ofFew));
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
        Units units = subject.units();
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
        Interval interval = interval(first, second, halves, subject);
        return SanityCheck.atLeast(
                "other prompts",
                first.similarity(second),
                0.7,
                String.format(
                        Locale.ROOT,
                        "cosine on halves of the units, 95%% %.2f to %.2f",
                        interval.low(),
                        interval.high()));
    }

    /** The likeness of two findings over resamples of the units of each. */
    private static Interval interval(Finding first, Finding second, List<List<PromptPair>> halves, Subject subject) {
        CounterRandom random = CounterRandom.of(subject.seed()).named("sanity/other-prompts");
        Gpt2Config config = subject.model().config();
        Units ofFirst = subject.of(PromptPairs.of(config, halves.get(0))).units();
        Units ofSecond = subject.of(PromptPairs.of(config, halves.get(1))).units();
        double[] cosines = new double[RESAMPLES];
        for (int b = 0; b < cosines.length; b++) {
            cosines[b] = Similarity.ofMaps(
                    resampled(first, ofFirst, random.with(b).with(0)),
                    resampled(second, ofSecond, random.with(b).with(1)));
        }
        Arrays.sort(cosines);
        return new Interval(Order.quantile(cosines, 0.025), Order.quantile(cosines, 0.975));
    }

    /** The sums of effects over units drawn with replacement. */
    private static double[] resampled(Finding finding, Units units, CounterRandom random) {
        int[] times = new int[units.count()];
        for (int j = 0; j < times.length; j++) {
            times[random.index(j, times.length)]++;
        }
        double[] sums = new double[finding.effects().length];
        for (int c = 0; c < sums.length; c++) {
            double[] effects = finding.effects()[c];
            for (int pair = 0; pair < effects.length; pair++) {
                sums[c] += times[units.unit(pair)] * effects[pair];
            }
        }
        return sums;
    }

    /** The first pairs the other way round, and each alone. */
    private SanityCheck anyOrder(Subject subject, Finding found) {
        String name = "any order";
        if (!(method.ablation() instanceof Ablation.CounterfactualAblation
                || method.ablation() instanceof Ablation.ZeroAblation)) {
            return SanityCheck.notApplicable(name, "what its ablation writes depends on the other pairs");
        }
        List<PromptPair> few = few(subject).list();
        Gpt2Config config = subject.model().config();
        Finding reversed = method.run(subject.of(PromptPairs.of(config, few.reversed())));
        List<Finding> alone = few.stream()
                .map(pair -> method.run(subject.of(PromptPairs.of(config, List.of(pair)))))
                .toList();
        int different = 0;
        for (int c = 0; c < found.components().size(); c++) {
            String component = found.components().get(c);
            boolean same = true;
            for (int pair = 0; pair < few.size(); pair++) {
                double effect = found.effects()[c][pair];
                same &= effect == effect(reversed, component, few.size() - 1 - pair)
                        && effect == effect(alone.get(pair), component, 0);
            }
            different += same ? 0 : 1;
        }
        return SanityCheck.atMost(name, different, 0, "components that differ in reverse or one by one");
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

    /**
     * The method is run with every pair's answer and distractor exchanged; each study takes a unit's effects from that
     * run or the first by a fair coin. A study finds something if a component's p, by Holm's adjustment, is at most
     * 0.05. Of more components than so many units can tell from chance, those with the largest effects in both runs are
     * tested.
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
        Units units = subject.units();
        CounterRandom random = CounterRandom.of(subject.seed()).named("sanity/shuffled-labels");
        double smallest = SignFlip.test(finding.effects()[0], units, random).smallestTwoSided();
        int[] tested = largest(finding.effects(), other, (int) (ALPHA / smallest));
        if (tested.length == 0) {
            return SanityCheck.notApplicable(
                    name, units.count() + " units cannot show an effect: their least p is " + smallest);
        }
        int finds = 0;
        for (int study = 0; study < RELABELLINGS; study++) {
            CounterRandom coins = random.with(study);
            double[] p = new double[tested.length];
            for (int i = 0; i < p.length; i++) {
                double[] effects = finding.effects()[tested[i]].clone();
                for (int pair = 0; pair < effects.length; pair++) {
                    if (coins.flip(units.unit(pair))) {
                        effects[pair] = other[tested[i]][pair];
                    }
                }
                p[i] = SignFlip.test(effects, units, coins.with(tested[i])).p().twoSided();
            }
            finds += Arrays.stream(Adjustment.HOLM.adjust(p)).anyMatch(value -> value <= ALPHA) ? 1 : 0;
        }
        return SanityCheck.atMost(
                name,
                (double) finds / RELABELLINGS,
                ALPHA + 2 * Math.sqrt(ALPHA * (1 - ALPHA) / RELABELLINGS),
                "share of studies with answers by lot that find some");
    }

    /**
     * The components with the largest sums of absolute effects, which exchanging pairs between the runs leaves alike.
     */
    private static int[] largest(double[][] one, double[][] other, int most) {
        double[] sizes = new double[one.length];
        for (int c = 0; c < sizes.length; c++) {
            sizes[c] = DoubleStream.concat(Arrays.stream(one[c]), Arrays.stream(other[c]))
                    .map(Math::abs)
                    .sum();
        }
        return IntStream.range(0, sizes.length)
                .boxed()
                .sorted(Comparator.comparingDouble(c -> -sizes[c]))
                .limit(most)
                .mapToInt(Integer::intValue)
                .sorted()
                .toArray();
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

    /** An effect; 0 of a component without a path in these pairs. */
    private static double effect(Finding finding, String component, int pair) {
        int c = finding.components().indexOf(component);
        return c < 0 ? 0 : finding.effects()[c][pair];
    }

    private static PromptPairs few(Subject subject) {
        return PromptPairs.of(subject.model().config(), subject.pairs().list().subList(0, FEW_PAIRS));
    }

    /** The method on the first pairs, with the model on its kernels and on scalar ones. */
    private SanityCheck kernels(Subject subject, Finding ofFew) {
        String name = "any kernels";
        String own = subject.model().kernels().name();
        if (subject.model().device().isPresent() || own.equals("scalar")) {
            return SanityCheck.notApplicable(name, "the model runs on " + own + " kernels alone");
        }
        double[][] found = ofFew.effects();
        try (Gpt2 scalar =
                Gpt2.onScalarKernels(subject.model().weights(), subject.model().threads())) {
            double[][] other = method.run(subject.of(scalar).of(few(subject))).effects();
            int different = 0;
            for (int c = 0; c < found.length; c++) {
                different += Arrays.equals(found[c], other[c]) ? 0 : 1;
            }
            return SanityCheck.atMost(name, different, 0, "components that differ on scalar kernels");
        }
    }

    /** The method on the first pairs, with the model on other numbers of threads. */
    private SanityCheck threads(Subject subject, Finding ofFew) {
        PromptPairs few = few(subject);
        boolean onDevice = subject.model().device().isPresent();
        List<double[][]> found = new ArrayList<>();
        for (int threads : THREADS) {
            if (threads == subject.model().threads() && !onDevice) {
                found.add(ofFew.effects());
                continue;
            }
            try (Gpt2 model = Gpt2.of(subject.model().weights(), threads)) {
                found.add(method.run(subject.of(model).of(few)).effects());
            }
        }
        long different = found.stream()
                .filter(effects -> !Arrays.deepEquals(effects, found.getFirst()))
                .count();
        return SanityCheck.atMost(
                "any threads", (double) different, 0, "of 1, 2 and 7 threads, those with other effects");
    }

    @Override
    public String toString() {
        return "sanity checks of " + method.title();
    }
}
