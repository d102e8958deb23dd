package dev.hyaline.analysis.robustness;

import dev.hyaline.analysis.internal.Order;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.statistics.association.Similarity;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * How far a finding stays the same under variations. Effects are shares of each variation's own gap. A variation's
 * score is the mean of four similarities to the finding: of the ranking, of the signs of effects that matter, of the
 * set of components that matter, and of the map; of a circuit that of its faithfulness in place of the map. A family's
 * score is the mean of its variations', the whole the mean of families. A variation without the behaviour is out of
 * scope, and counts for nothing.
 *
 * @param variations in the order given
 * @param families their scores by name
 * @param interval 95%, the quantiles over resamples of units, all variations resampled together; NaN of fewer than 3
 *     units. A resample that no variation can be scored in counts for nothing.
 */
public record Robustness(
        List<Scored> variations, Map<String, Double> families, double score, Interval interval, Verdict verdict) {
    /** Resamples customarily drawn. */
    public static final int REPLICATES = 500;

    private static final double TAIL = 0.025;
    private static final int MIN_UNITS = 3;

    public Robustness {
        variations = List.copyOf(variations);
        families = Collections.unmodifiableMap(new LinkedHashMap<>(families));
    }

    /**
     * A variation's similarities to the finding, from 0 to 1; NaN out of scope.
     *
     * @param signs the share of the finding's large effects that keep their sign and half of what is large
     * @param set shared components with large positive effects
     * @param map the cosine of all effects; NaN of a circuit
     * @param effect of a circuit, its faithfulness against that of the finding; NaN of others
     * @param faithfulness of a circuit, under the variation; NaN of others
     */
    public record Scored(
            String family,
            String name,
            boolean inScope,
            double ranking,
            double signs,
            double set,
            double map,
            double effect,
            double faithfulness) {
        /** The mean of the four similarities. */
        public double score() {
            return (ranking + signs + set + (Double.isNaN(map) ? effect : map)) / 4;
        }

        private static Scored none(Variation of, boolean inScope) {
            double no = Double.NaN;
            return new Scored(of.family(), of.name(), inScope, no, no, no, no, no, no);
        }
    }

    /**
     * Compares variations with a finding.
     *
     * @param smallest the least share of the gap that matters
     * @param random of the resamples: {@code random.with(b)} draws replicate b
     * @throws BadInputException if the finding has no behaviour, there is no variation in scope, one is of other
     *     components, or fewer than one replicate is asked for
     */
    public static Robustness of(
            Variation finding, List<Variation> variations, double smallest, int replicates, CounterRandom random) {
        if (replicates < 1) {
            throw new BadInputException("an interval needs at least 1 resample, found " + replicates);
        }
        if (!(smallest > 0)) {
            throw new BadInputException(
                    "the smallest share of the gap that matters must be above 0, found " + smallest);
        }
        if (!finding.hasBehaviourOf(finding)) {
            throw new BadInputException("the clean and the corrupted prompts do not differ in one direction on these"
                    + " pairs; there is no behaviour whose finding could be compared");
        }
        List<Variation> inScope = new ArrayList<>();
        for (Variation variation : variations) {
            if (!variation.finding().components().equals(finding.finding().components())) {
                throw new BadInputException("the variation '" + variation.name() + "' has other components");
            }
            if ((variation.circuit() == null) != (finding.circuit() == null)) {
                throw new BadInputException("the variation '" + variation.name() + "' and the finding must both have"
                        + " a circuit or neither");
            }
            if (variation.hasBehaviourOf(finding)) {
                inScope.add(variation);
            }
        }
        if (inScope.isEmpty()) {
            throw new BadInputException("no variation has the behaviour; there is nothing to compare the finding with");
        }
        Function<Variation, double[]> all = of -> {
            double[] ones = new double[of.gaps().length];
            Arrays.fill(ones, 1);
            return ones;
        };
        Map<String, Double> families = families(finding, inScope, smallest, all);
        double[] scores = new double[replicates];
        for (int b = 0; b < replicates; b++) {
            Map<String, Integer> drawn = draw(finding, inScope, random.with(b));
            scores[b] = mean(families(finding, inScope, smallest, of -> weights(of, drawn)));
        }
        Interval interval = interval(finding, scores);
        double score = mean(families);
        return new Robustness(
                variations.stream()
                        .map(of -> score(finding, of, smallest, all, inScope.contains(of)))
                        .toList(),
                families,
                score,
                interval,
                Verdict.of(score, interval, families.values()));
    }

    private static Interval interval(Variation finding, double[] scores) {
        double[] finite =
                Arrays.stream(scores).filter(Double::isFinite).sorted().toArray();
        if (finite.length == 0 || finding.units().stream().distinct().count() < MIN_UNITS) {
            return new Interval(Double.NaN, Double.NaN);
        }
        return new Interval(Order.quantile(finite, TAIL), Order.quantile(finite, 1 - TAIL));
    }

    /** Units drawn with replacement, the same for all variations. */
    private static Map<String, Integer> draw(Variation finding, List<Variation> variations, CounterRandom random) {
        Set<String> units = new LinkedHashSet<>(finding.units());
        variations.forEach(variation -> units.addAll(variation.units()));
        List<String> list = List.copyOf(units);
        Map<String, Integer> drawn = new LinkedHashMap<>();
        for (int j = 0; j < list.size(); j++) {
            drawn.merge(list.get(random.index(j, list.size())), 1, Integer::sum);
        }
        return drawn;
    }

    private static double[] weights(Variation of, Map<String, Integer> drawn) {
        return of.units().stream()
                .mapToDouble(unit -> drawn.getOrDefault(unit, 0))
                .toArray();
    }

    /** Variations of which no unit was drawn are left out. */
    private static Map<String, Double> families(
            Variation finding, List<Variation> variations, double smallest, Function<Variation, double[]> weights) {
        Map<String, List<Double>> scores = new LinkedHashMap<>();
        for (Variation variation : variations) {
            double score = score(finding, variation, smallest, weights, true).score();
            if (!Double.isNaN(score)) {
                scores.computeIfAbsent(variation.family(), family -> new ArrayList<>())
                        .add(score);
            }
        }
        Map<String, Double> families = new LinkedHashMap<>();
        scores.forEach((family, values) -> families.put(
                family,
                values.stream().mapToDouble(Double::doubleValue).average().orElseThrow()));
        return families;
    }

    private static Scored score(
            Variation finding,
            Variation variation,
            double smallest,
            Function<Variation, double[]> weights,
            boolean inScope) {
        double[] a = finding.shares(weights.apply(finding));
        double[] b = variation.shares(weights.apply(variation));
        if (!inScope || !finite(a) || !finite(b)) {
            return Scored.none(variation, inScope);
        }
        KeptCircuit found = finding.circuit();
        KeptCircuit kept = variation.circuit();
        double expected = found == null ? Double.NaN : found.faithfulness(weights.apply(finding));
        double faithfulness = kept == null ? Double.NaN : kept.faithfulness(weights.apply(variation));
        if (kept != null && !(Double.isFinite(expected) && Double.isFinite(faithfulness))) {
            return Scored.none(variation, inScope);
        }
        return new Scored(
                variation.family(),
                variation.name(),
                true,
                Similarity.ofRankings(a, b),
                Similarity.ofSigns(a, b, smallest),
                Similarity.ofSets(large(a, smallest), large(b, smallest)),
                kept == null ? Similarity.ofMaps(a, b) : Double.NaN,
                kept == null ? Double.NaN : Similarity.ofEffects(expected, faithfulness),
                faithfulness);
    }

    private static boolean finite(double[] values) {
        return Arrays.stream(values).allMatch(Double::isFinite);
    }

    private static Set<Integer> large(double[] shares, double smallest) {
        Set<Integer> large = new LinkedHashSet<>();
        IntStream.range(0, shares.length).filter(c -> shares[c] >= smallest).forEach(large::add);
        return large;
    }

    private static double mean(Map<String, Double> families) {
        return families.values().stream()
                .mapToDouble(Double::doubleValue)
                .average()
                .orElse(Double.NaN);
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
