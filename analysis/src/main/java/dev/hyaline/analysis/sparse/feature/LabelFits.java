package dev.hyaline.analysis.sparse.feature;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.Prompts;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Labels of the tokens of some texts, and how well "it is above a threshold" predicts them. Label and threshold are
 * chosen on the texts of even number, and F1 is measured on those of odd number.
 */
final class LabelFits {
    private static final int LEAST_LABELLED = 10;

    /** Candidates to predict a label: latents, neurons or directions. */
    interface Candidates {
        /** Number of candidates. */
        int count();

        /** Where one fires. */
        Firings firings(int i);
    }

    /**
     * Where a candidate is above zero.
     *
     * @param rows tokens, of those that count
     * @param values of the candidate there
     */
    record Firings(int[] rows, float[] values) {}

    private final int tokens;
    private final boolean[] second;
    private final Labels labels;
    private final Labels permuted;

    private LabelFits(int tokens, boolean[] second, Labels labels, Labels permuted) {
        this.tokens = tokens;
        this.second = second;
        this.labels = labels;
        this.permuted = permuted;
    }

    /**
     * Labels the tokens of a study.
     *
     * @param sets of token ids, by name; of a set of one token, what comes before it is no label
     * @throws BadInputException if no set is left that has ten tokens of the texts
     */
    static LabelFits of(LatentStudy study, Map<String, Set<Integer>> sets) {
        SortedMap<String, int[]> labelled = labelled(study, sets);
        if (labelled.isEmpty()) {
            throw new BadInputException("no set of tokens occurs " + LEAST_LABELLED + " times in the texts");
        }
        boolean[] second = new boolean[study.rows()];
        for (int t = 0; t < second.length; t++) {
            second[t] = study.text(t) % 2 == 1;
        }
        List<String> names = List.copyOf(labelled.keySet());
        int[] moved = permutation(study);
        return new LabelFits(
                study.tokens(),
                second,
                Labels.of(names, List.copyOf(labelled.values()), second),
                Labels.of(
                        names,
                        labelled.values().stream()
                                .map(rows -> Arrays.stream(rows)
                                        .map(row -> moved[row])
                                        .sorted()
                                        .toArray())
                                .toList(),
                        second));
    }

    /** Returns whether some set has ten tokens of the texts. */
    static boolean isPossible(LatentStudy study, Map<String, Set<Integer>> sets) {
        return !labelled(study, sets).isEmpty();
    }

    /** Returns whether some set has ten tokens of texts that were not run yet. */
    static boolean isPossible(Prompts texts, Set<Integer> excluded, Map<String, Set<Integer>> sets) {
        Map<Integer, Integer> counts = new HashMap<>();
        for (int s = 0; s < texts.size(); s++) {
            for (int token : texts.tokens(s)) {
                if (!excluded.contains(token)) {
                    counts.merge(token, 1, Integer::sum);
                }
            }
        }
        return sets.values().stream()
                .anyMatch(set -> set.stream()
                                .mapToInt(token -> counts.getOrDefault(token, 0))
                                .sum()
                        >= LEAST_LABELLED);
    }

    private static SortedMap<String, int[]> labelled(LatentStudy study, Map<String, Set<Integer>> sets) {
        SortedMap<String, int[]> labelled = new TreeMap<>();
        sets.forEach((name, set) -> {
            label(labelled, study, "token in " + name, set, 0);
            label(labelled, study, "previous token in " + name, set, -1);
            if (set.size() > 1) {
                label(labelled, study, "next token in " + name, set, 1);
            }
        });
        return labelled;
    }

    private static void label(
            SortedMap<String, int[]> labelled, LatentStudy study, String name, Set<Integer> set, int offset) {
        int rows = study.rows();
        int[] found = IntStream.range(0, rows)
                .filter(t -> {
                    int at = t + offset;
                    return !study.isExcluded(t)
                            && at >= 0
                            && at < rows
                            && study.text(at) == study.text(t)
                            && set.contains(study.token(at));
                })
                .toArray();
        if (found.length >= LEAST_LABELLED) {
            labelled.put(name, found);
        }
    }

    /** Where each token's label goes when labels are permuted. */
    private static int[] permutation(LatentStudy study) {
        int[] counted = IntStream.range(0, study.rows())
                .filter(t -> !study.isExcluded(t))
                .toArray();
        int[] shuffled = counted.clone();
        CounterRandom random = CounterRandom.of(1).named("sparse/permuted");
        for (int i = shuffled.length - 1; i > 0; i--) {
            int j = random.index(i, i + 1);
            int kept = shuffled[i];
            shuffled[i] = shuffled[j];
            shuffled[j] = kept;
        }
        int[] moved = new int[study.rows()];
        for (int i = 0; i < counted.length; i++) {
            moved[shuffled[i]] = counted[i];
        }
        return moved;
    }

    /** Fits all candidates. */
    InterpretableLatents fit(Candidates candidates) {
        int n = candidates.count();
        String[] best = new String[n];
        double[] f1 = new double[n];
        double[] chance = new double[n];
        double[] overall = new double[n];
        int[] alive = new int[n];
        IntStream.range(0, n).parallel().forEach(i -> {
            Ranking ranking = Ranking.of(candidates.firings(i), second);
            best[i] = "";
            if (ranking.rows.length == 0) {
                return;
            }
            alive[i] = 1;
            Fit fit = labels.fit(ranking);
            best[i] = fit.label < 0 ? "" : labels.names.get(fit.label);
            f1[i] = fit.heldOut;
            overall[i] = fit.overall;
            chance[i] = permuted.fit(ranking).heldOut;
        });
        return new InterpretableLatents(tokens, Arrays.stream(alive).sum(), List.of(best), f1, chance, overall);
    }

    /** The label that fits best on the first half, its F1 on the second, and the best F1 of any on both. */
    private record Fit(int label, double heldOut, double overall) {}

    /**
     * A candidate's tokens, the largest value first.
     *
     * @param second whether each is of the second half
     */
    private record Ranking(int[] rows, float[] values, boolean[] second) {
        static Ranking of(Firings firings, boolean[] ofSecond) {
            long[] keys = new long[firings.rows.length];
            for (int i = 0; i < keys.length; i++) {
                int bits = Float.floatToRawIntBits(firings.values[i]);
                // Ascends as the floats do, those below zero too.
                int ordered = bits ^ ((bits >> (Integer.SIZE - 1)) & Integer.MAX_VALUE);
                keys[i] = ((long) ~ordered << Integer.SIZE) | i;
            }
            Arrays.sort(keys);
            int[] ranked = new int[keys.length];
            float[] descending = new float[keys.length];
            boolean[] second = new boolean[keys.length];
            for (int k = 0; k < keys.length; k++) {
                int i = (int) keys[k];
                ranked[k] = firings.rows[i];
                descending[k] = firings.values[i];
                second[k] = ofSecond[ranked[k]];
            }
            return new Ranking(ranked, descending, second);
        }

        float next(int k) {
            return k + 1 == values.length ? 0 : values[k + 1];
        }
    }

    /**
     * Tokens by label.
     *
     * @param starts of each token's labels in the next array
     * @param ofToken labels, token by token
     * @param first number of labelled tokens of the first half, by label
     * @param last number of those of the second
     */
    private record Labels(List<String> names, int[] starts, int[] ofToken, int[] first, int[] last) {
        static Labels of(List<String> names, List<int[]> rows, boolean[] second) {
            int[] starts = new int[second.length + 1];
            int[] first = new int[names.size()];
            int[] last = new int[names.size()];
            for (int l = 0; l < names.size(); l++) {
                for (int row : rows.get(l)) {
                    starts[row + 1]++;
                    (second[row] ? last : first)[l]++;
                }
            }
            Arrays.parallelPrefix(starts, Integer::sum);
            int[] next = starts.clone();
            int[] ofToken = new int[starts[second.length]];
            for (int l = 0; l < names.size(); l++) {
                for (int row : rows.get(l)) {
                    ofToken[next[row]++] = l;
                }
            }
            return new Labels(names, starts, ofToken, first, last);
        }

        /** Goes down a ranking once. A label's F1 can only rise where one of its tokens is passed. */
        Fit fit(Ranking ranking) {
            int n = names.size();
            int[] hits = new int[n];
            int[] hitsOfBoth = new int[n];
            double[] best = new double[n];
            float[] thresholds = new float[n];
            double overall = 0;
            int taken = 0;
            for (int k = 0; k < ranking.rows.length; ) {
                int end = k;
                while (end < ranking.rows.length && ranking.values[end] == ranking.values[k]) {
                    int row = ranking.rows[end];
                    taken += ranking.second[end] ? 0 : 1;
                    for (int o = starts[row]; o < starts[row + 1]; o++) {
                        hitsOfBoth[ofToken[o]]++;
                        hits[ofToken[o]] += ranking.second[end] ? 0 : 1;
                    }
                    end++;
                }
                float next = ranking.next(end - 1);
                for (int e = k; e < end; e++) {
                    for (int o = starts[ranking.rows[e]]; o < starts[ranking.rows[e] + 1]; o++) {
                        int l = ofToken[o];
                        overall = Math.max(overall, 2.0 * hitsOfBoth[l] / (end + first[l] + last[l]));
                        double f1 = taken == 0 ? 0 : 2.0 * hits[l] / (taken + first[l]);
                        if (f1 > best[l]) {
                            best[l] = f1;
                            thresholds[l] = (float) ((ranking.values[k] + (double) next) / 2);
                        }
                    }
                }
                k = end;
            }
            int label = -1;
            for (int l = 0; l < n; l++) {
                label = best[l] > (label < 0 ? 0 : best[label]) ? l : label;
            }
            return new Fit(label, label < 0 ? 0 : heldOut(ranking, label, thresholds[label]), overall);
        }

        /** F1 of a label and threshold on the second half. */
        private double heldOut(Ranking ranking, int label, float threshold) {
            int taken = 0;
            int hits = 0;
            for (int k = 0; k < ranking.rows.length && ranking.values[k] > threshold; k++) {
                if (ranking.second[k]) {
                    taken++;
                    int row = ranking.rows[k];
                    hits += Arrays.binarySearch(ofToken, starts[row], starts[row + 1], label) >= 0 ? 1 : 0;
                }
            }
            return taken + last[label] == 0 ? 0 : 2.0 * hits / (taken + last[label]);
        }
    }
}
