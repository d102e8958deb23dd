package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.edit.Target;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The effect of two components together beyond what each has: {@code y_AB - y_A - y_B + y_0} of the metric y with both,
 * one or none ablated, pair of prompts by pair. Below 0 the two are redundant: losing both costs more than the sum of
 * their losses. Above 0 they are serial: one pathway, broken by either.
 */
public final class Interactions {
    private Interactions() {}

    /**
     * Measures every two of some sets of places.
     *
     * @param sets by name, each ablated together
     * @return a table of the pairs of sets, {@code A x B}; 0 is neutral
     * @throws BadInputException if there are fewer than two sets
     */
    public static ResultTable measure(Experiment experiment, Ablation ablation, Map<String, List<Target>> sets) {
        if (sets.size() < 2) {
            throw new BadInputException("an interaction is of two sets of nodes, found " + sets.size());
        }
        List<String> names = List.copyOf(sets.keySet());
        List<List<Target>> members = List.copyOf(sets.values());
        Map<String, List<Target>> runs = new LinkedHashMap<>(sets);
        List<String> labels = new ArrayList<>();
        for (int a = 0; a < names.size(); a++) {
            for (int b = a + 1; b < names.size(); b++) {
                String label = names.get(a) + " x " + names.get(b);
                labels.add(label);
                runs.put(
                        label,
                        Stream.concat(members.get(a).stream(), members.get(b).stream())
                                .distinct()
                                .toList());
            }
        }
        SweepResult result = experiment.sweep(AblationSweep.ofSets(experiment.config(), ablation, runs));
        double[] clean = result.baselines().clean();
        double[] values = new double[labels.size() * clean.length];
        int both = names.size();
        int cell = 0;
        for (int a = 0; a < names.size(); a++) {
            for (int b = a + 1; b < names.size(); b++, both++, cell++) {
                double[] ofBoth = result.table().values(both);
                double[] ofA = result.table().values(a);
                double[] ofB = result.table().values(b);
                for (int pair = 0; pair < clean.length; pair++) {
                    values[cell * clean.length + pair] = ofBoth[pair] - ofA[pair] - ofB[pair] + clean[pair];
                }
            }
        }
        return like(
                result.table(),
                "Interactions, ablation (" + ablation.description() + ")",
                experiment.metric().quantity() + " beyond the sum",
                new Axis("pair", labels),
                values);
    }

    /** A table of other values on the samples of a sweep's. */
    static ResultTable like(ResultTable sweep, String title, String quantity, Axis axis, double[] values) {
        ResultTable table = ResultTable.of(title, quantity, sweep.unit(), List.of(axis), sweep.samples(), values)
                .from(sweep.origin())
                .ofSamples(sweep.sampleKind())
                .neutralAt(0);
        return sweep.units().map(table::ofUnits).orElse(table);
    }
}
