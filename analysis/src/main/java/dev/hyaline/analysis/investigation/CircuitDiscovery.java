package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.investigation.StudyPlan.CircuitSearch;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.statistics.association.Stability;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A circuit found by iterative ablation: from all candidates, the one without which the metric stays nearest to the
 * model's is taken away, and so on until none is left. Nearness is the mean over the pairs of the absolute distance, so
 * that gains and losses do not cancel. The circuit is what is kept when the next removal would pass the share of the
 * gap that it may lack.
 *
 * @param circuit the members, in the order of a pass
 * @param path every removal, in order; the circuit ends before the first that passes the share
 * @param lost the metric of the model less that with every candidate replaced, by pair
 */
public record CircuitDiscovery(List<ClaimComponent> circuit, List<Removal> path, List<Double> lost) {
    /** Resamples of the units by default. */
    public static final int RESAMPLES = 500;

    /**
     * A removal.
     *
     * @param deviation mean absolute distance from the model's metric after it
     * @param runnerUp the component that would have come next; null for the last
     * @param margin by how much the runner-up's deviation is larger; 0 for the last
     * @param distances absolute distance from the model's metric after it, by pair
     */
    public record Removal(
            ClaimComponent removed,
            double deviation,
            @Nullable ClaimComponent runnerUp,
            double margin,
            List<Double> distances) {
        public Removal {
            distances = List.copyOf(distances);
        }
    }

    public CircuitDiscovery {
        circuit = List.copyOf(circuit);
        path = List.copyOf(path);
        lost = List.copyOf(lost);
    }

    /** The mean metric of the model less that with every candidate replaced. */
    public double gap() {
        return mean(lost, IntStream.range(0, lost.size()).toArray());
    }

    /**
     * How firmly the units hold the circuit: where the search along the same path would have ended on units drawn anew.
     * The removals themselves are not searched for again.
     *
     * @param tau share of the gap that the circuit may lack
     * @param random the numbers of this quantity alone
     */
    public Stability stability(Units units, double tau, CounterRandom random) {
        List<Set<String>> resamples = new ArrayList<>();
        int n = units.count();
        for (int b = 0; b < RESAMPLES; b++) {
            CounterRandom draws = random.with(b);
            int[] pairs = IntStream.range(0, n)
                    .flatMap(j -> Arrays.stream(units.promptsOf(draws.index(j, n))))
                    .toArray();
            double most = tau * Math.abs(mean(lost, pairs));
            int removed = 0;
            while (removed < path.size() && mean(path.get(removed).distances(), pairs) <= most) {
                removed++;
            }
            resamples.add(
                    names(path.stream().skip(removed).map(Removal::removed).toList()));
        }
        return Stability.of(names(circuit), resamples);
    }

    private static Set<String> names(List<ClaimComponent> components) {
        return new LinkedHashSet<>(
                components.stream().map(ClaimComponent::toString).toList());
    }

    private static double mean(List<Double> values, int[] pairs) {
        double sum = 0;
        for (int pair : pairs) {
            sum += values.get(pair);
        }
        return sum / pairs.length;
    }

    /**
     * Searches on all pairs of the evidence. Of components with equal deviations the first in the order of a pass goes.
     *
     * @throws BadInputException if replacing every candidate changes nothing on average
     */
    public static CircuitDiscovery run(Evidence evidence, CircuitSearch search) {
        double[] model = evidence.clean();
        double[] empty = evidence.empty(search.replacement(), search.of());
        List<Double> lost = IntStream.range(0, model.length)
                .mapToObj(pair -> model[pair] - empty[pair])
                .toList();
        double gap = mean(lost, IntStream.range(0, model.length).toArray());
        if (gap == 0 || !Double.isFinite(gap)) {
            throw new BadInputException(
                    "replacing all " + search.of().toString().replace('-', ' ') + " changes the mean metric by " + gap
                            + "; there is no gap that a circuit could keep");
        }
        List<ClaimComponent> kept = new ArrayList<>(evidence.all(search.of()));
        List<ClaimComponent> removed = new ArrayList<>();
        List<ClaimComponent> circuit = List.of();
        boolean found = false;
        List<Removal> path = new ArrayList<>();
        while (!kept.isEmpty()) {
            double[][] without = evidence.withoutEach(removed, kept, search.replacement());
            int best = -1;
            int second = -1;
            double[] deviations = new double[kept.size()];
            for (int i = 0; i < deviations.length; i++) {
                deviations[i] = distance(model, without[i]);
                if (best < 0 || deviations[i] < deviations[best]) {
                    second = best;
                    best = i;
                } else if (second < 0 || deviations[i] < deviations[second]) {
                    second = i;
                }
            }
            if (!found && deviations[best] > search.tau() * Math.abs(gap)) {
                circuit = List.copyOf(kept);
                found = true;
            }
            path.add(new Removal(
                    kept.get(best),
                    deviations[best],
                    second < 0 ? null : kept.get(second),
                    second < 0 ? 0 : deviations[second] - deviations[best],
                    distances(model, without[best])));
            removed.add(kept.remove(best));
        }
        return new CircuitDiscovery(circuit, path, lost);
    }

    private static List<Double> distances(double[] model, double[] without) {
        return IntStream.range(0, model.length)
                .mapToObj(pair -> Math.abs(without[pair] - model[pair]))
                .toList();
    }

    private static double distance(double[] model, double[] without) {
        double sum = 0;
        for (int pair = 0; pair < model.length; pair++) {
            sum += Math.abs(without[pair] - model[pair]);
        }
        return sum / model.length;
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
