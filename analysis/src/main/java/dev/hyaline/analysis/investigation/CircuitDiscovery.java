package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.investigation.StudyPlan.CircuitSearch;
import dev.hyaline.engine.error.BadInputException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A circuit found by iterative ablation: from all candidates, the one without which the metric stays nearest to the
 * model's is taken away, and so on until none is left. Nearness is the mean over the pairs of the absolute distance, so
 * that gains and losses do not cancel. The circuit is what is kept when the next removal would pass the share of the
 * gap that it may lack.
 *
 * @param circuit the members, in the order of a pass
 * @param path every removal, in order; the circuit ends before the first that passes the share
 * @param gap the mean metric of the model less that with every candidate replaced
 */
public record CircuitDiscovery(List<ClaimComponent> circuit, List<Removal> path, double gap) {
    /**
     * A removal.
     *
     * @param deviation mean absolute distance from the model's metric after it
     * @param runnerUp the component that would have come next; null for the last
     * @param margin by how much the runner-up's deviation is larger; 0 for the last
     */
    public record Removal(
            ClaimComponent removed,
            double deviation,
            @Nullable ClaimComponent runnerUp,
            double margin) {}

    public CircuitDiscovery {
        circuit = List.copyOf(circuit);
        path = List.copyOf(path);
    }

    /**
     * Searches on all pairs of the evidence. Of components with equal deviations the first in the order of a pass goes.
     *
     * @throws BadInputException if replacing every candidate changes nothing on average
     */
    public static CircuitDiscovery run(Evidence evidence, CircuitSearch search) {
        double gap = evidence.gap(search.replacement(), search.of());
        if (gap == 0 || !Double.isFinite(gap)) {
            throw new BadInputException(
                    "replacing all " + search.of().toString().replace('-', ' ') + " changes the mean metric by " + gap
                            + "; there is no gap that a circuit could keep");
        }
        double[] model = evidence.clean();
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
                    second < 0 ? 0 : deviations[second] - deviations[best]));
            removed.add(kept.remove(best));
        }
        return new CircuitDiscovery(circuit, path, gap);
    }

    private static double distance(double[] model, double[] without) {
        double sum = 0;
        for (int pair = 0; pair < model.length; pair++) {
            sum += Math.abs(without[pair] - model[pair]);
        }
        return sum / model.length;
    }
}
