package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.statistics.association.Shapley;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.edit.Target;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Shapley values of components for keeping them: a set of components is worth the metric with the others ablated. The
 * values of a pair of prompts add up to its metric with all components kept less that with none.
 *
 * @param values of each component by pair
 * @param interactions the index of Grabisch and Roubens of each two, by pair; null where orders were drawn or there is
 *     one component
 * @param whole the mean metric with all components kept less that with none
 * @param sumError by how much the mean values miss the whole, as a share of it; absolute if it is 0
 * @param standardErrors of the mean values over orders that were drawn; empty where all sets were measured
 */
public record ShapleyValues(
        ResultTable values,
        @Nullable ResultTable interactions,
        double whole,
        double sumError,
        List<Double> standardErrors) {
    /** Up to this many components all sets are measured. */
    public static final int MAX_EXACT = 12;

    private static final int MAX_PLAYERS = 31;

    public ShapleyValues {
        standardErrors = List.copyOf(standardErrors);
    }

    /**
     * Measures components: all their sets up to {@value #MAX_EXACT}, else those along {@value Shapley#ORDERS} orders.
     *
     * @param players places by name, each ablated together
     * @param besides ablated throughout
     * @param seed of the orders
     * @throws BadInputException if there are not from 1 to 31 components
     */
    public static ShapleyValues measure(
            Experiment experiment,
            Ablation ablation,
            Map<String, List<Target>> players,
            List<Target> besides,
            long seed) {
        int n = players.size();
        if (n < 1 || n > MAX_PLAYERS) {
            throw new BadInputException("Shapley values are of 1 to " + MAX_PLAYERS + " sets of nodes, found " + n);
        }
        CounterRandom random = CounterRandom.of(seed).named("shapley/orders");
        boolean exact = n <= MAX_EXACT;
        int[] sets = exact ? IntStream.range(0, 1 << n).toArray() : alongOrders(n, random);
        List<List<Target>> places = List.copyOf(players.values());
        Map<String, List<Target>> runs = new LinkedHashMap<>();
        for (int kept : sets) {
            List<Target> ablated = new ArrayList<>(besides);
            for (int i = 0; i < n; i++) {
                if ((kept >> i & 1) == 0) {
                    ablated.addAll(places.get(i));
                }
            }
            runs.put(
                    "kept " + Integer.toBinaryString(kept),
                    ablated.stream().distinct().toList());
        }
        ResultTable sweep = experiment
                .sweep(AblationSweep.ofSets(experiment.config(), ablation, runs))
                .table();
        return of(experiment, List.copyOf(players.keySet()), sweep, sets, exact, ablation, random);
    }

    /**
     * The same as shares of what all heads add: where all other heads are ablated throughout, values add up to the
     * faithfulness f of the components.
     *
     * @throws BadInputException if there is no gap
     */
    public ShapleyValues share(HeadGap gap) {
        return new ShapleyValues(
                gap.share(values),
                interactions == null ? null : gap.share(interactions),
                gap.share(whole),
                sumError,
                standardErrors.stream().map(error -> Math.abs(gap.share(error))).toList());
    }

    /** The sets that {@link Shapley#sampled} asks for, ascending. */
    private static int[] alongOrders(int n, CounterRandom random) {
        Set<Integer> sets = new TreeSet<>();
        Shapley.sampled(
                n,
                set -> {
                    sets.add(set);
                    return 0;
                },
                Shapley.ORDERS,
                random);
        return sets.stream().mapToInt(Integer::intValue).toArray();
    }

    private static ShapleyValues of(
            Experiment experiment,
            List<String> names,
            ResultTable sweep,
            int[] sets,
            boolean exact,
            Ablation ablation,
            CounterRandom random) {
        int n = names.size();
        int pairs = sweep.samples().size();
        double[][] measured = new double[sweep.cells()][];
        for (int cell = 0; cell < measured.length; cell++) {
            measured[cell] = sweep.values(cell);
        }
        double[] values = new double[n * pairs];
        double[] together = new double[n * (n - 1) / 2 * pairs];
        for (int pair = 0; pair < pairs; pair++) {
            int p = pair;
            double[] shapley = exact
                    ? Shapley.values(n, set -> measured[Arrays.binarySearch(sets, set)][p])
                    : Shapley.sampled(n, set -> measured[Arrays.binarySearch(sets, set)][p], Shapley.ORDERS, random)
                            .values();
            double[][] index =
                    exact && n > 1 ? Shapley.interactions(n, set -> measured[Arrays.binarySearch(sets, set)][p]) : null;
            int cell = 0;
            for (int a = 0; a < n; a++) {
                values[a * pairs + pair] = shapley[a];
                for (int b = a + 1; index != null && b < n; b++, cell++) {
                    together[cell * pairs + pair] = index[a][b];
                }
            }
        }
        double whole = sweep.mean(sets.length - 1) - sweep.mean(0);
        List<Double> errors = new ArrayList<>();
        if (!exact) {
            for (double error : Shapley.sampled(
                            n, set -> sweep.mean(Arrays.binarySearch(sets, set)), Shapley.ORDERS, random)
                    .standardErrors()) {
                errors.add(error);
            }
        }
        String quantity = experiment.metric().quantity();
        String how = ", ablation (" + ablation.description() + ")";
        ResultTable table =
                Interactions.like(sweep, "Shapley values" + how, quantity, new Axis("component", names), values);
        double sum = 0;
        for (double mean : table.means()) {
            sum += mean;
        }
        double sumError = Math.abs(sum - whole) / (whole == 0 ? 1 : Math.abs(whole));
        ResultTable interactions = exact && n > 1
                ? Interactions.like(
                        sweep, "Shapley interactions" + how, quantity, new Axis("pair", pairs(names)), together)
                : null;
        return new ShapleyValues(table, interactions, whole, sumError, errors);
    }

    private static List<String> pairs(List<String> names) {
        List<String> pairs = new ArrayList<>();
        for (int a = 0; a < names.size(); a++) {
            for (int b = a + 1; b < names.size(); b++) {
                pairs.add(names.get(a) + " x " + names.get(b));
            }
        }
        return pairs;
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
