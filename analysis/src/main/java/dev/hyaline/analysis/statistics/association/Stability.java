package dev.hyaline.analysis.statistics.association;

import dev.hyaline.analysis.internal.Order;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.statistics.Proportion;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.RecordText;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The stability of a set of components under resampling: Jaccard's index of each resample's set to the reference, and
 * how often each component is in.
 *
 * @param toReference Jaccard's index of each resample
 * @param meanPairwise the mean index of two resamples; NaN of one
 * @param inclusion in how many resamples each component is, of the reference and of any resample, by name
 */
public record Stability(List<Double> toReference, double meanPairwise, Map<String, Proportion> inclusion) {

    public Stability {
        toReference = List.copyOf(toReference);
        inclusion = Collections.unmodifiableMap(new LinkedHashMap<>(inclusion));
    }

    /**
     * Stability of a reference set.
     *
     * @param resamples the set found in each resample
     * @throws BadInputException if there is no resample
     */
    public static Stability of(Set<String> reference, List<Set<String>> resamples) {
        if (resamples.isEmpty()) {
            throw new BadInputException("stability needs at least one resample");
        }
        List<Double> indices =
                resamples.stream().map(set -> Similarity.ofSets(set, reference)).toList();
        double pairwise = 0;
        for (int i = 0; i < resamples.size(); i++) {
            for (int j = 0; j < i; j++) {
                pairwise += Similarity.ofSets(resamples.get(i), resamples.get(j));
            }
        }
        Set<String> names = new TreeSet<>(reference);
        resamples.forEach(names::addAll);
        Map<String, Proportion> inclusion = new LinkedHashMap<>();
        for (String name : names) {
            int in = (int) resamples.stream().filter(set -> set.contains(name)).count();
            inclusion.put(name, new Proportion(in, resamples.size()));
        }
        double pairs = resamples.size() * (resamples.size() - 1.0) / 2;
        return new Stability(indices, pairwise / pairs, inclusion);
    }

    /** Mean index to the reference. */
    public double mean() {
        return toReference.stream().mapToDouble(Double::doubleValue).sum() / toReference.size();
    }

    /** The quantiles of the index to the reference at {@code tail} and 1 - {@code tail}. */
    public Interval interval(double tail) {
        double[] sorted = toReference.stream().mapToDouble(Double::doubleValue).toArray();
        Arrays.sort(sorted);
        return new Interval(Order.quantile(sorted, tail), Order.quantile(sorted, 1 - tail));
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
