package dev.hyaline.analysis.statistics.association;

import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.error.BadInputException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The likeness of two findings, from 0 to 1. */
public final class Similarity {
    private Similarity() {}

    /** Of two effects: the smaller over the larger absolute value; 0 if the signs differ or both are 0. */
    public static double ofEffects(double a, double b) {
        requireFinite(a, b);
        return a * b > 0 ? Math.min(Math.abs(a), Math.abs(b)) / Math.max(Math.abs(a), Math.abs(b)) : 0;
    }

    /** Of two sets: Jaccard's index, shared members over all; 1 if both are empty (Jaccard 1912). */
    public static double ofSets(Set<?> a, Set<?> b) {
        Set<Object> all = new HashSet<>(a);
        all.addAll(b);
        long shared = a.stream().filter(b::contains).count();
        return all.isEmpty() ? 1 : (double) shared / all.size();
    }

    /**
     * Of two scorings of the same components: Spearman's correlation, at least 0; 0 if one is constant or there are
     * fewer than 3 components.
     *
     * @throws BadInputException if the lengths differ or a score is not finite
     */
    public static double ofRankings(double[] a, double[] b) {
        return Correlation.spearman(a, b).map(s -> Math.max(0, s.rho())).orElse(0.0);
    }

    /**
     * The share of the components with |a| ≥ {@code smallest} that keep in b the sign and at least half of
     * {@code smallest}; 1 if there are none.
     *
     * @throws BadInputException if the lengths differ or a score is not finite
     */
    public static double ofSigns(double[] a, double[] b, double smallest) {
        requireAlike(a, b);
        int asked = 0;
        int kept = 0;
        for (int i = 0; i < a.length; i++) {
            if (Math.abs(a[i]) >= smallest) {
                asked++;
                kept += a[i] * b[i] > 0 && Math.abs(b[i]) >= smallest / 2 ? 1 : 0;
            }
        }
        return asked == 0 ? 1 : (double) kept / asked;
    }

    /**
     * Of two classifications of the same components: Cohen's kappa, at least 0; 1 where both agree throughout, also on
     * one class (Cohen 1960).
     *
     * @throws BadInputException if the lengths differ or are 0
     */
    public static double ofClasses(List<String> a, List<String> b) {
        if (a.size() != b.size() || a.isEmpty()) {
            throw new BadInputException(
                    "two classifications are of the same components, found " + a.size() + " and " + b.size());
        }
        double n = a.size();
        Map<String, Integer> first = new HashMap<>();
        Map<String, Integer> second = new HashMap<>();
        double agreed = 0;
        for (int i = 0; i < a.size(); i++) {
            first.merge(a.get(i), 1, Integer::sum);
            second.merge(b.get(i), 1, Integer::sum);
            agreed += a.get(i).equals(b.get(i)) ? 1 : 0;
        }
        if (agreed == n) {
            return 1;
        }
        double chance = 0;
        for (Map.Entry<String, Integer> each : first.entrySet()) {
            chance += each.getValue() / n * second.getOrDefault(each.getKey(), 0) / n;
        }
        return Math.max(0, (agreed / n - chance) / (1 - chance));
    }

    /**
     * Of two maps: the cosine, at least 0; 0 if one is all zeros.
     *
     * @throws BadInputException if the lengths differ or a value is not finite
     */
    public static double ofMaps(double[] a, double[] b) {
        requireAlike(a, b);
        double ab = 0;
        double aa = 0;
        double bb = 0;
        for (int i = 0; i < a.length; i++) {
            ab += a[i] * b[i];
            aa += a[i] * a[i];
            bb += b[i] * b[i];
        }
        return aa == 0 || bb == 0 ? 0 : Math.clamp(ab / Math.sqrt(aa) / Math.sqrt(bb), 0.0, 1.0);
    }

    private static void requireAlike(double[] a, double[] b) {
        if (a.length != b.length) {
            throw new BadInputException(
                    "two findings are of the same components, found " + a.length + " and " + b.length);
        }
        requireFinite(a);
        requireFinite(b);
    }

    private static void requireFinite(double... values) {
        Units.each(values.length).sums(values);
    }
}
