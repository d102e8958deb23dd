package dev.hyaline.analysis.robustness;

import dev.hyaline.analysis.causal.Baselines;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PairRuns;
import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.sanity.Finding;
import dev.hyaline.analysis.sanity.Method;
import dev.hyaline.analysis.sanity.Subject;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.files.RecordText;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A finding under one variation, or the finding itself.
 *
 * @param family of variations, such as {@code metric}
 * @param name such as {@code probability difference}
 * @param finding effects of components by pair
 * @param gaps by pair, the clean prompt's metric less the corrupted one's
 * @param accuracy the share of pairs whose clean prompt has the answers' logit above the distractors'; NaN where that
 *     is not what the metric is about
 * @param units by pair, what it shares with others; pairs of one unit are resampled together
 * @param circuit of a finding that is a circuit too, what it keeps alone; null of others
 */
public record Variation(
        String family,
        String name,
        Finding finding,
        double[] gaps,
        double accuracy,
        List<String> units,
        @Nullable KeptCircuit circuit) {
    /** The behaviour is there if so many pairs have it. */
    private static final double PRESENT = 0.6;

    /** @throws BadShapeException if effects, gaps, units and the circuit are of different numbers of pairs */
    public Variation {
        units = List.copyOf(units);
        for (double[] effects : finding.effects()) {
            if (effects.length != gaps.length
                    || units.size() != gaps.length
                    || (circuit != null && circuit.kept().length != gaps.length)) {
                throw new BadShapeException(
                        "a variation's effects, gaps and units",
                        "those of as many pairs",
                        effects.length + ", " + gaps.length + " and " + units.size());
            }
        }
    }

    /** Runs a method, and keeps a circuit alone if there is one. */
    static Variation run(String family, String name, Method method, Subject subject, @Nullable Circuit circuit) {
        PairRuns runs = PairRuns.record(subject.model(), subject.pairs());
        Metric metric = method.ignoresMetric() ? Metric.logitDifference() : subject.metric();
        Baselines baselines = Experiment.start(runs, metric).baselines();
        double[] gaps = baselines.clean().clone();
        double[] corrupted = baselines.corrupted();
        List<String> units = new ArrayList<>();
        for (int pair = 0; pair < gaps.length; pair++) {
            gaps[pair] -= corrupted[pair];
            PromptPair prompt = subject.pairs().get(pair);
            units.add(Objects.requireNonNullElse(prompt.unit(), prompt.name()));
        }
        return new Variation(
                family,
                name,
                method.run(subject),
                gaps,
                accuracy(runs, subject.metric()),
                units,
                circuit == null ? null : KeptCircuit.measure(subject, circuit, method));
    }

    private static double accuracy(PairRuns runs, Metric metric) {
        boolean told = runs.pairs().list().stream()
                .allMatch(pair ->
                        pair.distractors().length > 0 && Arrays.equals(metric.positions(pair), new int[] {pair.end()}));
        if (!told) {
            return Double.NaN;
        }
        double[] differences =
                Experiment.start(runs, Metric.logitDifference()).baselines().clean();
        return Arrays.stream(differences).filter(difference -> difference > 0).count() / (double) differences.length;
    }

    /**
     * Returns whether at least 0.6 of the pairs have a gap of the sign that most pairs of another have, and the right
     * answer too if so many have it there.
     */
    boolean hasBehaviourOf(Variation other) {
        double sign = Math.signum(Arrays.stream(other.gaps).sum());
        boolean lost = accuracy < PRESENT && other.accuracy >= PRESENT;
        return !lost && Arrays.stream(gaps).filter(gap -> gap * sign > 0).count() >= PRESENT * gaps.length;
    }

    /** Mean effects as shares of the mean gap, pairs counting as often as their weights say. */
    double[] shares(double[] weights) {
        double gap = 0;
        for (int pair = 0; pair < gaps.length; pair++) {
            gap += weights[pair] * gaps[pair];
        }
        double[] shares = new double[finding.effects().length];
        for (int c = 0; c < shares.length; c++) {
            double sum = 0;
            for (int pair = 0; pair < gaps.length; pair++) {
                sum += weights[pair] * finding.effects()[c][pair];
            }
            shares[c] = sum / gap;
        }
        return shares;
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
